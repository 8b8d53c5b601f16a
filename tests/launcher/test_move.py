"""A lawful move to a new database cluster by pg_dump and pg_restore: the proof goes on, the cut is an event."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from config.embedded import sockets
from config.embedded.folder import Folder
from config.embedded.postgres import Postgres
from tests.launcher.running import Running
from tests.launcher.waiting import until

PASSWORD = "a long password for tests 2"


@contextmanager
def server(data: Path) -> Iterator[tuple[Postgres, Path]]:
    """PostgreSQL alone on a data folder, made where there is none; its socket folder."""
    folder = Folder(data)
    for room in ("keys", "logs", "run"):
        (data / room).mkdir(mode=0o700, parents=True, exist_ok=True)
    postgres = Postgres(folder.postgres, folder.logs)
    postgres.make(owner_password=folder.key("postgres_owner"), app_password=folder.key("postgres_app"))
    places = sockets.make(folder.run / "sockets", postgres.account)
    child = postgres.child(places.postgres)
    child.start()
    try:
        until(lambda: postgres.is_ready(child), seconds=60, what="PostgreSQL is ready")
        yield postgres, places.postgres
    finally:
        child.stop()
        sockets.forget(folder.run / "sockets")


def as_owner(postgres: Postgres, place: Path, data: Path, program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs on the database `chartroom`."""
    subprocess.run(
        [str(postgres.programs / program), "-h", str(place), "-U", "chartroom_owner", *arguments],
        env={**os.environ, "PGPASSWORD": Folder(data).key("postgres_owner")},
        check=True,
        timeout=120,
    )


def count_on(place: Path, data: Path, transactions: int) -> None:
    """Let this cluster number so many transactions."""
    connection = psycopg2.connect(
        dbname="chartroom",
        user="chartroom_owner",
        host=str(place),
        password=Folder(data).key("postgres_owner"),
    )
    connection.autocommit = True
    with connection.cursor() as cursor:
        for _ in range(transactions):
            cursor.execute("select pg_current_xact_id()")
    connection.close()


def register(running: Running, family: str, token: str) -> dict[str, Any]:
    person = {"family": family, "given": "Ada", "birth_date": "1971-03-09", "sex": "female"}
    status, patient = running.post("/api/v1/patients/", person, token)
    assert status == 201, patient
    return dict(patient)


def signed_in(running: Running) -> str:
    status, answer = running.post("/api/v1/tokens/", {"username": "eve", "password": PASSWORD})
    assert status == 201, answer
    return str(answer["token"])


@pytest.mark.parametrize("counting", ["starts again", "is further already"])
def test_the_proof_goes_on_in_a_new_cluster(tmp_path: Path, counting: str) -> None:
    old = Running(tmp_path / "old", "--no-demo").start(CHARTROOM_SEAL_SECONDS="1")
    made = old.manage("create_user", "eve", "--role", "records_clerk", text_in=f"{PASSWORD}\n")
    assert made.returncode == 0, made.stderr
    token = signed_in(old)
    register(old, "Before", token)
    until(lambda: "0 not sealed yet" in old.manage("audit_verify").stdout, seconds=60, what="all sealed")
    assert old.stop() == 0
    unsealed = old.start(CHARTROOM_SEAL_SECONDS="3600")  # what follows stays unsealed
    patient = register(unsealed, "Unsealed", token)
    assert old.stop() == 0

    new = Running(tmp_path / "new", "--no-demo")
    shutil.copytree(old.data / "keys", new.data / "keys")
    (new.data / "keys").chmod(0o700)
    shutil.copytree(old.data / "files", new.data / "files", dirs_exist_ok=True)
    dump = tmp_path / "dump"
    with server(old.data) as (postgres, place):
        as_owner(postgres, place, old.data, "pg_dump", "-Fc", "-f", str(dump), "chartroom")
    with server(new.data) as (postgres, place):
        if counting == "is further already":
            count_on(place, new.data, 5_000)
        restore = ["-d", "chartroom", "--no-owner", "--single-transaction", "--exit-on-error", str(dump)]
        as_owner(postgres, place, new.data, "pg_restore", *restore)

    new.start(CHARTROOM_SEAL_SECONDS="1")
    token = signed_in(new)
    assert register(new, "After", token)["mrn"] != patient["mrn"]  # events are written all the same
    told = new.manage("audit_verify")
    assert told.returncode == 1
    assert "other_cluster" in told.stderr

    moved = new.manage("audit_moved", "--reason", "A new server, change ticket 7")
    assert moved.returncode == 0, moved.stderr
    until(lambda: "0 not sealed yet" in new.manage("audit_verify").stdout, seconds=60, what="all sealed")
    whole = new.manage("audit_verify")
    assert whole.returncode == 0, whole.stderr
    again = new.manage("audit_moved", "--reason", "once more")
    assert again.returncode != 0
    assert "not moved" in again.stderr
    assert new.stop() == 0
    with server(new.data) as (_, place):
        connection = psycopg2.connect(
            dbname="chartroom",
            user="chartroom_owner",
            host=str(place),
            password=Folder(new.data).key("postgres_owner"),
        )
        with connection.cursor() as cursor:
            cursor.execute("select reason, detail ->> 'note' from audit_event where event = 'log.moved'")
            ((why, note),) = cursor.fetchall()
            cursor.execute("select count(*) from audit_event")
            (events,) = cursor.fetchone()
            cursor.execute("select total from audit_epoch order by n desc limit 1")
            (total,) = cursor.fetchone()
        connection.close()
    assert why == "A new server, change ticket 7"
    assert ("after_id=" in note) == (counting == "starts again")
    assert total == events
