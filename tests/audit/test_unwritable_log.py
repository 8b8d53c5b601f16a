"""Invariant 1: what cannot be written into the log is not shown, and the person is told."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from urllib.parse import urlencode

import psycopg2
import pytest
from django.db import connection, connections
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from patients.models import Patient
from tests.factories import PASSWORD, PatientFactory, make_user

pytestmark = pytest.mark.committed


def _owner() -> Any:
    """A connection of its own for the owner of the tables."""
    settings = connections["owner"].settings_dict
    return psycopg2.connect(
        dbname=settings["NAME"],
        user=settings["USER"],
        password=settings["PASSWORD"] or None,
        host=settings["HOST"] or None,
        port=settings["PORT"] or None,
    )


def _browser(user: User) -> APIClient:
    """Signed in for good: the session is committed, with its event."""
    client = APIClient()
    body = urlencode({"username": user.username, "password": PASSWORD})
    answer = client.post("/sign-in/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 302
    return client


@contextmanager
def _locked(owner: Any) -> Iterator[None]:
    """Somebody holds the whole table; the web waits no longer than its lock_timeout."""
    with connection.cursor() as cursor:
        cursor.execute("set lock_timeout = '200ms'")
    with owner.cursor() as cursor:
        cursor.execute("lock table audit_event in access exclusive mode")
    yield
    owner.rollback()
    connection.close()


@contextmanager
def _refusing(owner: Any) -> Iterator[None]:
    """The table takes no row, as when its disk is full."""
    with owner.cursor() as cursor:
        cursor.execute(
            "create trigger audit_event_is_full before insert on audit_event"
            " for each row execute function audit_refuse_change()"
        )
    owner.commit()
    yield
    connection.close()
    with owner.cursor() as cursor:
        cursor.execute("drop trigger audit_event_is_full on audit_event")
    owner.commit()


@pytest.fixture(params=[_locked, _refusing])
def unwritable(committed: None, request: pytest.FixtureRequest) -> Iterator[Callable[[], None]]:
    """Call it to make the log unwritable until the test ends."""
    with closing(_owner()) as owner, ExitStack() as faults:
        yield lambda: faults.enter_context(request.param(owner))


def test_the_connection_waits_for_no_lock_for_ever(committed: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("show lock_timeout")
        assert cursor.fetchone()[0] == "15s"


def test_no_page_shows_a_chart(unwritable: Callable[[], None]) -> None:
    user, patient = make_user(Role.RECORDS_SUPERVISOR), PatientFactory.create(family="Unseen")
    client = _browser(user)
    unwritable()
    for address in (
        f"/patients/{patient.pk}/",
        f"/patients/?q={patient.mrn}",
        f"/log/chart/{patient.pk}/",
    ):
        answer = client.get(address, follow=False)
        text = answer.content.decode()
        assert answer.status_code == 503, address
        assert "Retry-After" in answer
        assert "UNSEEN" not in text
        assert "Unseen" not in text
        assert "reference" in text


def test_no_api_call_shows_a_chart(unwritable: Callable[[], None]) -> None:
    user, patient = make_user(Role.RECORDS_SUPERVISOR), PatientFactory.create(family="Unseen")
    client = _browser(user)
    unwritable()
    for address in (f"/api/v1/patients/{patient.pk}/", f"/api/v1/patients/?q={patient.mrn}"):
        answer = client.get(address)
        assert answer.status_code == 503, address
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["Retry-After"]
        assert b"nseen" not in answer.content


def test_nothing_changes(unwritable: Callable[[], None]) -> None:
    user, patient = make_user(Role.RECORDS_SUPERVISOR), PatientFactory.create(family="Before")
    client = _browser(user)
    unwritable()
    answer = client.patch(f"/api/v1/patients/{patient.pk}/", {"family": "After"}, format="json")
    assert answer.status_code == 503
    assert Patient.objects.get(pk=patient.pk).family == "Before"


def test_nobody_signs_in(unwritable: Callable[[], None]) -> None:
    user = make_user(Role.RECORDS_CLERK)
    unwritable()
    answer = APIClient().post(
        "/api/v1/tokens/", {"username": user.username, "password": PASSWORD}, format="json"
    )
    assert answer.status_code == 503
    assert not user.tokens.exists()


def test_a_refusal_that_cannot_be_written_says_so(unwritable: Callable[[], None]) -> None:
    """A denied look is an event too: without it the answer is not even "no"."""
    client = _browser(make_user(Role.ADMINISTRATOR))
    unwritable()
    assert client.get("/log/").status_code == 503
