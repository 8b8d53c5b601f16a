"""Statements that PostgreSQL plans once a session: long ones, asked all day, whose planning costs more than the answer.

They need a connection that keeps its session: a pooler in front has to pool sessions, not transactions.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg2.extensions import TRANSACTION_STATUS_INERROR, AsIs

MOST = 40  # of one session; each keeps its plan in the server's memory
_NAMES = count(1)
_known: WeakKeyDictionary[Any, dict[tuple[str, tuple[Any, ...]], str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class _Place:
    number: int


def execute_all(cursor: CursorWrapper, sql: str, values: Sequence[Any]) -> None:
    """Run `sql` prepared, with every one of its values a parameter."""
    places = {_Place(number): value for number, value in enumerate(values)}
    execute(cursor, sql, tuple(places), places)


def execute(cursor: CursorWrapper, sql: str, values: tuple[Any, ...], places: Mapping[Any, Any]) -> None:
    """Run `sql` with `values`, prepared at its first use in this session; `places` as for `ready`."""
    cursor.execute(*ready(cursor, sql, values, places))


@contextmanager
def whatever_is_given() -> Iterator[None]:
    """Inside, kept plans are used whatever they are given: PostgreSQL compares no more whether a fresh one were better.

    For statements over the log: with its months known beforehand a plan always looks cheaper, and takes longer to make.
    """
    with connection.cursor() as cursor:
        cursor.cursor.execute("set plan_cache_mode = force_generic_plan")
        try:
            yield
        finally:
            # In a transaction that has failed the setting goes with it.
            if connection.connection.info.transaction_status != TRANSACTION_STATUS_INERROR:
                cursor.cursor.execute("reset plan_cache_mode")


def ready(
    cursor: CursorWrapper, sql: str, values: tuple[Any, ...], places: Mapping[Any, Any]
) -> tuple[str, list[Any]]:
    """The statement that runs `sql`, which this session has prepared by then, and what to give it.

    `places` says which of the values only stand for another one, and for which: these are the parameters, and
    PostgreSQL finds their types from where they stand. All other values are part of the statement.
    """
    session = connection.connection
    statements = _known.setdefault(session, {})
    name = statements.get((sql, values))
    if name is None:
        if len(statements) >= MOST:
            cursor.cursor.execute("deallocate all")
            statements.clear()
        name = f"chartroom_{next(_NAMES)}"
        numbers = {stand_in: AsIs(f"${number}") for number, stand_in in enumerate(places, start=1)}
        with connection.wrap_database_errors:  # once a session: no question of this page
            cursor.cursor.execute(f"prepare {name} as {sql}", [numbers.get(value, value) for value in values])
        statements[sql, values] = name
    given = ", ".join(["%s"] * len(places))
    return f"execute {name} ({given})", list(places.values())
