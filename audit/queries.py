"""Reads about the log itself, for whoever keeps the system running: no event's contents are shown."""

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.utils import timezone

LEAST_MONTHS_AHEAD = 2
_PARTITIONS = """
select child.relname from pg_inherits
join pg_class child on child.oid = inhrelid
where inhparent = 'public.audit_event'::regclass and child.relname ~ '^audit_event_[0-9]{6}$'
"""


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


def _month(index: int) -> datetime:
    """The first instant of month number `index` (12 × year + month - 1), UTC: where partitions begin."""
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


def partition_state() -> PartitionState:
    """How many months in a row after this one have their partition, and the rows in none of them.

    The application's role may not read a partition by itself, so rows outside are asked for by their time: the
    planner then looks into the default partition alone, however large the log is.
    """
    now = timezone.now().astimezone(UTC)
    this_month = now.year * 12 + now.month - 1
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        months = {int(name[-6:-2]) * 12 + int(name[-2:]) - 1 for (name,) in cursor.fetchall()}
        ahead = 0
        while this_month + ahead + 1 in months:
            ahead += 1
        if not months:
            cursor.execute("select count(*) from audit_event")
            return PartitionState(0, int(cursor.fetchone()[0]))
        gaps = [index for index in range(min(months), max(months)) if index not in months]
        outside = ["at < %s", "at >= %s"] + ["(at >= %s and at < %s)"] * len(gaps)
        bounds = [_month(min(months)), _month(max(months) + 1)]
        for index in gaps:
            bounds += [_month(index), _month(index + 1)]
        cursor.execute(f"select count(*) from audit_event where {' or '.join(outside)}", bounds)  # noqa: S608
        return PartitionState(ahead, int(cursor.fetchone()[0]))
