"""A hospital's year as its log would tell it, with snooping planted in it, and how much of it the watch finds.

The hospital is drawn from a seed: people, families, homes, units, shifts, stays, consults, requests, filing, and honest
noise: namesakes, colleagues as patients, overtime, nights taken over, work in other units, wrong clicks, telephone
questions, backlogs. It knows no rule of the watch and none of its numbers; it plants what people are said to do.
"""

import random
import string
import time as clock
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any

from django.db import connections, transaction

KINDS = (
    "family",
    "neighbour",
    "colleague",
    "famous",
    "former partner",
    "dead or decoy",
    "browsing",
    "after leaving",
)
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


@dataclass
class Planted:
    """What one snooper did in one week with one chart, or by browsing: found if any of its rows is."""

    kind: str
    actor: uuid.UUID
    charts: set[uuid.UUID]
    looks: int = 0

    def rows(self) -> set[tuple[uuid.UUID, uuid.UUID | None]]:
        """The alerts that would be about it."""
        rows: set[tuple[uuid.UUID, uuid.UUID | None]] = {(self.actor, chart) for chart in self.charts}
        if self.kind == "browsing":
            rows.add((self.actor, None))
        return rows


class Hospital:
    """Everybody and everything, drawn from a seed; `week` tells one week of it."""

    def __init__(self, seed: int, *, staff: int, weeks: int, first: date, noise: float = 1.0) -> None:
        self.rng = random.Random(seed)
        self.noise = noise  # how much of the honest work leaves nothing that explains it, 1 for what is usual
        self.first, self.weeks = first, weeks
        self.names = self._draw_names()
        self.streets = [
            f"{name} {kind}" for name in self._words(max(60, staff // 3)) for kind in ("Street", "Lane")
        ]
        self.wards = max(2, staff // 55)
        self.clinics = max(1, staff // 160)
        self.units = self.wards + self.clinics
        self.number = 0
        self.persons = [self._person() for _ in range(staff * 25)]
        self.people = self._draw_staff(staff)
        self.by_kind: dict[str, list[Staff]] = defaultdict(list)
        for one in self.people:
            self.by_kind[one.kind].append(one)
        self.by_unit: dict[int, list[Staff]] = defaultdict(list)
        for one in self.people:
            if one.kind in {"nurse", "physician"}:
                self.by_unit[one.unit].append(one)
        self.famous = self.rng.sample(self.persons, max(3, staff // 100))
        self.decoys = [self._person() for _ in range(5)]
        self.persons += self.decoys
        adults = [
            one for one in self.persons if one.born < first - timedelta(days=1000) and one.staff is None
        ]
        self.long_dead = self.rng.sample(adults, max(10, staff // 8))
        for person in self.long_dead:
            person.died = first - timedelta(days=self.rng.randint(60, 900))
        self.known = [one for one in self.persons if one not in self.decoys]  # whom anybody may ask about
        self.living = [one for one in self.known if one.died is None]  # who may still come
        self.stays: list[Stay] = []
        self.beds: dict[int, list[Stay]] = defaultdict(list)
        self.left: list[Stay] = []  # gone home in the last days
        self.planted: dict[int, list[Planted]] = {}
        self.rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)

    # -- People ------------------------------------------------------------------------------------------------

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)

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

    def _person(
        self, family: str = "", home: tuple[str, str] | None = None, age: int | None = None
    ) -> Person:
        years = self.rng.randint(0, 95) if age is None else age
        born = self.first - timedelta(days=365 * years + self.rng.randrange(365))
        given = self.rng.choice(
            "Ada Bo Cleo Dan Eve Finn Gus Hal Ina Jon Kit Lou Max Ned Ole Pia Ray Sol Tess Uri".split()
        )
        return Person(self._id(), family or self._family(), given, born, home or self._home())

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
                self._id(), f"{title}{given} {family}", family, role, kind, order % self.units,
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
            one.chart = self._person(one.family, home, self.rng.randint(22, 65))
            one.chart.staff = one
            one.is_own_known = self.rng.random() < 0.85
            self.persons.append(one.chart)
        for _ in range(self.rng.choice([0, 1, 2, 2, 3, 4])):
            same_home = self.rng.random() < 0.6
            same_name = self.rng.random() < (0.8 if same_home else 0.6)
            age = self.rng.choice([None, self.rng.randint(1, 17)])
            relative = self._person(one.family if same_name else "", home if same_home else None, age)
            if same_name or (same_home and one.is_own_known):  # else nothing in any record ties them
                one.relatives.append(relative)
            self.persons.append(relative)

    # -- A week ------------------------------------------------------------------------------------------------

    def week(self, number: int) -> Iterator[tuple[Any, ...]]:
        """The events of one week; rows of the record that came with them lie in `rows` until `take`."""
        monday = self.first + timedelta(days=7 * number)
        start = datetime.combine(monday, time.min, UTC)
        self._admit(start)
        for one in self.people:
            if one.is_there(monday):
                yield from self._works(one, monday)
        self.planted[number] = []
        for _ in range(max(2, len(self.people) // 100)):
            kind = KINDS[self.rng.randrange(len(KINDS))]
            yield from self._snoops(kind, monday, number)
        self._discharge(start + timedelta(days=7))

    def take(self) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of the record since the last call."""
        rows, self.rows = self.rows, defaultdict(list)
        return rows

    def _admit(self, start: datetime) -> None:
        for unit in range(self.units):
            is_clinic = unit >= self.wards
            doctors = [
                one for one in self.by_unit[unit] if one.kind == "physician" and one.is_there(start.date())
            ]
            doctors = doctors or self.by_kind["physician"]
            for _ in range(90 if is_clinic else 24):
                person = self.rng.choice(self.living)
                begun = start + timedelta(minutes=self.rng.randrange(7 * 24 * 60))
                if is_clinic:
                    day = start + timedelta(days=self.rng.randrange(5))
                    begun = day.replace(hour=self.rng.randint(8, 16), minute=self.rng.randrange(60))
                lasts = (
                    timedelta(hours=2) if is_clinic else timedelta(days=self.rng.expovariate(1 / 4.5) + 0.3)
                )
                self._stay(
                    person,
                    unit,
                    "outpatient" if is_clinic else "inpatient",
                    self.rng.choice(doctors),
                    begun,
                    lasts,
                )

    def _stay(
        self, person: Person, unit: int, kind: str, doctor: Staff, start: datetime, lasts: timedelta
    ) -> Stay:
        self.number += 1
        stay = Stay(self._id(), f"S-{self.number}", person, unit, kind, doctor, start, start + lasts)
        self.beds[unit].append(stay)
        self.rows["encounter"].append(
            (stay.id, person.id, stay.number, kind, unit, doctor.id, stay.start, stay.end)
        )
        return stay

    def _discharge(self, now: datetime) -> None:
        gone = []
        for unit, stays in self.beds.items():
            gone += [stay for stay in stays if stay.end <= now]
            self.beds[unit] = [stay for stay in stays if stay.end > now]
        self.left = [stay for stay in self.left if stay.end > now - timedelta(days=6)] + gone
        here = [stay for stays in self.beds.values() for stay in stays]
        last = {stay.person.id: stay for stay in sorted(gone + here, key=lambda stay: stay.end)}
        for stay in gone:
            is_last = last[stay.person.id] is stay
            if stay.kind == "inpatient" and self.rng.random() < 0.012 and is_last:
                stay.person.died = stay.end.date()
                self.living.remove(stay.person)
                self.rows["death"].append((stay.person.id, stay.person.died))

    def _shifts(self, one: Staff, monday: date) -> list[tuple[datetime, float]]:
        """When her shifts of the week begin, and for how many hours."""
        if one.kind == "nurse":
            days = self.rng.sample(range(7), 3)
            hour, length = (19 if one.is_night else 7), 12.0
        else:
            days, hour, length = list(range(5)), 8, 9.0
            if self.rng.random() < 0.06:
                days = []  # away
        found = []
        for day in sorted(days):
            begins = hour
            if one.kind == "nurse" and self.rng.random() < 0.04:
                begins = 26 - begins  # 7 → 19 and 19 → 7: a shift taken over from a colleague
            at = datetime.combine(monday + timedelta(days=day), time.min, UTC) + timedelta(hours=begins)
            long = length + (self.rng.uniform(0.5, 3) if self.rng.random() < 0.06 else 0)
            if one.is_there(at.date()):
                found.append((at, long))
        if one.kind in {"physician", "consultant"} and self.rng.random() < 0.15:  # on call
            day = self.rng.randrange(7)
            at = datetime.combine(monday + timedelta(days=day), time(18), UTC)
            if one.is_there(at.date()):
                found.append((at, 14.0))
        return found

    def _works(self, one: Staff, monday: date) -> Iterator[tuple[Any, ...]]:
        busy = 3.0 if one.kind in {"clerk", "roi"} and self.rng.random() < 0.02 else 1.0  # a backlog
        for start, hours in self._shifts(one, monday):
            seat = _Seat(self.rng, one)
            is_call = hours > 13 and one.kind != "nurse"
            if one.kind == "nurse":
                unit = one.unit
                is_float = self.rng.random() < 0.05
                if is_float:
                    unit = self.rng.randrange(self.wards)
                yield from self._cares(one, seat, start, hours, unit, round(5 * one.pace), is_float)
            elif one.kind == "physician":
                yield from self._cares(
                    one, seat, start, hours, one.unit, round((3 if is_call else 7) * one.pace), False
                )
            elif one.kind == "consultant":
                yield from self._consults(one, seat, start, hours, round((2 if is_call else 5) * one.pace))
            else:
                yield from self._keeps(one, seat, start, hours, busy)

    def _at(self, start: datetime, hours: float) -> datetime:
        return start + timedelta(seconds=self.rng.uniform(0, hours * 3600))

    def _cares(
        self, one: Staff, seat: "_Seat", start: datetime, hours: float, unit: int, number: int, is_float: bool
    ) -> Iterator[tuple[Any, ...]]:
        here = [
            stay
            for stay in self.beds[unit]
            if stay.start < start + timedelta(hours=hours) and stay.end > start
        ]
        if one.kind == "physician":
            here = [stay for stay in here if stay.attending is one or self.rng.random() < 0.5]
        for stay in self.rng.sample(here, min(number, len(here))):
            if stay.person is one.chart:
                continue
            low, high = max(start, stay.start), min(start + timedelta(hours=hours), stay.end)
            if low >= high:
                continue
            is_known = (
                not is_float or self.rng.random() > 0.2 * self.noise
            )  # the ward put her on the care team
            if is_float and is_known:
                self.rows["team"].append((self._id(), stay.id, stay.person.id, one.id, low, high))
            reason = f"unit: unit {unit}, encounter {stay.number}" if not is_float else "care team"
            at = low + (high - low) * self.rng.random() * 0.9
            for _ in range(self.rng.choice([1, 2, 2, 3])):
                yield seat.looks(at, stay.person, reason if is_known else "grant")
                at = min(at + timedelta(minutes=self.rng.uniform(1, 90)), high - timedelta(seconds=1))
        if (
            self.rng.random() < 0.04 * self.noise
        ):  # a patient whose transfer is not entered yet, or a wrong click
            other = self.rng.choice(self.beds[self.rng.randrange(self.wards)] or self.left or [None])
            if other is not None:
                yield seat.looks(self._at(start, hours), other.person, "grant")

    def _consults(
        self, one: Staff, seat: "_Seat", start: datetime, hours: float, number: int
    ) -> Iterator[tuple[Any, ...]]:
        for _ in range(number):
            here = self.beds[self.rng.randrange(self.wards)]
            here = [stay for stay in here if stay.start < start and stay.end > start]
            if not here:
                continue
            stay = self.rng.choice(here)
            at = self._at(start, hours)
            if self.rng.random() > 0.015 * self.noise:  # some are asked by telephone and never entered
                asked = at - timedelta(hours=self.rng.uniform(0.1, 20))
                answered = at + timedelta(hours=self.rng.uniform(2, 40))
                self.rows["consult"].append(
                    (self._id(), stay.person.id, stay.attending.id, one.id, asked, answered)
                )
            for _ in range(self.rng.choice([1, 2, 3])):
                yield seat.looks(at, stay.person, "consult")
                at += timedelta(minutes=self.rng.uniform(1, 20))

    def _keeps(
        self, one: Staff, seat: "_Seat", start: datetime, hours: float, busy: float
    ) -> Iterator[tuple[Any, ...]]:
        """The records department: discharge work, filing, requests; questions by telephone, wrong clicks."""
        number = round(self.rng.gauss(11, 2) * one.pace * busy) if one.kind != "supervisor" else 6
        for _ in range(max(0, number)):
            at = self._at(start, hours)
            draw = self.rng.random()
            if draw < 0.045 * self.noise:
                yield from self._answers_a_question(seat, at)
            elif one.kind == "roi":
                yield from self._answers_a_request(one, seat, at)
            elif draw < 0.25 and one.kind == "clerk":
                person = self.rng.choice(self.living)
                yield seat.searches(at, person.family[: self.rng.randint(3, 8)], [person])
                self.rows["filing"].append(
                    (self._id(), self._id(), person.id, one.id, at + timedelta(minutes=3))
                )
                yield seat.looks(at + timedelta(minutes=1), person, "records role: Records clerk")
            else:
                done = [stay for stay in self.left if stay.end < at < stay.end + timedelta(days=7)]
                if not done:
                    continue
                stay = self.rng.choice(done)
                if self.rng.random() < 0.03 * self.noise:  # a namesake first
                    wrong = self.rng.choice(self.known)
                    yield seat.looks(at, wrong, "records role: Records clerk")
                for _ in range(self.rng.choice([1, 2, 3])):
                    at += timedelta(minutes=self.rng.uniform(0.5, 6))
                    yield seat.looks(at, stay.person, "records role: Records clerk")

    def _answers_a_question(self, seat: "_Seat", at: datetime) -> Iterator[tuple[Any, ...]]:
        """Somebody rings: often about who was here lately, at times about somebody of long ago, who may be dead."""
        recent = [stay.person for stay in self.left]
        person = (
            self.rng.choice(recent) if recent and self.rng.random() < 0.6 else self.rng.choice(self.known)
        )
        yield seat.searches(at, person.family[: self.rng.randint(3, 9)], [person])
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            at += timedelta(minutes=self.rng.uniform(0.3, 4))
            yield seat.looks(at, person, "records role: Records clerk")

    def _answers_a_request(self, one: Staff, seat: "_Seat", at: datetime) -> Iterator[tuple[Any, ...]]:
        person = self.rng.choice(self.long_dead if self.rng.random() < 0.02 else self.living)
        key = self._id()
        self.rows["request"].append(
            (key, person.id, one.id, at - timedelta(minutes=5), at + timedelta(days=5))
        )
        for _ in range(self.rng.choice([1, 2, 3])):
            at += timedelta(minutes=self.rng.uniform(1, 10))
            yield seat.looks(at, person, "records role: ROI specialist")
        if self.rng.random() < 0.3:
            for _ in range(self.rng.choice([1, 2, 5, 12])):
                at += timedelta(seconds=self.rng.uniform(5, 60))
                yield seat.looks(at, person, "records role: ROI specialist", "document.printed", "print")

    # -- Snooping ----------------------------------------------------------------------------------------------

    def _somebody(self, day: date, *, records: float = 0.5) -> Staff:
        """Half of those who snoop are of the records department: the others have to break the glass."""
        while True:
            kinds = ["clerk", "roi"] if self.rng.random() < records else ["nurse", "physician", "consultant"]
            one = self.rng.choice(self.by_kind[self.rng.choice(kinds)])
            if one.is_there(day + timedelta(days=6)):
                return one

    def _whose(self, kind: str, monday: date) -> tuple[Staff, list[Person]]:
        for _ in range(10_000):
            one = self._somebody(monday)
            found: list[Person] = []
            if kind == "family":
                found = self.rng.sample(one.relatives, min(len(one.relatives), self.rng.choice([1, 1, 2])))
            elif kind == "neighbour" and one.chart and one.is_own_known:
                street = one.chart.home[0].split(" ", 1)[1]
                near = [
                    who
                    for who in self._of_street(street)
                    if who is not one.chart and who not in one.relatives
                ]
                found = self.rng.sample(near, min(len(near), 1))
            elif kind == "colleague":
                near = (
                    self.by_unit.get(one.unit, [])
                    if one.kind in {"nurse", "physician"}
                    else self.by_kind[one.kind]
                )
                charts = [who.chart for who in near if who is not one and who.chart and who.is_own_known]
                found = self.rng.sample(charts, min(len(charts), 1))
            elif kind == "famous":
                found = [self.rng.choice(self.famous)]
            elif kind == "former partner":
                found = [self.rng.choice(self.living)]
            elif kind == "dead or decoy":
                found = [self.rng.choice(self.long_dead if self.rng.random() < 0.6 else self.decoys)]
            if found:
                return one, found
        raise RuntimeError(f"Nobody can be found for {kind}.")

    def _of_street(self, street: str) -> list[Person]:
        if not hasattr(self, "_streets"):
            self._streets: dict[str, list[Person]] = defaultdict(list)
            for person in self.persons:
                self._streets[person.home[0].split(" ", 1)[1]].append(person)
        return self._streets[street]

    def _hour(self, one: Staff, monday: date) -> datetime:
        """At work among the rest, or when nobody is about."""
        day = datetime.combine(monday + timedelta(days=self.rng.randrange(6)), time.min, UTC)
        if self.rng.random() < 0.55:
            base = 19 if one.is_night else 8
            return day + timedelta(hours=base + self.rng.uniform(0.5, 8))
        return day + timedelta(hours=self.rng.uniform(20, 29))

    def _snoops(self, kind: str, monday: date, number: int) -> Iterator[tuple[Any, ...]]:
        if kind == "browsing":
            yield from self._browses(monday, number)
            return
        if kind == "after leaving":
            gone = [one for one in self.people if one.last_day and 0 < (monday - one.last_day).days < 60]
            if not gone:
                return
            one, charts = self.rng.choice(gone), self.rng.sample(self.living, self.rng.choice([1, 1, 2]))
        else:
            one, charts = self._whose(kind, monday)
        for person in charts:
            planted = Planted(kind, one.id, {person.id})
            self.planted[number].append(planted)
            days = (
                self.rng.choice([2, 3, 3, 4]) if kind == "former partner" else self.rng.choice([1, 1, 1, 2])
            )
            for _ in range(days):
                at = self._hour(one, monday)
                seat = _Seat(self.rng, one)
                if one.role == CLINICAL and kind != "after leaving":
                    self.rows["glass"].append((self._id(), person.id, one.id, at, at + timedelta(hours=4)))
                reads = self.rng.choice([1, 2, 3, 5] if kind != "former partner" else [3, 5, 8])
                planted.looks += reads
                for read in range(reads):
                    what = ("patient.viewed", "view") if read == 0 else ("document.viewed", "view")
                    yield seat.looks(
                        at, person, "broken glass" if one.role == CLINICAL else "records role", *what
                    )
                    at += timedelta(minutes=self.rng.uniform(0.5, 5))

    def _browses(self, monday: date, number: int) -> Iterator[tuple[Any, ...]]:
        """Through the names, letter by letter; or taking out whatever can be had."""
        one = self._somebody(monday, records=1.0)
        seat = _Seat(self.rng, one)
        at = self._hour(one, monday)
        charts: set[uuid.UUID] = set()
        takes = self.rng.random() < 0.4
        for _ in range(self.rng.randint(30, 60)):
            person = self.rng.choice(self.living)
            at += timedelta(seconds=self.rng.uniform(20, 150))
            if not takes:
                yield seat.searches(
                    at, self.rng.choice(string.ascii_lowercase), self.rng.sample(self.living, 8)
                )
                if self.rng.random() > 0.35:
                    continue
            charts.add(person.id)
            name = ("document.downloaded", "export") if takes else ("patient.viewed", "view")
            yield seat.looks(at + timedelta(seconds=15), person, "records role: Records clerk", *name)
        self.planted[number].append(Planted("browsing", one.id, charts, len(charts)))


class _Seat:
    """Where somebody sits for a shift, at times at two desks."""

    def __init__(self, rng: random.Random, one: Staff) -> None:
        self.rng, self.one = rng, one
        self.session = f"{rng.getrandbits(64):016x}"
        self.places = [f"10.{rng.randrange(4)}.{rng.randrange(250)}.{rng.randrange(250)}"]
        if rng.random() < 0.08:
            self.places.append(f"10.{rng.randrange(4)}.{rng.randrange(250)}.{rng.randrange(250)}")

    def looks(
        self, at: datetime, person: Person, reason: str, event: str = "", action: str = "view"
    ) -> tuple[Any, ...]:
        """One access, as a row for the log."""
        is_document = event.startswith("document") or (not event and self.rng.random() < 0.5)
        name = event or ("document.viewed" if is_document else "patient.viewed")
        about = "documents.document" if is_document else "patients.patient"
        key = uuid.UUID(int=self.rng.getrandbits(128), version=4) if is_document else person.id
        return self._row(at, name, action, person.id, None, about, key, reason, None)

    def searches(self, at: datetime, text: str, shown: Iterable[Person]) -> tuple[Any, ...]:
        """One search."""
        detail = f'{{"q": "{text}", "shown": 1}}'
        return self._row(
            at, "patient.searched", "search", None, [one.id for one in shown], "", "", "open charts", detail
        )

    def _row(
        self,
        at: datetime,
        name: str,
        action: str,
        patient: Any,
        shown: Any,
        about: str,
        key: Any,
        reason: str,
        detail: Any,
    ) -> tuple[Any, ...]:
        place = self.places[0] if len(self.places) == 1 else self.rng.choice(self.places)
        return (
            at, name, action, self.one.id, str(self.one.id)[:8], [self.one.role], self.session, patient, shown, about,
            key, "TREAT" if self.one.role == CLINICAL else "RECORDMGT", reason, "success", "web", place, "", detail,
        )  # fmt: skip


# -- Into the database ---------------------------------------------------------------------------------------------


EVENT_COLUMNS = (
    "at event action actor_id actor roles session patient_id patient_ids object_type object_id purpose reason outcome "
    "channel ip request_id detail"
).split()


def _text(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, list):
        return "{" + ",".join(str(item) for item in value) + "}"
    if isinstance(value, bool):
        return "t" if value else "f"
    return str(value).replace("\\", "\\\\").replace("\t", " ").replace("\n", " ")


class Filler:
    """Writes as the owner of the tables, with their triggers off: nobody did any of this."""

    TABLES = (
        "accounts_user accounts_user_groups patients_facility patients_location patients_patient patients_patientname "
        "patients_address patients_ownentry patients_workplace patients_chartrestriction patients_encounter "
        "patients_careteammember patients_consult patients_glassbreak review_decoychart release_recordrequest "
        "documents_document documents_documentversion documents_documenttype documents_blob"
    ).split()

    def __init__(self, connection: Any, hospital: Hospital) -> None:
        self.connection, self.hospital = connection, hospital
        self.now = datetime.combine(hospital.first, time.min, UTC) - timedelta(days=400)

    def _do(self, statement: str, *values: Any) -> list[Any]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall()) if cursor.description else []

    def _copy(self, table: str, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
        text = StringIO()
        text.writelines("\t".join(map(_text, row)) + "\n" for row in rows)
        text.seek(0)
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"copy {table} ({', '.join(columns)}) from stdin", text)

    def _kept(self, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of a table that starts from BaseModel: the id comes first."""
        stamps = (self.now, self.now, 1)
        names = ["id", "created_at", "updated_at", "version", *columns.split()]
        self._copy(table, names, ((row[0], *stamps, *row[1:]) for row in rows))

    def triggers(self, word: str) -> None:
        """`disable` or `enable` what the application's tables check at each row."""
        for table in self.TABLES:
            self._do(f"alter table {table} {word} trigger user")

    def months(self) -> None:
        """A partition of the log for each month of the year."""
        day = self.hospital.first.replace(day=1)
        end = self.hospital.first + timedelta(days=7 * self.hospital.weeks + 7)
        while day <= end:
            after = (day + timedelta(days=32)).replace(day=1)
            name = f"audit_event_{day:%Y%m}"
            self._do(
                f"create table if not exists {name} partition of audit_event for values from ('{day} 00:00+00') "
                f"to ('{after} 00:00+00')"
            )
            day = after

    def house(self) -> None:
        """People, homes, units, workplaces, own charts, restrictions, decoys."""
        from patients import mrn, names

        one, rng = self.hospital, self.hospital.rng
        groups = dict(self._do("select name, id from auth_group"))
        self.facility, self.type_id = one._id(), one._id()
        self.units = [one._id() for _ in range(one.units)]
        self._kept("patients_facility", "name", [(self.facility, f"Simulated {self.facility}")])
        self._kept(
            "patients_location", "facility_id name is_active",
            [(key, self.facility, f"Unit {number}", True) for number, key in enumerate(self.units)],
        )  # fmt: skip
        self._kept(
            "documents_documenttype",
            "code name is_active",
            [(self.type_id, f"S{rng.randrange(10**8)}", "Letter", True)],
        )
        self.blob = f"{rng.getrandbits(256):064x}"
        self._do(
            "insert into documents_blob (sha256, size_bytes, media_type, key_id, created_at) "
            "values (%s, 1, 'x', 'x', now())",
            self.blob,
        )
        users = (
            "id username name email password is_active is_superuser last_day must_change_password is_program "
            "created_at version"
        )
        self._copy(
            "accounts_user", users.split(),
            [
                (who.id, f"s{who.id.hex[:20]}", who.name, "", "!", True, False, who.last_day, False, False, self.now, 1)
                for who in one.people
            ],
        )  # fmt: skip
        self._copy(
            "accounts_user_groups",
            ["user_id", "group_id"],
            [(who.id, groups[who.role]) for who in one.people],
        )
        number = 500_000 + rng.randrange(10**5)
        self._kept(
            "patients_patient",
            "family given middle suffix family_key given_key mrn birth_date sex deceased_on status",
            [
                (
                    who.id, who.family, who.given, "", "", names.key(who.family), names.key(who.given),
                    mrn.make(number + order), who.born, "female", who.died, "active",
                )
                for order, who in enumerate(one.persons)
            ],
        )  # fmt: skip
        self._kept(
            "patients_address", "patient_id line city state postal_code country",
            [(one._id(), who.id, who.home[0], "Town", "", who.home[1], "") for who in one.persons],
        )  # fmt: skip
        since = self.now
        known = [who for who in one.people if who.chart and who.is_own_known]
        self._kept(
            "patients_ownentry",
            "user_id patient_id since",
            [(one._id(), who.id, who.chart.id, since) for who in known],
        )
        self._kept(
            "patients_workplace", "user_id facility_id location_id since",
            [
                (one._id(), who.id, self.facility, self.units[who.unit], since)
                for who in one.people
                if who.kind in {"nurse", "physician"}
            ],
        )  # fmt: skip
        officer = one.people[0].id
        self._kept(
            "patients_chartrestriction", "patient_id kind why set_by_id since",
            [(one._id(), who.id, "vip", "known", officer, since) for who in one.famous],
        )  # fmt: skip
        self._kept(
            "review_decoychart", "patient_id why marked_by_id since",
            [(one._id(), who.id, "nobody", officer, since) for who in one.decoys],
        )  # fmt: skip

    def week(self, number: int) -> int:
        """One week of the log and of the record; how many events."""
        events = sorted(self.hospital.week(number), key=lambda row: row[0])
        self._copy("audit_event", EVENT_COLUMNS, events)
        rows = self.hospital.take()
        self._kept(
            "patients_encounter", "patient_id number kind location_id attending_id started_at ended_at",
            [(key, who, name, kind, self.units[unit], doctor, start, end)
             for key, who, name, kind, unit, doctor, start, end in rows["encounter"]],
        )  # fmt: skip
        self._kept(
            "patients_careteammember", "encounter_id patient_id user_id since until function",
            [(*row, "nurse") for row in rows["team"]],
        )  # fmt: skip
        self._kept(
            "patients_consult", "patient_id asked_by_id asked_of_id asked_at answered_at question",
            [(*row, "please see") for row in rows["consult"]],
        )  # fmt: skip
        self._kept(
            "patients_glassbreak",
            "patient_id user_id opened_at expires_at reason_code reason ended_at is_drill session",
            [(*row, "other", "to see", row[4], False, "") for row in rows["glass"]],
        )  # fmt: skip
        self._requests(rows["request"])
        self._filings(rows["filing"])
        for person, day in rows["death"]:
            self._do("update patients_patient set deceased_on = %s where id = %s", day, person)
        return len(events)

    def _requests(self, rows: list[tuple[Any, ...]]) -> None:
        columns = (
            "id created_at updated_at version number patient_id kind requester_name requester_organization "
            "requester_address requester_phone requester_email requester_fax purpose received_on channel scope "
            "delivery_method delivery_format status due_on due_rule assigned_to_id logged_by_id closed_at cancel_reason"
        ).split()
        self._copy(
            "release_recordrequest", columns,
            [
                (
                    key, made, made, 1, f"R{key.hex[:12]}", person, "patient", "A Person", "", "", "", "", "",
                    "own use",
                    made.date(), "mail", "{}", "mail", "paper", "delivered", made.date(), "30 days", clerk,
                    clerk, closed, "",
                )
                for key, person, clerk, made, closed in rows
            ],
        )  # fmt: skip

    def _filings(self, rows: list[tuple[Any, ...]]) -> None:
        self._kept(
            "documents_document",
            "patient_id type_id title service_date author status labels source filed_by_id filed_at",
            [(key, person, self.type_id, "Letter", at.date(), "", "current", "{}", "scan", clerk, at)
             for key, _, person, clerk, at in rows],
        )  # fmt: skip
        self._kept(
            "documents_documentversion",
            "document_id patient_id number blob_id filename filed_by_id filed_at processing error page_count flags",
            [(version, key, person, 1, self.blob, "a.pdf", clerk, at, "done", "", 1, "{}")
             for key, version, person, clerk, at in rows],
        )  # fmt: skip


# -- How much is found ---------------------------------------------------------------------------------------------


@dataclass
class Score:
    """What the lists of some weeks held."""

    planted: int = 0
    in_top_100: int = 0
    in_top_50: int = 0  # planted rows among the first 50 of each week
    in_first: int = 0  # planted rows among as many first rows as things were planted that week, at most 50
    first: int = 0  # how many rows those were
    weeks: int = 0
    accesses: int = 0
    unexplained: int = 0
    planted_accesses: int = 0
    seconds: float = 0.0  # that watching took
    watched: int = 0  # accesses
    kinds: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    @property
    def recall(self) -> float:
        """How much of what was planted stands in the top 100 of its week."""
        return self.in_top_100 / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """At 50, or at the number planted in a week with fewer: what of so many first rows was planted."""
        return self.in_first / self.first if self.first else 1.0

    @property
    def share_of_50(self) -> float:
        """What of the first 50 rows was planted, however few were planted."""
        return self.in_top_50 / (50 * self.weeks) if self.weeks else 0.0

    @property
    def explained(self) -> float:
        """At least so much of the honest accesses is explained: what is not is counted as honest, all of it."""
        return 1 - self.unexplained / max(1, self.accesses - self.planted_accesses)

    def count(self, planted: list[Planted], top: list[tuple[uuid.UUID, uuid.UUID | None]]) -> None:
        """Add one week: what was planted in it, and its list, the weightiest first."""
        hundred = set(top[:100])
        rows = set().union(*(one.rows() for one in planted)) if planted else set()
        for one in planted:
            is_found = bool(one.rows() & hundred)
            self.planted += 1
            self.planted_accesses += one.looks
            self.in_top_100 += is_found
            self.kinds[one.kind][0] += is_found
            self.kinds[one.kind][1] += 1
        first = min(50, len(planted))
        self.first += first
        self.in_first += sum(row in rows for row in top[:first])
        self.in_top_50 += sum(row in rows for row in top[:50])
        self.weeks += 1


def last_monday(weeks: int) -> date:
    """The Monday so many whole weeks before this one."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=today.weekday() + 7 * weeks)


def watched(
    hospital: Hospital, *, learning: int, tell: Callable[[str], None], verbose: bool = False
) -> Score:
    """Fill the database, the hospital's own, and watch each week; the first `learning` ones only teach."""
    from audit.review.models import Alert
    from audit.review.services import run_watch

    filler = Filler(connections["owner"], hospital)
    with transaction.atomic(using="owner"):
        filler.months()
        filler.triggers("disable")
    with transaction.atomic(using="owner"):
        filler.house()
    score = Score()
    for number in range(hospital.weeks):
        with transaction.atomic(using="owner"):
            events = filler.week(number)
        if number % 4 == 0:
            with connections["owner"].cursor() as cursor:
                cursor.execute("analyze")
        begun = clock.perf_counter()
        run = run_watch(week_on=hospital.first + timedelta(days=7 * number))
        took = clock.perf_counter() - begun
        score.seconds += took
        score.watched += run.accesses
        rows = Alert.objects.of_week(run.week_on).order_by("-score", "pk")
        found = list(rows.values_list("subject_id", "patient_id", "score", "hits"))
        if number >= learning:
            score.count(hospital.planted[number], [(subject, patient) for subject, patient, _, _ in found])
            score.accesses += run.accesses
            score.unexplained += run.accesses - run.explained
            if verbose:
                _tell_missed(hospital, number, found, tell)
        tell(
            f"week {number + 1}: {events} events, {run.accesses} looks, {run.alerts} alerts, {took:.1f} s; so far "
            f"{score.in_top_100}/{score.planted} in the top 100, {score.precision:.2f} of as many first rows, "
            f"{score.explained:.3f} explained"
        )
    with transaction.atomic(using="owner"):
        filler.triggers("enable")
    return score


def _tell_missed(hospital: Hospital, number: int, found: list[Any], tell: Callable[[str], None]) -> None:
    """What a week's list did not hold high enough and what stood above it, for whoever works on the rules."""
    places = {(subject, patient): (place, hits) for place, (subject, patient, _, hits) in enumerate(found, 1)}
    rows: set[Any] = set()
    for one in hospital.planted[number]:
        rows |= one.rows()
        at = sorted((places[row] for row in one.rows() if row in places), key=lambda item: item[0])
        if not at or at[0][0] > 50:
            tell(f"   low: {one.kind} {at[:1]}")
    kinds = {one.id: one.kind for one in hospital.people}
    for subject, patient, points, hits in found[:50]:
        if (subject, patient) not in rows:
            words = [(hit["rule"], hit["points"], hit["words"][:50]) for hit in hits]
            tell(f"   honest at {places[subject, patient][0]}: {points} {kinds[subject]} {words}")
