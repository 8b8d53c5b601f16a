"""The hospital: its staff, units and beds, who is admitted and goes home, and what its record keeps of a week."""

import random
import uuid
from collections import defaultdict
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from .people import Person, Staff, Stay, Town, new_id


class Hospital:
    """Everybody and everything, drawn from a seed; `year.week` tells one week of it."""

    def __init__(self, seed: int, *, staff: int, weeks: int, first: date, noise: float = 1.0) -> None:
        self.rng = random.Random(seed)
        self.noise = noise  # how much of the honest work leaves nothing that explains it, 1 for what is usual
        self.first, self.weeks = first, weeks
        self.wards = max(2, staff // 55)
        self.clinics = max(1, staff // 160)
        self.units = self.wards + self.clinics
        self.number = 0
        self.town = Town(self.rng, staff=staff, units=self.units, first=first, weeks=weeks)
        self.persons, self.people = self.town.persons, self.town.people
        self.by_kind: dict[str, list[Staff]] = defaultdict(list)
        for one in self.people:
            self.by_kind[one.kind].append(one)
        self.by_unit: dict[int, list[Staff]] = defaultdict(list)
        for one in self.people:
            if one.kind in {"nurse", "physician"}:
                self.by_unit[one.unit].append(one)
        self.famous = self.rng.sample(self.persons, max(3, staff // 100))
        self.decoys = [self.town.person() for _ in range(5)]
        self.persons += self.decoys
        adults = [
            one for one in self.persons if one.born < first - timedelta(days=1000) and one.staff is None
        ]
        self.long_dead = self.rng.sample(adults, max(10, staff // 8))
        for person in self.long_dead:
            person.died = first - timedelta(days=self.rng.randint(60, 900))
        self.known = [one for one in self.persons if one not in self.decoys]  # whom anybody may ask about
        self.living = [one for one in self.known if one.died is None]  # who may still come
        self.beds: dict[int, list[Stay]] = defaultdict(list)
        self.left: list[Stay] = []  # gone home in the last days
        self.rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)

    def new_id(self) -> uuid.UUID:
        """A key that the seed repeats."""
        return new_id(self.rng)

    @cached_property
    def by_street(self) -> dict[str, list[Person]]:
        """Who lives in each street."""
        found: dict[str, list[Person]] = defaultdict(list)
        for person in self.persons:
            found[person.home[0].split(" ", 1)[1]].append(person)
        return found

    def take(self) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of the record since the last call."""
        rows, self.rows = self.rows, defaultdict(list)
        return rows

    def admit(self, start: datetime) -> None:
        """Who comes in the week that starts then."""
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
        stay = Stay(self.new_id(), f"S-{self.number}", person, unit, kind, doctor, start, start + lasts)
        self.beds[unit].append(stay)
        self.rows["encounter"].append(
            (stay.id, person.id, stay.number, kind, unit, doctor.id, stay.start, stay.end)
        )
        return stay

    def discharge(self, now: datetime) -> None:
        """Who went home until now, and who died."""
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
