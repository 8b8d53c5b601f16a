"""A log of its own with three months of 2015 in it, sealed as they went by, and one of today."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.db import connections, transaction

from audit.archiving.months import Month
from audit.proof import epochs, eras, keys, sealing
from common.ids import uuid7
from tests.audit.proof.waiting import seal_everything, wait_until_settled, write_events
from tests.conftest import _administer, drop_database

FEBRUARY, MARCH, APRIL = Month(2015, 2), Month(2015, 3), Month(2015, 4)
HOSTILE = [
    'a,b "c" \\d (e) {f}',
    "line\nbreak\r\ttab\n\\.\n",
    "\\N",
    "\\.",
    "",
    "=cmd|' /C calc'!A0",
    "</script><b>é\u2028\U0001f600",
    "'; drop table audit_event; --",
]


@pytest.fixture(scope="module")
def own_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A copy of the tests' database: what is archived here is never missed there."""
    former = settings.DATABASES["owner"]["NAME"]
    with django_db_blocker.unblock():
        for connection in connections.all():
            connection.close()
        drop_database(f"{former}_old")
        _administer(f'create database "{former}_old" template "{former}"')
        _use(f"{former}_old")
        yield
        _use(former)
        drop_database(f"{former}_old")


def _use(name: str) -> None:
    for alias in ("default", "owner"):
        connections[alias].close()
        connections[alias].settings_dict["NAME"] = name
        settings.DATABASES[alias]["NAME"] = name


def as_owner(*statements: str) -> None:
    """Run statements as the tables' owner."""
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


TABLES = ("audit_event", "audit_epoch_leaves", "audit_epoch", "audit_archive")


@pytest.fixture
def old_log(own_database: None, tmp_path: Path, settings: LazySettings) -> Iterator[dict[Month, int]]:
    """How many events each month holds."""
    settings.SEAL_KEYS = {"new": b"2" * 32}
    settings.LOG_ARCHIVE = str(tmp_path / "archive")
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_event'::regclass"
        )
        parts = [name for (name,) in cursor.fetchall()]
    old = [name for name in parts if name.startswith("audit_event_2015")]
    as_owner(*(f"drop table {name}" for name in old))
    kept = [name for name in (*parts, *TABLES) if name not in old]
    as_owner(*(f"alter table {name} disable trigger user" for name in kept))
    as_owner(*(f"delete from {name}" for name in TABLES))
    as_owner(*(f"alter table {name} enable trigger user" for name in kept))
    for month in (FEBRUARY, MARCH, APRIL):
        _make(month)
    first = MARCH.start
    _epoch(first - timedelta(days=2), 3)
    _epoch(first - timedelta(seconds=2), 4)  # two of each month
    _epoch(first + timedelta(days=9), len(HOSTILE))
    _epoch(APRIL.start - timedelta(seconds=1), 3)  # one, and two of April
    _epoch(APRIL.start + timedelta(days=14), 3)
    newest = epochs.last()
    assert newest
    wait_until_settled(newest.next_from_xid)
    write_events(3)
    seal_everything()
    yield {FEBRUARY: 5, MARCH: 2 + len(HOSTILE) + 1, APRIL: 5}
    for connection in connections.all():
        connection.close()


def _make(month: Month) -> None:
    as_owner(
        f"create table {month.table} partition of audit_event"
        f" for values from ('{month.start.isoformat()}') to ('{month.end.isoformat()}')",
        f"create trigger {month.table}_no_truncate before truncate on {month.table}"
        " for each statement execute function audit_refuse_change()",
        f'revoke all on {month.table} from "chartroom_app"',
    )


def _epoch(start: datetime, count: int) -> None:
    """So many events a second apart, each of its own transaction, sealed ten seconds later."""
    for number in range(count):
        text = HOSTILE[number % len(HOSTILE)]
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "insert into audit_event (at, event, action, actor_id, actor, roles, session, patient_id, patient_ids,"
                " object_type, object_id, purpose, reason, outcome, channel, ip, request_id, detail) values"
                " (%s, 'patient.viewed', 'view', %s, %s, %s, 's', %s, %s::uuid[], 'patients.patient', %s, 'TREAT', %s,"
                " 'success', 'web', %s, 'r-1', %s)",
                [
                    start + timedelta(seconds=number, microseconds=number),
                    uuid7() if number % 2 else None,
                    text,
                    [text, "clerk", "null", ""],
                    uuid7() if number % 3 else None,
                    [uuid7(), uuid7()] if number % 3 == 0 else None,
                    text,
                    text,
                    "2001:db8::7" if number % 2 else "192.0.2.9",
                    json.dumps({"n": [1, text], text: None}) if number != 1 else None,
                ],
            )
    former, era = epochs.last(), eras.every().current
    since = former.next_from_xid if former else 0
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("select max(txid::text::bigint) + 1 from audit_event")
            (until,) = cursor.fetchone()
        sealing.add(
            former,
            epochs.leaves(since, until, era),
            from_xid=since,
            to_xid=until,
            now=start.astimezone(UTC) + timedelta(seconds=count + 10),
            cluster=sealing.cluster_now(),
            key_id=keys.current(),
        )
