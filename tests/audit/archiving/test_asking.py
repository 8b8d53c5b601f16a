"""Who asks about days of an archived month is told so, everywhere. Never a silent empty answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from audit.archiving import services
from audit.archiving.months import Month
from tests.audit.archiving.conftest import FEBRUARY, MARCH
from tests.factories import make_user

pytestmark = pytest.mark.committed
Counts = dict[Month, int]


@contextmanager
def an_officer() -> Iterator[User]:
    """Somebody who asks, in a transaction that is taken back: she holds nothing when months move."""
    with transaction.atomic():
        yield make_user(Role.COMPLIANCE_OFFICER)
        transaction.set_rollback(True)


def test_the_page_says_what_is_not_in_the_answer(old_log: Counts, browse: Callable[[User], Client]) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        client = browse(officer)
        page = client.get("/log/", {"since": "2015-03-05", "until": "2015-03-06"}).content.decode()
        assert "A month of this time is archived" in page
        assert "March 2015: 11 events in" in page
        assert "audit_attach --month 2015-03" in page
        page = client.get("/log/person/", {"who": officer.username, "week": "2015-03-05"}).content.decode()
        assert "A month of this time is archived" in page
        for elsewhere in ({"since": "2015-04-01", "until": "2015-04-02"}, {"period": "month"}):
            assert "audit_attach" not in client.get("/log/", elsewhere).content.decode()
    services.archive(FEBRUARY)
    with an_officer() as officer:
        page = browse(officer).get("/log/", {"period": "all"}).content.decode()
        assert "2 months of this time are archived" in page


def test_the_api_says_so_too(old_log: Counts, api: Callable[[User], APIClient]) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        client = api(officer)
        body = client.get("/api/v1/audit/events/", {"from": "2015-03-05", "to": "2015-03-06"}).json()
        assert body["results"] == []
        [told] = body["archived"]
        assert (told["month"], told["events"]) == ("2015-03", 11)
        assert told["attach"] == "audit_attach --month 2015-03"
        assert client.get("/api/v1/audit/events/", {"from": "2015-04-01"}).json()["archived"] == []
    services.attach(MARCH)
    with an_officer() as officer:
        body = api(officer).get("/api/v1/audit/events/", {"from": "2015-03-01", "to": "2015-03-31"}).json()
        assert body["archived"] == []
        assert len(body["results"]) == 11


def test_fhir_says_so_too(old_log: Counts, api: Callable[[User], APIClient]) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        address = "/api/v1/audit/fhir/AuditEvent?date=ge2015-03-05&date=le2015-03-06"
        [entry] = api(officer).get(address).json()["entry"]
    assert entry["search"]["mode"] == "outcome"
    [issue] = entry["resource"]["issue"]
    assert issue["code"] == "incomplete"
    assert "audit_attach --month 2015-03" in issue["diagnostics"]


def test_the_check_tells_programs_where_the_events_are(
    old_log: Counts, api: Callable[[User], APIClient]
) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        body = api(officer).get("/api/v1/audit/verify/").json()
    assert list(body["archived"].values()) == [11]
