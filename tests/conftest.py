"""What every test has: a database of its own, made by the owner role and used by the restricted one."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.management import call_command
from django.db import connections
from django.test import Client
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from rest_framework.test import APIClient

import config.celery  # noqa: F401  (makes shared_task find the broker)
from accounts.models import User
from accounts.roles import Role
from accounts.sessions import CONFIRMED_AT
from tests.factories import make_user


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of ours."""
    parser.addoption(
        "--write-matrix", action="store_true", help="announce what the authorization matrix has become"
    )
    parser.addoption(
        "--made-up-calls",
        type=int,
        default=2,
        help="how often each operation of the API is called with made-up values",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that commit run last: what they leave must not surprise the others."""
    items.sort(
        key=lambda item: (
            bool(item.get_closest_marker("journey")),
            bool(item.get_closest_marker("committed")),
        )
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Tests that share a running Chartroom stay in one process."""
    from tests.sharing import make_scheduler

    return make_scheduler(config, log)


def _administer(statement: str) -> None:
    """Run one statement outside a transaction, as the owner, in the database the launcher made."""
    owner = connections["owner"].settings_dict
    connection = psycopg2.connect(
        dbname=os.environ.get("CHARTROOM_TEST_BASE", owner["NAME"]),
        user=owner["USER"],
        password=owner["PASSWORD"] or None,
        host=owner["HOST"] or None,
        port=owner["PORT"] or None,
    )
    try:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def drop_database(name: str) -> None:
    """Drop a database of the tests. Plainly first: that ends a vacuum of the server itself, which force may not."""
    try:
        _administer(f'drop database if exists "{name}"')
    except psycopg2.errors.ObjectInUse:
        _administer(f'drop database if exists "{name}" with (force)')


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> None:
    """argon2 all the same, with less work: tests sign in hundreds of times."""
    Argon2PasswordHasher.time_cost = 1
    Argon2PasswordHasher.memory_cost = 1024


@pytest.fixture(scope="session", autouse=True)
def password_is_enough() -> None:
    """No role asks for a second factor, except where a test is about that."""
    settings.SECOND_FACTOR_ROLES = []


@pytest.fixture(scope="session", autouse=True)
def sealer_remembers_nothing() -> None:
    """Each test begins with another log; tests about the memory of the sealer give it a file."""
    settings.SEAL_MEMORY = None


@pytest.fixture(scope="session", autouse=True)
def own_folders() -> None:
    """Each test process stores and reads in folders of its own, so that none finds what another is at."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        for name, variable in (("STORAGE", "CHARTROOM_STORAGE"), ("RUN_DIR", "CHARTROOM_RUN")):
            former = getattr(settings, name)
            folder = Path(former) / worker
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            setattr(settings, name, type(former)(folder))
            os.environ[variable] = str(folder)  # for the worker processes that tests start


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    """A fresh database per test process. Tests talk to it as the restricted role, like the web does."""
    base = connections["owner"].settings_dict["NAME"]
    os.environ.setdefault("CHARTROOM_TEST_BASE", base)
    name = f"test_{os.getpid()}_{os.environ.get('PYTEST_XDIST_WORKER', 'one')}"
    with django_db_blocker.unblock():
        drop_database(name)
        _administer(f'create database "{name}"')
        for alias in ("default", "owner"):
            connections[alias].close()
            connections[alias].settings_dict["NAME"] = name
            settings.DATABASES[alias]["NAME"] = name
        call_command("migrate", database="owner", verbosity=0)
        connections["owner"].close()
    yield
    with django_db_blocker.unblock():
        for connection in connections.all():
            connection.close()
        drop_database(name)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """For tests that must commit (races, workers, triggers at COMMIT). Nothing is cleaned: use rows of your
    own.
    """
    with django_db_blocker.unblock():
        yield
        for connection in connections.all():
            connection.close()


@pytest.fixture
def clerk(db: None) -> User:
    return make_user(Role.RECORDS_CLERK)


@pytest.fixture
def supervisor(db: None) -> User:
    return make_user(Role.RECORDS_SUPERVISOR)


@pytest.fixture
def roi(db: None) -> User:
    return make_user(Role.ROI_SPECIALIST)


@pytest.fixture
def clinician(db: None) -> User:
    return make_user(Role.CLINICIAN)


@pytest.fixture
def compliance(db: None) -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


@pytest.fixture
def administrator(db: None) -> User:
    return make_user(Role.ADMINISTRATOR)


def confirmed(client: Client) -> None:
    """As after signing in by the form: whoever sits there has just said who she is."""
    session = client.session
    session[CONFIRMED_AT] = int(time.time())
    session.save()


@pytest.fixture
def browse() -> Callable[[User], Client]:
    """A browser signed in as the given user."""

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        confirmed(client)
        return client

    return signed_in


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """An API client acting as the given user (by session; token tests make their own)."""

    def acting(user: User) -> APIClient:
        client = APIClient()
        client.force_login(user)
        return client

    return acting
