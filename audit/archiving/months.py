"""A month of the log, which is a part of its table, and when it may leave the table."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import connection

RULE = "ASTM-E2147-4.1"  # ASTM E2147-18, 4.1: the log is kept as long as the record, and ten years at least
LEAST_YEARS = 10
_TEXT = re.compile(r"(\d{4})-(\d{2})\Z")


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month in UTC: where the parts of the table begin and end."""

    year: int
    month: int

    @classmethod
    def from_text(cls, text: str) -> "Month":
        """`2015-03`. Raises ValueError with a sentence."""
        found = _TEXT.match(text.strip())
        if not found or not 1 <= int(found[2]) <= 12 or not 1 <= int(found[1]) <= 9000:
            raise ValueError(f"{text!r} is no month: write it as 2015-03.")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, at: datetime) -> "Month":
        """The month of an instant."""
        day = at.astimezone(UTC)
        return cls(day.year, day.month)

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def words(self) -> str:
        """`March 2015`."""
        return f"{self.start:%B %Y}"

    @property
    def table(self) -> str:
        """The name of its part of the table."""
        return f"audit_event_{self.year:04d}{self.month:02d}"

    @property
    def start(self) -> datetime:
        """Its first instant."""
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """The first instant after it."""
        return datetime(self.year + self.month // 12, self.month % 12 + 1, 1, tzinfo=UTC)

    @property
    def next(self) -> "Month":
        """The month after it."""
        return Month.of(self.end)

    @property
    def free_from(self) -> datetime:
        """From when on it may leave the table: its youngest event is old enough then."""
        end = self.end
        return end.replace(year=end.year + max(settings.LOG_YEARS, LEAST_YEARS))

    @property
    def is_in_table(self) -> bool:
        """Whether it is a part of the log's table now."""
        return self in in_table()


def in_table() -> list[Month]:
    """The months that are parts of the table, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select child.relname from pg_inherits join pg_class child on child.oid = inhrelid"
            " where inhparent = 'public.audit_event'::regclass and child.relname ~ '^audit_event_[0-9]{6}$'"
            " order by child.relname"
        )
        return [Month(int(name[-6:-2]), int(name[-2:])) for (name,) in cursor.fetchall()]
