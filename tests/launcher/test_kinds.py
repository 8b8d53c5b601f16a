"""The two other kinds of Chartroom: the demonstration, and one on servers that somebody else runs."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from config.embedded.demonstration import ACCOUNTS, PASSWORD
from tests.launcher.running import Running, children, command_line
from tests.launcher.waiting import until


def test_the_demonstration_can_be_used_at_once_and_goes_on_loading_after_a_stop(tmp_path: Path) -> None:
    running = Running(tmp_path / "data").start()
    try:
        for name, _ in ACCOUNTS:
            assert f"  {name} " in running.said
            status, _token = running.post("/api/v1/tokens/", {"username": name, "password": PASSWORD})
            assert status == 201, name
        until(lambda: "Demonstration: " in running.said, seconds=60, what="loading has begun")
        assert running.stop() == 0
        assert "is loaded" not in running.said
        assert (tmp_path / "data" / "demo").read_text() == "wanted\n"
        running.start()
        until(lambda: "Demonstration: " in running.said, seconds=60, what="loading goes on")
    finally:
        running.stop()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A database and a queue that are not Chartroom's own, as environment variables."""
    name = f"outside_{os.getpid()}"
    owner = os.environ["DATABASE_OWNER_URL"]
    administration = psycopg2.connect(owner)
    administration.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
    with administration.cursor() as cursor:
        cursor.execute(f'create database "{name}"')
    (tmp_path / "files").mkdir()
    yield {
        "DATABASE_URL": os.environ["DATABASE_URL"].replace("/chartroom?", f"/{name}?"),
        "DATABASE_OWNER_URL": owner.replace("/chartroom?", f"/{name}?"),
        "REDIS_URL": os.environ["REDIS_URL"].replace("db=0", "db=7"),
        "CHARTROOM_STORAGE": str(tmp_path / "files"),
    }
    with administration.cursor() as cursor:
        cursor.execute(f'drop database "{name}" with (force)')
    administration.close()


def test_servers_that_are_named_are_used_and_none_are_started(
    tmp_path: Path, outside: dict[str, str]
) -> None:
    running = Running(tmp_path / "data").start(**outside)
    try:
        assert running.get("/readyz")[0] == 200
        commands = [command_line(pid) for pid in children(running.pid)]
        assert len(commands) == 2, commands
        assert not [command for command in commands if "postgres" in command or "valkey" in command]
        assert not (tmp_path / "data" / "postgres").exists()
        assert not (tmp_path / "data" / "files").exists()
        assert "chartroom-demo" not in running.said
    finally:
        assert running.stop() == 0
