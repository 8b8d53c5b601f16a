"""Reads about the log itself, for whoever keeps the system running: no event's contents are shown."""

from dataclasses import dataclass
from itertools import pairwise

from django.db import connection
from django.utils import timezone

from audit.archiving.months import Month, in_table

LEAST_MONTHS_AHEAD = 2


@dataclass(frozen=True)
class PartitionState:
    """Whether the log has its months made ahead, and how many events fell outside all of them."""

    months_ahead: int
    elsewhere: int

    @property
    def is_well(self) -> bool:
        """Two months ahead or more, and nothing outside."""
        return self.months_ahead >= LEAST_MONTHS_AHEAD and self.elsewhere == 0

    @property
    def text(self) -> str:
        """What an administrator should know, and do."""
        if self.elsewhere:
            return (
                f"{self.elsewhere} events of the access log lie outside every month's part. They are kept and can be "
                "read, but the clock or the monthly housekeeping was wrong: docs/operators, 'The log's months'."
            )
        if self.months_ahead < LEAST_MONTHS_AHEAD:
            return (
                f"The access log is ready for {self.months_ahead} coming months only. Is the worker running? "
                "It makes them by itself once a day."
            )
        return f"The access log is ready for {self.months_ahead} coming months."


def partition_state() -> PartitionState:
    """How many months in a row after this one have their partition, and the rows in none of them.

    The application's role may not read a partition by itself, so rows outside are asked for by their time: the
    planner then looks into the default partition alone, however large the log is.
    """
    months = in_table()
    ahead, coming = 0, Month.of(timezone.now()).next
    while coming in months:
        ahead, coming = ahead + 1, coming.next
    with connection.cursor() as cursor:
        if not months:
            cursor.execute("select count(*) from audit_event")
            return PartitionState(0, int(cursor.fetchone()[0]))
        outside, bounds = ["at < %s", "at >= %s"], [months[0].start, months[-1].end]
        for before, after in pairwise(months):
            if before.end != after.start:
                outside.append("(at >= %s and at < %s)")
                bounds += [before.end, after.start]
        cursor.execute(f"select count(*) from audit_event where {' or '.join(outside)}", bounds)  # noqa: S608
        return PartitionState(ahead, int(cursor.fetchone()[0]))
