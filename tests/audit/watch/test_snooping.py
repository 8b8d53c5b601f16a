"""A small hospital with snooping planted in it (bench/snooping.py has a large one): the watch finds most of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from bench import _snooping

STAFF = int(os.environ.get("SNOOPING_STAFF", "150"))
WEEKS = int(os.environ.get("SNOOPING_WEEKS", "5"))
SEED = int(os.environ.get("SNOOPING_SEED", "101"))


@contextmanager
def own_database(name: str) -> Iterator[None]:
    """A database of its own while the block runs, made by the owner of the tables; both connections lead there."""
    former = connections["owner"].settings_dict["NAME"]

    def go(database: str) -> None:
        for alias in ("default", "owner"):
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = database
            settings.DATABASES[alias]["NAME"] = database

    def administer(statement: str) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute(statement)

    administer(f'drop database if exists "{name}" with (force)')
    administer(f'create database "{name}"')
    administer(f'revoke all on database "{name}" from public')
    administer(f'grant connect on database "{name}" to "{settings.APP_ROLE}"')
    go(name)
    try:
        call_command("migrate", database="owner", verbosity=0)
        yield
    finally:
        go(former)
        administer(f'drop database if exists "{name}" with (force)')


@pytest.mark.committed
def test_most_of_what_was_planted_is_found(committed: None, capsys: pytest.CaptureFixture[str]) -> None:
    """MON-6. In a house so small a list of a hundred is most of the week: the first fifty say more."""
    hospital = _snooping.Hospital(SEED, staff=STAFF, weeks=WEEKS, first=_snooping.last_monday(WEEKS))
    with own_database(f"snooping_{os.getpid()}"):
        score = _snooping.watched(hospital, learning=3, tell=print, verbose="SNOOPING_TELL" in os.environ)
    assert score.planted >= 4
    assert score.recall >= 0.9
    assert score.explained >= 0.95
