"""The database's clock: the one by which access begins and ends, whichever machine asks."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """The instant at which this statement runs in the database, zoned."""
    with connection.cursor() as cursor:
        cursor.execute("select statement_timestamp()")
        now: datetime = cursor.fetchone()[0]
        return now
