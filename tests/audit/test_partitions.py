"""The log has its months made ahead, and tells when it has not."""

from collections.abc import Iterator
from datetime import UTC

import pytest
from django.db import connections, transaction
from django.utils import timezone

from audit import queries, tasks
from audit.archiving import months

pytestmark = pytest.mark.committed


class _Undo(Exception):
    """Takes back what a test did to the tables."""


@pytest.fixture
def as_owner(committed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Questions and housekeeping through the owner's connection, all of it taken back afterwards."""
    for module in (queries, months):
        monkeypatch.setattr(module, "connection", connections["owner"])
    monkeypatch.setattr(tasks, "connection", connections["owner"])
    try:
        with transaction.atomic("owner"):
            yield
            raise _Undo
    except _Undo:
        pass


def _run(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def _month(ahead: int) -> str:
    now = timezone.now().astimezone(UTC)
    index = now.year * 12 + now.month - 1 + ahead
    return f"{index // 12:04d}{index % 12 + 1:02d}"


def test_a_new_database_is_well_for_a_year(committed: None) -> None:
    """As the application's role asks, which may not read a partition by itself."""
    state = queries.partition_state()
    assert state.months_ahead == 13
    assert state.elsewhere == 0
    assert state.is_well


def test_housekeeping_makes_what_is_missing_and_nothing_twice(as_owner: None) -> None:
    _run(f"drop table audit_event_{_month(13)}")
    _run(f"drop table audit_event_{_month(7)}")
    assert queries.partition_state().months_ahead == 6
    assert tasks.ensure_partitions() == 2
    assert tasks.ensure_partitions() == 0
    assert queries.partition_state().months_ahead == 13


def test_a_month_made_later_is_as_well_guarded_as_the_first(as_owner: None) -> None:
    name = f"audit_event_{_month(13)}"
    _run(f"drop table {name}")
    tasks.ensure_partitions()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_trigger where tgrelid = %s::regclass and tgenabled = 'O'", [name]
        )
        assert cursor.fetchone()[0] >= 2
        cursor.execute(
            "select has_table_privilege('chartroom_app', %s, 'select, insert, update, delete, truncate')",
            [name],
        )
        assert cursor.fetchone()[0] is False


@pytest.mark.parametrize(("kept", "is_well"), [(0, False), (1, False), (2, True)])
def test_too_few_months_ahead_is_an_alarm(kept: int, is_well: bool, as_owner: None) -> None:
    for ahead in range(kept + 1, 14):
        _run(f"drop table audit_event_{_month(ahead)}")
    state = queries.partition_state()
    assert state.months_ahead == kept
    assert state.is_well is is_well
    assert is_well or "worker" in state.text


@pytest.mark.parametrize("at", ["1999-12-31", "2199-01-01", "GAP"])
def test_events_outside_every_month_are_an_alarm(at: str, as_owner: None) -> None:
    """Before the first, after the last, and in a month that was lost."""
    if at == "GAP":
        _run(f"drop table audit_event_{_month(3)}")
        at = f"{_month(3)[:4]}-{_month(3)[4:]}-15"
    _run(
        f"insert into audit_event (at, event, action, actor, outcome) values ('{at}', 'x', 'view', 'x', 'success')"
    )
    state = queries.partition_state()
    assert state.elsewhere == 1
    assert not state.is_well
    assert "outside" in state.text


def test_a_month_that_cannot_be_made_keeps_no_other_from_being_made(as_owner: None) -> None:
    """No worker for a year: this month's events are outside, the coming months must not be."""
    _run(f"drop table audit_event_{_month(12)}")
    _run(f"drop table audit_event_{_month(13)}")
    outside = f"{_month(12)[:4]}-{_month(12)[4:]}-15"
    _run(
        "insert into audit_event (at, event, action, actor, outcome)"
        f" values ('{outside}', 'x', 'view', 'x', 'success')"
    )
    assert tasks.ensure_partitions() == 1
    state = queries.partition_state()
    assert (state.months_ahead, state.elsewhere) == (11, 1)


def test_the_application_may_ask_for_months_but_not_make_tables(committed: None) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute("select has_function_privilege('audit_ensure_partitions(integer)', 'execute')")
        assert cursor.fetchone()[0] is True
        cursor.execute("select has_schema_privilege('public', 'create')")
        assert cursor.fetchone()[0] is False
