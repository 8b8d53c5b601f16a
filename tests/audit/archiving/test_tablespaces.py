"""The log's months on a disk of their own: a server of our own, with a real tablespace."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as house
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from audit import tasks
from audit.archiving import tablespaces
from audit.archiving.months import Month, in_table
from audit.models import Event
from config.embedded import sockets
from config.embedded.folder import Folder
from config.embedded.postgres import HERE, Postgres
from tests.launcher.waiting import until
from tests.support import events

pytestmark = pytest.mark.committed
DISK = "log_disk"


def _lead(alias: str, values: dict[str, str]) -> None:
    connections[alias].close()
    connections[alias].settings_dict.update(values)
    house.DATABASES[alias].update(values)


@pytest.fixture(scope="module")
def with_a_disk(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The connections lead to a server of our own, in which there is an empty tablespace."""
    data, disk = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
    for room in ("keys", "logs", "run"):
        (data / room).mkdir(mode=0o700)
    folder = Folder(data)
    postgres = Postgres(folder.postgres, folder.logs, throwaway=True)
    postgres.make(owner_password="one", app_password="two")
    if postgres.account:
        os.chown(disk, postgres.account.uid, postgres.account.gid)
    single = [str(postgres.programs / "postgres"), "--single", "-D", HERE, "postgres"]
    made = (
        f"create tablespace {DISK} location '{disk}'\ngrant create on tablespace {DISK} to chartroom_owner\n"
    )
    postgres._run(single, folder.postgres, made)
    places = sockets.make(folder.run / "sockets", postgres.account)
    child = postgres.child(places.postgres)
    child.start()
    former = {alias: dict(house.DATABASES[alias]) for alias in ("default", "owner")}
    try:
        until(lambda: postgres.is_ready(child), seconds=60, what="PostgreSQL is ready")
        with django_db_blocker.unblock():
            for alias, role, password in (("default", "app", "two"), ("owner", "owner", "one")):
                values = {"NAME": "chartroom", "USER": f"chartroom_{role}", "PASSWORD": password}
                _lead(alias, {**values, "HOST": str(places.postgres), "PORT": ""})
            call_command("migrate", database="owner", verbosity=0)
            yield
    finally:
        with django_db_blocker.unblock():
            for alias, before in former.items():
                _lead(alias, {name: before[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
        child.stop()
        sockets.forget(folder.run / "sockets")
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(disk, ignore_errors=True)


def _as_owner(statement: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement)


def _old_month() -> Month:
    """A month that is long over; tests of this file may run in any order, or alone."""
    old = Month(2020, 5)
    _as_owner(
        f"create table if not exists {old.table} partition of audit_event"
        f" for values from ('{old.start.isoformat()}') to ('{old.end.isoformat()}')"
    )
    return old


def test_new_months_go_where_the_setting_says(with_a_disk: None, settings: LazySettings) -> None:
    newest = in_table()[-1]
    assert tablespaces.where(newest) == {""}
    _as_owner(f"drop table {newest.table}")
    settings.LOG_TABLESPACE = DISK
    assert tasks.ensure_partitions() == 1  # as the application's role, like the worker
    assert tablespaces.where(newest) == {DISK}
    assert tablespaces.where(in_table()[-2]) == {""}


def test_old_months_are_moved_with_their_indexes_and_events(
    with_a_disk: None, settings: LazySettings
) -> None:
    old = _old_month()
    _as_owner(
        "insert into audit_event (at, event, action, actor, outcome)"
        " values ('2020-05-05', 'patient.viewed', 'view', 'somebody', 'success')"
    )
    settings.LOG_TABLESPACE = DISK
    call_command("audit_tablespace", all=True)
    assert tablespaces.where(old) == {DISK}
    assert Event.objects.filter(at__lt=old.end).count() == 1
    [told] = events("log.months_moved")
    assert told.detail == {"month": "2020-05", "tablespace": DISK}
    call_command("audit_tablespace", month="2020-05")  # again: nothing to do
    assert len(events("log.months_moved")) == 1
    settings.LOG_TABLESPACE = ""
    call_command("audit_tablespace", month="2020-05")
    assert tablespaces.where(old) == {""}


def test_this_month_is_never_moved(with_a_disk: None, settings: LazySettings) -> None:
    settings.LOG_TABLESPACE = DISK
    with pytest.raises(CommandError, match="is not over"):
        call_command("audit_tablespace", month=f"{timezone.now():%Y-%m}")


def test_a_tablespace_that_is_not_there_is_said(with_a_disk: None, settings: LazySettings) -> None:
    _old_month()
    settings.LOG_TABLESPACE = 'nowhere"; drop table audit_event; --'
    with pytest.raises(CommandError, match=r"stays where it is.*nowhere"):
        call_command("audit_tablespace", month="2020-05")
    with connections["owner"].cursor() as cursor:
        cursor.execute("select to_regclass('audit_event') is not null")
        assert cursor.fetchone() == (True,)
