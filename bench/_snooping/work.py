"""Honest work: shifts, care, consults, the records department, and what of it leaves nothing that explains it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from .hospital import Hospital
from .people import Staff
from .seat import Seat


class Work:
    """What everybody does for the patients, or for their charts."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.rng = hospital, hospital.rng

    def of(self, one: Staff, monday: date) -> Iterator[tuple[Any, ...]]:
        """What somebody does in a week, as rows for the log."""
        busy = 3.0 if one.kind in {"clerk", "roi"} and self.rng.random() < 0.02 else 1.0  # a backlog
        for start, hours in self._shifts(one, monday):
            seat = Seat(self.rng, one)
            is_call = hours > 13 and one.kind != "nurse"
            if one.kind == "nurse":
                unit = one.unit
                is_float = self.rng.random() < 0.05
                if is_float:
                    unit = self.rng.randrange(self.hospital.wards)
                yield from self._cares(one, seat, start, hours, unit, round(5 * one.pace), is_float)
            elif one.kind == "physician":
                yield from self._cares(
                    one, seat, start, hours, one.unit, round((3 if is_call else 7) * one.pace), False
                )
            elif one.kind == "consultant":
                yield from self._consults(one, seat, start, hours, round((2 if is_call else 5) * one.pace))
            else:
                yield from self._keeps(one, seat, start, hours, busy)

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

    def _at(self, start: datetime, hours: float) -> datetime:
        return start + timedelta(seconds=self.rng.uniform(0, hours * 3600))

    def _cares(
        self, one: Staff, seat: Seat, start: datetime, hours: float, unit: int, number: int, is_float: bool
    ) -> Iterator[tuple[Any, ...]]:
        here = [
            stay
            for stay in self.hospital.beds[unit]
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
                not is_float or self.rng.random() > 0.2 * self.hospital.noise
            )  # the ward put her on the care team
            if is_float and is_known:
                self.hospital.rows["team"].append(
                    (self.hospital.new_id(), stay.id, stay.person.id, one.id, low, high)
                )
            reason = f"unit: unit {unit}, encounter {stay.number}" if not is_float else "care team"
            at = low + (high - low) * self.rng.random() * 0.9
            for _ in range(self.rng.choice([1, 2, 2, 3])):
                yield seat.looks(at, stay.person, reason if is_known else "grant")
                at = min(at + timedelta(minutes=self.rng.uniform(1, 90)), high - timedelta(seconds=1))
        if (
            self.rng.random() < 0.04 * self.hospital.noise
        ):  # a patient whose transfer is not entered yet, or a wrong click
            other = self.rng.choice(
                self.hospital.beds[self.rng.randrange(self.hospital.wards)] or self.hospital.left or [None]
            )
            if other is not None:
                yield seat.looks(self._at(start, hours), other.person, "grant")

    def _consults(
        self, one: Staff, seat: Seat, start: datetime, hours: float, number: int
    ) -> Iterator[tuple[Any, ...]]:
        for _ in range(number):
            here = self.hospital.beds[self.rng.randrange(self.hospital.wards)]
            here = [stay for stay in here if stay.start < start and stay.end > start]
            if not here:
                continue
            stay = self.rng.choice(here)
            at = self._at(start, hours)
            if (
                self.rng.random() > 0.015 * self.hospital.noise
            ):  # some are asked by telephone and never entered
                asked = at - timedelta(hours=self.rng.uniform(0.1, 20))
                answered = at + timedelta(hours=self.rng.uniform(2, 40))
                self.hospital.rows["consult"].append(
                    (self.hospital.new_id(), stay.person.id, stay.attending.id, one.id, asked, answered)
                )
            for _ in range(self.rng.choice([1, 2, 3])):
                yield seat.looks(at, stay.person, "consult")
                at += timedelta(minutes=self.rng.uniform(1, 20))

    def _keeps(
        self, one: Staff, seat: Seat, start: datetime, hours: float, busy: float
    ) -> Iterator[tuple[Any, ...]]:
        """The records department: discharge work, filing, requests; questions by telephone, wrong clicks."""
        number = round(self.rng.gauss(11, 2) * one.pace * busy) if one.kind != "supervisor" else 6
        for _ in range(max(0, number)):
            at = self._at(start, hours)
            draw = self.rng.random()
            if draw < 0.045 * self.hospital.noise:
                yield from self._answers_a_question(seat, at)
            elif one.kind == "roi":
                yield from self._answers_a_request(one, seat, at)
            elif draw < 0.25 and one.kind == "clerk":
                person = self.rng.choice(self.hospital.living)
                yield seat.searches(at, person.family[: self.rng.randint(3, 8)], [person])
                self.hospital.rows["filing"].append(
                    (
                        self.hospital.new_id(),
                        self.hospital.new_id(),
                        person.id,
                        one.id,
                        at + timedelta(minutes=3),
                    )
                )
                yield seat.looks(at + timedelta(minutes=1), person, "records role: Records clerk")
            else:
                done = [stay for stay in self.hospital.left if stay.end < at < stay.end + timedelta(days=7)]
                if not done:
                    continue
                stay = self.rng.choice(done)
                if self.rng.random() < 0.03 * self.hospital.noise:  # a namesake first
                    wrong = self.rng.choice(self.hospital.known)
                    yield seat.looks(at, wrong, "records role: Records clerk")
                for _ in range(self.rng.choice([1, 2, 3])):
                    at += timedelta(minutes=self.rng.uniform(0.5, 6))
                    yield seat.looks(at, stay.person, "records role: Records clerk")

    def _answers_a_question(self, seat: Seat, at: datetime) -> Iterator[tuple[Any, ...]]:
        """Somebody rings: often about who was here lately, at times about somebody of long ago, who may be dead."""
        recent = [stay.person for stay in self.hospital.left]
        person = (
            self.rng.choice(recent)
            if recent and self.rng.random() < 0.6
            else self.rng.choice(self.hospital.known)
        )
        yield seat.searches(at, person.family[: self.rng.randint(3, 9)], [person])
        for _ in range(self.rng.choice([1, 1, 1, 2, 3])):
            at += timedelta(minutes=self.rng.uniform(0.3, 4))
            yield seat.looks(at, person, "records role: Records clerk")

    def _answers_a_request(self, one: Staff, seat: Seat, at: datetime) -> Iterator[tuple[Any, ...]]:
        person = self.rng.choice(
            self.hospital.long_dead if self.rng.random() < 0.02 else self.hospital.living
        )
        key = self.hospital.new_id()
        self.hospital.rows["request"].append(
            (key, person.id, one.id, at - timedelta(minutes=5), at + timedelta(days=5))
        )
        for _ in range(self.rng.choice([1, 2, 3])):
            at += timedelta(minutes=self.rng.uniform(1, 10))
            yield seat.looks(at, person, "records role: ROI specialist")
        if self.rng.random() < 0.3:
            for _ in range(self.rng.choice([1, 2, 5, 12])):
                at += timedelta(seconds=self.rng.uniform(5, 60))
                yield seat.looks(at, person, "records role: ROI specialist", "document.printed", "print")
