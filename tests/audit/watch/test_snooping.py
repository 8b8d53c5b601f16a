"""A small hospital with snooping planted in it (bench/snooping.py has a large one): the watch finds most of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connections

from bench._snooping.hospital import Hospital
from bench._snooping.measure import last_monday, watched
from bench._snooping.year import Year
from tests.conftest import _administer, drop_database

STAFF = int(os.environ.get("SNOOPING_STAFF", "150"))
WEEKS = int(os.environ.get("SNOOPING_WEEKS", "5"))
SEED = int(os.environ.get("SNOOPING_SEED", "101"))
NOISE = float(os.environ.get("SNOOPING_NOISE", "1"))


@contextmanager
def own_database(name: str) -> Iterator[None]:
    """A copy of the tests' database while the block runs: a hospital's year must not lie in anybody else's log."""
    former = connections["owner"].settings_dict["NAME"]

    def go(database: str) -> None:
        for connection in connections.all():
            connection.close()
        for alias in ("default", "owner"):
            connections[alias].settings_dict["NAME"] = database
            settings.DATABASES[alias]["NAME"] = database

    go(former)
    drop_database(name)
    _administer(f'create database "{name}" template "{former}"')
    go(name)
    try:
        yield
    finally:
        go(former)
        drop_database(name)


@pytest.mark.committed
def test_most_of_what_was_planted_is_found(committed: None) -> None:
    """MON-6. In a house so small a list of a hundred is the whole week: what stands first says more."""
    first = last_monday(WEEKS)
    hospital = Hospital(SEED, staff=STAFF, weeks=WEEKS, first=first, noise=NOISE)
    with own_database(f"snooping_{os.getpid()}"):
        score = watched(hospital, learning=3, tell=print, verbose="SNOOPING_TELL" in os.environ)
    assert score.planted >= 4
    assert score.recall >= 0.9
    assert score.precision >= 0.5
    assert score.explained >= 0.95


def test_a_hospital_is_the_same_for_the_same_seed() -> None:
    """Figures that nobody can see again are none."""

    def drawn() -> list[object]:
        hospital = Hospital(7, staff=60, weeks=2, first=last_monday(2))
        year = Year(hospital)
        return [list(year.week(0)), year.snooping.planted[0], hospital.take()]

    assert drawn() == drawn()


def test_nobody_comes_back_after_death() -> None:
    """Care ends with a life: looks into a stay of the dead would be honest work that nothing explains."""
    hospital = Hospital(7, staff=60, weeks=13, first=last_monday(13))
    year = Year(hospital)
    stays, deaths = [], {}
    for number in range(13):
        list(year.week(number))
        rows = hospital.take()
        stays += rows["encounter"]
        deaths |= dict(rows["death"])
    assert len(deaths) >= 5
    assert not [number for _, person, number, *_, end in stays if end.date() > deaths.get(person, end.date())]
