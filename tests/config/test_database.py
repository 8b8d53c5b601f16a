"""What is asked of PostgreSQL for every session."""

import select

import psycopg2
import pytest
from django.db import connection
from psycopg2 import extensions

from tests.launcher.waiting import until


def _is_there(pid: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")  # a transaction sees one picture otherwise
        cursor.execute("select count(*) from pg_stat_activity where pid = %s", [pid])
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db
def test_a_question_ends_when_whoever_asked_is_gone() -> None:
    """A worker that is killed leaves its question behind; it would keep a processor busy for hours."""
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    wanted = {
        key: value
        for key, value in parameters.items()
        if key not in {"isolation_level", "server_side_binding"}
    }
    session = psycopg2.connect(**wanted, async_=True)
    while (state := session.poll()) != extensions.POLL_OK:
        ready = select.select([session], [session] if state == extensions.POLL_WRITE else [], [], 10)
        assert ready != ([], [], []), "no connection within ten seconds"
    pid = session.info.backend_pid
    session.cursor().execute("select pg_sleep(600)")
    assert _is_there(pid)
    session.close()
    until(lambda: not _is_there(pid), seconds=60, what="end of a question that nobody waits for")
