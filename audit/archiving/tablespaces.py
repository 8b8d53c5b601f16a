"""Months of the log in a tablespace of their own: a disk for what grows fastest, in the same database."""

from django.db import connections, transaction
from django.utils import timezone

from audit.archiving.months import Month, in_table
from audit.services import record

OWNER = "owner"


class NotMovable(Exception):
    """The month stays where it is; the sentence says why."""


def past_months() -> list[Month]:
    """The months in the table that are over."""
    this = Month.of(timezone.now())
    return [month for month in in_table() if month < this]


def where(month: Month) -> set[str]:
    """The tablespaces in which the month and its indexes lie; "" is the database's own."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            "select distinct coalesce(spcname, '') from pg_class part left join pg_tablespace on reltablespace ="
            " pg_tablespace.oid where part.oid = %s::regclass or part.oid in (select indexrelid from pg_index where"
            " indrelid = %s::regclass)",
            [f"public.{month.table}"] * 2,
        )
        return {str(name) for (name,) in cursor.fetchall()}


def move(month: Month, space: str) -> bool:
    """Have the month and its indexes in this tablespace ("": the database's own); False when they are there already.

    One transaction, so all of it or nothing, with its event. Raises NotMovable.
    """
    if month not in in_table():
        raise NotMovable(f"{month} is no part of the log's table.")
    if month >= Month.of(timezone.now()):
        raise NotMovable(f"{month} is not over: events would have to wait while it is moved.")
    if where(month) == {space}:
        return False
    with transaction.atomic(OWNER), connections[OWNER].cursor() as cursor:
        quoted = connections[OWNER].ops.quote_name(space or "pg_default")
        cursor.execute(f"alter table public.{month.table} set tablespace {quoted}")
        cursor.execute(
            "select indexrelid::regclass::text from pg_index where indrelid = %s::regclass order by 1",
            [f"public.{month.table}"],
        )
        for (index,) in cursor.fetchall():
            cursor.execute(f"alter index {index} set tablespace {quoted}")
        detail = {"month": str(month), "tablespace": space}
        record("log.months_moved", by=None, actor="command", reason="by command", detail=detail, using=OWNER)
    return True
