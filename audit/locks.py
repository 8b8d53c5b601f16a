"""Waiting for a lock no longer than told: who holds up others must give up."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction
from psycopg2 import errors as postgres


class Busy(Exception):
    """Somebody else held the lock for longer than that; nothing was changed."""


@contextmanager
def waiting_at_most(seconds: int, *, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """One transaction (or a part of the one that runs) in which each lock is waited for so long. Raises Busy."""
    try:
        with transaction.atomic(using), connections[using].cursor() as cursor:
            cursor.execute("select set_config('lock_timeout', %s, true)", [f"{seconds}s"])
            yield
    except OperationalError as error:
        if not isinstance(error.__cause__, postgres.LockNotAvailable):
            raise
        raise Busy from error
