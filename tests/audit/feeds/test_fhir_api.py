"""GET /audit/fhir/AuditEvent: FHIR's search over the log, by the same right, each look an event."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from audit import context
from audit.feeds import fhir
from audit.models import Event
from audit.review.feeds.asking import period
from audit.services import record
from common.ids import uuid7
from patients import access as patient_access
from tests.audit.feeds.balp import check
from tests.factories import PatientFactory, make_user
from tests.support import at_most_queries, events

Api = Callable[[User], APIClient]
ADDRESS = "/api/v1/audit/fhir/AuditEvent"


def _bundle(client: APIClient, *pairs: tuple[str, Any], **query: Any) -> dict[str, Any]:
    answer = client.get(f"{ADDRESS}?{urlencode([*pairs, *query.items()])}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "application/fhir+json"
    bundle: dict[str, Any] = answer.json()
    assert (bundle["resourceType"], bundle["type"]) == ("Bundle", "searchset")
    for entry in bundle.get("entry", []):
        check(entry["resource"])
        assert entry["fullUrl"].endswith(f"{ADDRESS}/{entry['resource']['id']}")
    return bundle


def _events(bundle: dict[str, Any]) -> list[int]:
    return [number for entry in bundle.get("entry", []) if (number := fhir.event_id(entry["resource"]["id"]))]


def _ids(user: User) -> list[int]:
    return list(Event.objects.filter(actor_id=user.pk).order_by("-at", "-id").values_list("pk", flat=True))


def test_who_opened_this_chart(compliance: User, clerk: User, api: Api) -> None:
    one, two = PatientFactory.create(), PatientFactory.create()
    record("patient.viewed", by=clerk, patient=one.pk, about=one)
    record("patient.searched", by=clerk, patients=[one.pk, two.pk], detail={"q": "x"})
    record("patient.viewed", by=clerk, patient=two.pk, about=two)
    bundle = _bundle(api(compliance), patient=f"Patient/{one.pk}", agent=clerk.username)
    assert [entry["resource"]["action"] for entry in bundle["entry"]] == ["E", "R"]
    [look] = events("log.viewed", actor_id=compliance.pk)
    assert set(look.patient_ids or []) == {one.pk, two.pk}
    assert look.detail is not None
    assert look.detail["form"] == "fhir"


def test_each_action_finds_what_is_told_with_it(compliance: User, clerk: User, api: Api) -> None:
    """`told_as` for the database and `pattern_of` in Python say the same of every event."""
    names = (
        "patient.viewed patient.searched patient.registered patient.updated request.listed document.downloaded"
        " document.printed release.mailed glass.broken log.viewed user.signed_in"
    )
    for number, name in enumerate(names.split()):
        shown = [uuid7()] if name == "request.listed" else None
        record(name, by=clerk, patient=None if number % 2 else uuid7(), patients=shown)
    client = api(compliance)
    every = _ids(clerk)
    found = {code: _events(_bundle(client, agent=clerk.username, action=code)) for code in "CRUDE"}
    assert sorted(set().union(*found.values()), reverse=True) == every
    for code, numbers in found.items():
        rows = Event.objects.filter(pk__in=numbers)
        assert {fhir.pattern_of(row).action for row in rows} <= {code}


@pytest.mark.parametrize(("outcome", "code"), [("success", "0"), ("failed", "4"), ("denied", "8")])
def test_outcomes_are_found_by_their_code(
    outcome: str, code: str, compliance: User, clerk: User, api: Api
) -> None:
    for each in ("success", "failed", "denied"):
        record("patient.viewed", by=clerk, patient=uuid7(), outcome=each, reason="role")
    entry, *_ = _bundle(api(compliance), agent=clerk.username, outcome=code)["entry"]
    assert entry["resource"]["outcome"] == code
    assert "entry" not in _bundle(api(compliance), agent=clerk.username, outcome="12")


def test_agents_are_found_by_name_and_by_reference(compliance: User, clerk: User, api: Api) -> None:
    record("home.viewed", by=clerk)
    record("home.viewed", by=make_user(Role.RECORDS_CLERK))
    mine = _ids(clerk)
    client = api(compliance)
    for query in (
        {"agent": clerk.username},
        {"agent": f"urn:chartroom:user|{clerk.username}"},
        {"agent": f"Practitioner/{clerk.pk}"},
        {"agent-name": clerk.username.upper()},
        {"agent": clerk.username, "agent-name": clerk.username},
    ):
        assert _events(_bundle(client, **query)) == mine, query
    assert _events(_bundle(client, agent=clerk.username, **{"agent-name": "somebody"})) == []


def test_entities_are_found_by_reference(compliance: User, clerk: User, api: Api) -> None:
    patient = PatientFactory.create()
    key = str(uuid7())
    record("patient.viewed", by=clerk, patient=patient.pk, about=patient)
    record("home.viewed", by=clerk)
    first = _ids(clerk)[1]
    client = api(compliance)
    assert first in _events(_bundle(client, entity=f"Patient/{patient.pk}"))
    assert _events(
        _bundle(client, entity=f"urn:chartroom:patients.patient|{patient.pk}", agent=clerk.username)
    ) == [first]
    assert _events(_bundle(client, entity=f"DocumentReference/{key}")) == []
    assert _events(_bundle(client, entity=f"Patient/{patient.pk}", patient=str(uuid7()))) == []
    assert _events(_bundle(client, entity="Patient/nobody")) == []


def test_dates_given_twice_both_count(compliance: User, clerk: User, api: Api) -> None:
    record("home.viewed", by=clerk)
    today = timezone.localdate()
    client = api(compliance)
    day = f"{today:%Y-%m-%d}"
    both = [("date", f"ge{day}"), ("date", f"le{day}")]
    assert _events(_bundle(client, *both, agent=clerk.username)) == _ids(clerk)
    for without in (f"gt{day}", f"lt{day}", f"eb{day}", f"sa{day}", f"{today.year - 1}", "le2015-03"):
        assert _events(_bundle(client, ("date", without), agent=clerk.username)) == [], without
    for within in (
        day,
        f"eq{day}",
        f"{today:%Y-%m}",
        f"{today.year}",
        f"ge{today.year}",
        f"ge{day}T00:00:00Z",
    ):
        wide = timezone.now() - timedelta(hours=1) < timezone.now().replace(hour=0, minute=0)
        assert wide or _events(_bundle(client, ("date", within), agent=clerk.username)) == _ids(clerk), within


@given(st.text(max_size=30))
def test_no_date_breaks_it(text: str) -> None:
    try:
        start, end = period(text)
    except (ValueError, OverflowError):
        return
    assert start or end


@pytest.mark.parametrize(
    "query",
    [
        {"patient": "nobody"},
        {"date": "yesterday"},
        {"date": "2026-13-01"},
        {"date": "ge"},
        {"action": "X"},
        {"outcome": "1"},
        {"_count": "0"},
        {"_count": "201"},
        {"_sort": "agent"},
        {"cursor": "zz"},
        {"unknown": "x"},
        {"agent": ["a", "b"]},
    ],
)
def test_nonsense_is_refused(query: dict[str, Any], compliance: User, api: Api) -> None:
    answer = api(compliance).get(f"{ADDRESS}?{urlencode(query, doseq=True)}")
    assert answer.status_code == 400
    assert not events("log.viewed", actor_id=compliance.pk)


@pytest.mark.parametrize("sort", ["date", "-date"])
def test_pages_are_whole_both_ways(sort: str, compliance: User, clerk: User, api: Api) -> None:
    for _ in range(7 - len(_ids(clerk))):
        record("home.viewed", by=clerk)
    client = api(compliance)
    bundle = _bundle(client, agent=clerk.username, _count=3, _sort=sort)
    found, pages = _events(bundle), [bundle]
    while following := [link["url"] for link in pages[-1]["link"] if link["relation"] == "next"]:
        pages.append(client.get(following[0]).json())
        found += _events(pages[-1])
    assert found == (_ids(clerk) if sort == "-date" else _ids(clerk)[::-1])
    assert [len(_events(page)) for page in pages] == [3, 3, 1]
    [back] = [link["url"] for link in pages[1]["link"] if link["relation"] == "previous"]
    assert _events(client.get(back).json()) == _events(pages[0])
    assert pages[1]["link"][0]["relation"] == "self"


def test_one_event_by_its_id(compliance: User, clerk: User, api: Api) -> None:
    patient = PatientFactory.create()
    record("patient.viewed", by=clerk, patient=patient.pk, about=patient)
    number = _ids(clerk)[0]
    answer = api(compliance).get(f"{ADDRESS}/{fhir.resource_id(number)}")
    assert answer.status_code == 200
    assert check(answer.json()) == "PatientRead"
    [look] = events("log.event_viewed", actor_id=compliance.pk)
    assert look.patient_id == patient.pk
    for absent in (str(number), "chartroom-00000000-1", fhir.resource_id(10**17), "x"):
        assert api(compliance).get(f"{ADDRESS}/{absent}").status_code == 404


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COMPLIANCE_OFFICER])
def test_only_the_compliance_office_reads_it(role: Role, api: Api, db: None) -> None:
    user = make_user(role)
    for address in (ADDRESS, f"{ADDRESS}/{fhir.resource_id(1)}", "/api/v1/audit/export/"):
        assert api(user).get(address).status_code == 403
    assert events("access.denied", actor_id=user.pk)


def test_strangers_are_401(db: None) -> None:
    assert APIClient().get(ADDRESS).status_code == 401


def test_what_was_asked_of_a_closed_chart_stays_closed(
    compliance: User, clerk: User, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = PatientFactory.create()
    record("patient.searched", by=clerk, patients=[patient.pk], detail={"q": "Qwxyzzy"})
    monkeypatch.setattr(patient_access, "visible_to", lambda user: type(patient).objects.none())
    entry = _bundle(api(compliance), agent=clerk.username)["entry"][0]
    assert base64.b64decode(entry["resource"]["entity"][1]["query"]) == b"closed"


def test_no_name_of_a_patient_is_ever_in_it(compliance: User, clerk: User, api: Api) -> None:
    from patients import services as patients

    patient = PatientFactory.create(family="Qwxyzzy", given="Zorblaxia")
    with context.use(channel="web"):
        patients.open_chart(by=clerk, patient_id=patient.pk)
        patients.update_patient(by=clerk, patient_id=patient.pk, given="Zorblaxina")
    text = api(compliance).get(f"{ADDRESS}?patient={patient.pk}").content.decode()
    assert str(patient.pk) in text
    for name in ("Qwxyzzy", "Zorblax", patient.mrn):
        assert name not in text


@pytest.mark.parametrize("rows", [1, 30])
def test_few_queries_however_long(rows: int, compliance: User, clerk: User, api: Api) -> None:
    for _ in range(rows - len(_ids(clerk))):
        record("patient.viewed", by=clerk, patient=uuid7())
    client = api(compliance)
    _bundle(client, agent=clerk.username, _count=50)
    with at_most_queries(14):
        assert len(_events(_bundle(client, agent=clerk.username, _count=50))) == rows
