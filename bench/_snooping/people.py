"""Who lives in the town and who works in the hospital: names, homes, families, charts of their own."""

import random
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

CLINICAL, RECORDS = "clinician", "records_clerk"


@dataclass(eq=False)
class Person:
    """A patient."""

    id: uuid.UUID
    family: str
    given: str
    born: date
    home: tuple[str, str]  # line, postal code
    died: date | None = None
    staff: "Staff | None" = None


@dataclass(eq=False)
class Staff:
    """Somebody who works here. `kind`: nurse, physician, consultant, clerk, roi, supervisor."""

    id: uuid.UUID
    name: str
    family: str
    role: str
    kind: str
    unit: int
    is_night: bool
    pace: float  # how much she does, against others of her kind
    chart: Person | None = None  # her own
    is_own_known: bool = False  # the records department has entered that it is hers
    relatives: list[Person] = field(default_factory=list)
    last_day: date | None = None

    def is_there(self, day: date) -> bool:
        """Whether she still works here."""
        return self.last_day is None or day <= self.last_day


@dataclass(eq=False)
class Stay:
    """An encounter."""

    id: uuid.UUID
    number: str
    person: Person
    unit: int
    kind: str
    attending: Staff
    start: datetime
    end: datetime


def new_id(rng: random.Random) -> uuid.UUID:
    """A key that the seed repeats."""
    return uuid.UUID(int=rng.getrandbits(128), version=4)


class Town:
    """Everybody with a chart, and everybody who works in the hospital."""

    def __init__(self, rng: random.Random, *, staff: int, units: int, first: date, weeks: int) -> None:
        self.rng, self.units, self.first, self.weeks = rng, units, first, weeks
        self.names = self._draw_names()
        self.streets = [
            f"{name} {kind}" for name in self._words(max(60, staff // 3)) for kind in ("Street", "Lane")
        ]
        self.persons = [self.person() for _ in range(staff * 25)]
        self.people = self._draw_staff(staff)

    def _words(self, number: int) -> list[str]:
        onset, core, end = (
            "b br d f g gr h k l m n p r s st t v w".split(),
            "aeiou",
            "ck ld ll n nd r rt s th x".split(),
        )
        found: set[str] = set()
        while len(found) < number:
            parts = self.rng.choice([1, 2, 2, 3])
            word = "".join(self.rng.choice(onset) + self.rng.choice(core) for _ in range(parts))
            found.add((word + self.rng.choice(end)).capitalize())
        words = sorted(found)  # a set has no order that a seed could repeat
        self.rng.shuffle(words)
        return words

    def _draw_names(self) -> tuple[list[str], list[float]]:
        """Family names as they are: a few that many have, many that few have (the commonest, one in a hundred)."""
        names = self._words(6000)
        return names, [1 / (rank + 12) ** 0.85 for rank in range(len(names))]

    def _family(self) -> str:
        return self.rng.choices(*self.names)[0]

    def _home(self) -> tuple[str, str]:
        street = self.rng.randrange(len(self.streets))
        return f"{self.rng.randint(1, 240)} {self.streets[street]}", f"{10_000 + street % 40}"

    def person(self, family: str = "", home: tuple[str, str] | None = None, age: int | None = None) -> Person:
        """Somebody new; what is not given is drawn."""
        years = self.rng.randint(0, 95) if age is None else age
        born = self.first - timedelta(days=365 * years + self.rng.randrange(365))
        given = self.rng.choice(
            "Ada Bo Cleo Dan Eve Finn Gus Hal Ina Jon Kit Lou Max Ned Ole Pia Ray Sol Tess Uri".split()
        )
        return Person(new_id(self.rng), family or self._family(), given, born, home or self._home())

    def _draw_staff(self, number: int) -> list[Staff]:
        shares = [
            ("nurse", 0.56, CLINICAL), ("physician", 0.19, CLINICAL), ("consultant", 0.12, CLINICAL),
            ("clerk", 0.09, RECORDS), ("roi", 0.03, "roi_specialist"), ("supervisor", 0.01, "records_supervisor"),
        ]  # fmt: skip
        kinds = [(kind, role) for kind, share, role in shares for _ in range(max(2, round(number * share)))]
        found = []
        for order, (kind, role) in enumerate(kinds):
            family = self._family()
            given = self.rng.choice(["Ann", "Ben", "Cora", "Dov", "Ella", "Fay", "Gil", "Hugo"])
            title = "Dr. " if kind in {"physician", "consultant"} else ""
            one = Staff(
                new_id(self.rng), f"{title}{given} {family}", family, role, kind, order % self.units,
                kind == "nurse" and self.rng.random() < 0.28, self.rng.lognormvariate(0, 0.22),
            )  # fmt: skip
            if self.rng.random() < 0.15:
                one.last_day = self.first + timedelta(days=self.rng.randrange(14, 7 * self.weeks + 14))
            self._give_family(one)
            found.append(one)
        return found

    def _give_family(self, one: Staff) -> None:
        home = self._home()
        if self.rng.random() < 0.7:
            one.chart = self.person(one.family, home, self.rng.randint(22, 65))
            one.chart.staff = one
            one.is_own_known = self.rng.random() < 0.85
            self.persons.append(one.chart)
        for _ in range(self.rng.choice([0, 1, 2, 2, 3, 4])):
            same_home = self.rng.random() < 0.6
            same_name = self.rng.random() < (0.8 if same_home else 0.6)
            age = self.rng.choice([None, self.rng.randint(1, 17)])
            relative = self.person(one.family if same_name else "", home if same_home else None, age)
            if same_name or (same_home and one.is_own_known):  # else nothing in any record ties them
                one.relatives.append(relative)
            self.persons.append(relative)
