"""A year of the hospital, week by week: honest work with snooping planted in it."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from .hospital import Hospital
from .planted import KINDS, Snooping
from .work import Work


class Year:
    """The weeks of a hospital; each is told once, in order."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.work, self.snooping = hospital, Work(hospital), Snooping(hospital)

    def week(self, number: int) -> Iterator[tuple[Any, ...]]:
        """The events of one week; rows of the record that came with them lie in the hospital until `take`."""
        hospital = self.hospital
        monday = hospital.first + timedelta(days=7 * number)
        start = datetime.combine(monday, time.min, UTC)
        hospital.admit(start)
        for one in hospital.people:
            if one.is_there(monday):
                yield from self.work.of(one, monday)
        for _ in range(max(2, len(hospital.people) // 100)):
            kind = KINDS[hospital.rng.randrange(len(KINDS))]
            yield from self.snooping.of(kind, monday, number)
        hospital.discharge(start + timedelta(days=7))
