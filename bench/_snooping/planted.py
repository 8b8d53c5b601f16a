"""The snooping that is planted: who looks at whom and when, and what has to be found."""

import string
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from .hospital import Hospital
from .people import CLINICAL, Person, Staff
from .seat import Seat

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


class Snooping:
    """What people are said to do; `planted` holds it by the number of its week."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.rng = hospital, hospital.rng
        self.planted: dict[int, list[Planted]] = defaultdict(list)

    def of(self, kind: str, monday: date, number: int) -> Iterator[tuple[Any, ...]]:
        """One act of this kind in a week, as rows for the log; `planted` remembers it."""
        if kind == "browsing":
            yield from self._browses(monday, number)
            return
        if kind == "after leaving":
            gone = [
                one for one in self.hospital.people if one.last_day and 0 < (monday - one.last_day).days < 60
            ]
            if not gone:
                return
            one, charts = (
                self.rng.choice(gone),
                self.rng.sample(self.hospital.living, self.rng.choice([1, 1, 2])),
            )
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
                seat = Seat(self.rng, one)
                if one.role == CLINICAL and kind != "after leaving":
                    self.hospital.rows["glass"].append(
                        (self.hospital.new_id(), person.id, one.id, at, at + timedelta(hours=4))
                    )
                reads = self.rng.choice([1, 2, 3, 5] if kind != "former partner" else [3, 5, 8])
                planted.looks += reads
                for read in range(reads):
                    what = ("patient.viewed", "view") if read == 0 else ("document.viewed", "view")
                    yield seat.looks(
                        at, person, "broken glass" if one.role == CLINICAL else "records role", *what
                    )
                    at += timedelta(minutes=self.rng.uniform(0.5, 5))

    def _somebody(self, day: date, *, records: float = 0.5) -> Staff:
        """Half of those who snoop are of the records department: the others have to break the glass."""
        while True:
            kinds = ["clerk", "roi"] if self.rng.random() < records else ["nurse", "physician", "consultant"]
            one = self.rng.choice(self.hospital.by_kind[self.rng.choice(kinds)])
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
                    for who in self.hospital.by_street[street]
                    if who is not one.chart and who not in one.relatives
                ]
                found = self.rng.sample(near, min(len(near), 1))
            elif kind == "colleague":
                others = (
                    self.hospital.by_unit.get(one.unit, [])
                    if one.kind in {"nurse", "physician"}
                    else self.hospital.by_kind[one.kind]
                )
                charts = [who.chart for who in others if who is not one and who.chart and who.is_own_known]
                found = self.rng.sample(charts, min(len(charts), 1))
            elif kind == "famous":
                found = [self.rng.choice(self.hospital.famous)]
            elif kind == "former partner":
                found = [self.rng.choice(self.hospital.living)]
            elif kind == "dead or decoy":
                found = [
                    self.rng.choice(
                        self.hospital.long_dead if self.rng.random() < 0.6 else self.hospital.decoys
                    )
                ]
            if found:
                return one, found
        raise RuntimeError(f"Nobody can be found for {kind}.")

    def _hour(self, one: Staff, monday: date) -> datetime:
        """At work among the rest, or when nobody is about."""
        day = datetime.combine(monday + timedelta(days=self.rng.randrange(6)), time.min, UTC)
        if self.rng.random() < 0.55:
            base = 19 if one.is_night else 8
            return day + timedelta(hours=base + self.rng.uniform(0.5, 8))
        return day + timedelta(hours=self.rng.uniform(20, 29))

    def _browses(self, monday: date, number: int) -> Iterator[tuple[Any, ...]]:
        """Through the names, letter by letter; or taking out whatever can be had."""
        one = self._somebody(monday, records=1.0)
        seat = Seat(self.rng, one)
        at = self._hour(one, monday)
        charts: set[uuid.UUID] = set()
        takes = self.rng.random() < 0.4
        for _ in range(self.rng.randint(30, 60)):
            person = self.rng.choice(self.hospital.living)
            at += timedelta(seconds=self.rng.uniform(20, 150))
            if not takes:
                yield seat.searches(
                    at, self.rng.choice(string.ascii_lowercase), self.rng.sample(self.hospital.living, 8)
                )
                if self.rng.random() > 0.35:
                    continue
            charts.add(person.id)
            name = ("document.downloaded", "export") if takes else ("patient.viewed", "view")
            yield seat.looks(at + timedelta(seconds=15), person, "records role: Records clerk", *name)
        self.planted[number].append(Planted("browsing", one.id, charts, len(charts)))
