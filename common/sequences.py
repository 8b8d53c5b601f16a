"""Numbers that people read (an encounter's, a request's, a case's) come from sequences of the database."""

from django.db import connection


def next_of(sequence: str) -> int:
    """The next number of this sequence; one that a rolled-back transaction took is left out for ever."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval(%s)", [sequence])
        return int(cursor.fetchone()[0])
