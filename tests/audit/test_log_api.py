"""GET /audit/events/ and /audit/events/{id}/ (API.md)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.review.keyset import SORTS
from audit.services import record
from tests.factories import PatientFactory, make_user
from tests.support import events

Api = Callable[[User], APIClient]
ADDRESS = "/api/v1/audit/events/"
FIELDS = (
    "id at actor roles patient patients event action object purpose reason outcome channel ip request_id detail "
    "standing explanations explanations_missing"
).split()


def _results(client: APIClient, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(ADDRESS, query)
    assert answer.status_code == 200, answer.content
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_an_event_has_the_fields_of_the_contract(compliance: User, clerk: User, api: Api) -> None:
    patient = PatientFactory.create()
    record("patient.viewed", by=clerk, patient=patient.pk, about=patient, reason="records role")
    [event] = _results(api(compliance), actor=clerk.username, event="patient.viewed")
    assert list(event) == FIELDS
    assert event["actor"] == clerk.username
    assert event["roles"] == ["records_clerk"]
    assert event["patient"] == str(patient.pk)
    assert event["patients"] == [str(patient.pk)]
    assert event["object"] == f"patients.patient:{patient.pk}"
    assert event["action"] == "view"
    assert event["purpose"] == "RECORDMGT"
    assert event["outcome"] == "success"
    assert event["at"].endswith(("Z", "+00:00"))


def test_a_list_that_showed_the_patient_is_found_too(compliance: User, clerk: User, api: Api) -> None:
    one, two = PatientFactory.create(), PatientFactory.create()
    record("patient.searched", by=clerk, patients=[one.pk, two.pk])
    found = _results(api(compliance), patient=one.pk, action="search")
    assert [set(event["patients"]) for event in found] == [{str(one.pk), str(two.pk)}]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COMPLIANCE_OFFICER])
def test_only_the_compliance_office_reads_it(role: Role, api: Api, db: None) -> None:
    user = make_user(role)
    for address in (ADDRESS, f"{ADDRESS}1/", f"{ADDRESS}?patient={PatientFactory.create().pk}"):
        answer = api(user).get(address)
        assert answer.status_code == 403
        assert answer.json()["code"] == "role"
    assert events("access.denied", actor_id=user.pk)


def test_strangers_are_401(db: None) -> None:
    for address in (ADDRESS, f"{ADDRESS}1/"):
        assert APIClient().get(address).status_code == 401


def test_the_look_is_an_event_with_whom_it_showed(compliance: User, clerk: User, api: Api) -> None:
    one, two = PatientFactory.create(), PatientFactory.create()
    record("patient.searched", by=clerk, patients=[one.pk, two.pk])
    _results(api(compliance), actor=clerk.username)
    [look] = events("log.viewed", actor_id=compliance.pk)
    assert {one.pk, two.pk} <= set(look.patient_ids or [])
    assert look.channel == "api"


@pytest.mark.parametrize("key", sorted(SORTS))
@pytest.mark.parametrize("sign", ["", "-"])
def test_every_field_sorts_and_pages_are_whole(
    sign: str, key: str, compliance: User, clerk: User, api: Api
) -> None:
    """Sortable by each; some rows have no patient, no address, no detail."""
    from audit import context

    chart = PatientFactory.create()
    for number in range(9):
        with context.use(ip=f"192.0.2.{number % 4}" if number % 4 else None):
            record(
                "patient.viewed",
                by=clerk,
                patient=chart.pk if number % 2 else None,
                patients=[chart.pk] if number % 3 == 0 else None,
                detail={"n": number % 5} if number % 5 else None,
                about=chart if number % 2 else None,
                reason=f"row {number % 2}",
            )
    client = api(compliance)
    seen: list[dict[str, Any]] = []
    address = f"{ADDRESS}?event=patient.viewed&actor={clerk.username}&page_size=2&ordering={sign}{key}"
    pages = 0
    while address:
        body = client.get(address).json()
        seen += body["results"]
        address, pages = body["next"], pages + 1
    assert pages == 5
    assert len({event["id"] for event in seen}) == len(seen) == 9
    column = (SORTS[key] or ("id",))[0].partition("__")[0]
    rows = {str(row.pk): getattr(row, column) for row in Event.objects.filter(pk__in=[e["id"] for e in seen])}
    values = [rows[event["id"]] for event in seen]
    given = [value for value in values if value is not None]
    assert values == given + [None] * (len(values) - len(given))
    if column not in {"detail", "ip"}:
        assert given == sorted(given, reverse=sign == "-")


def test_previous_leads_back(compliance: User, clerk: User, api: Api) -> None:
    for _ in range(5):
        record("home.viewed", by=clerk)
    client = api(compliance)
    first = client.get(ADDRESS, {"actor": clerk.username, "event": "home.viewed", "page_size": 2}).json()
    second = client.get(first["next"]).json()
    assert first["previous"] is None
    assert client.get(second["previous"]).json()["results"] == first["results"]


def test_days_and_instants_bound_it(compliance: User, clerk: User, api: Api) -> None:
    record("home.viewed", by=clerk)
    client = api(compliance)
    today = timezone.localdate()
    assert _results(client, actor=clerk.username, **{"from": today, "to": today})
    assert not _results(client, actor=clerk.username, **{"from": today + timedelta(days=1)})
    assert not _results(client, actor=clerk.username, to=today - timedelta(days=1))
    later = (timezone.now() + timedelta(hours=1)).isoformat()
    assert not _results(client, actor=clerk.username, **{"from": later})


@pytest.mark.parametrize(
    "query",
    [
        {"who": "me"},
        {"patient": "not-a-uuid"},
        {"action": "peek"},
        {"outcome": "maybe"},
        {"ordering": "password"},
        {"ordering": "at,actor"},
        {"from": "yesterday"},
        {"from": "2026-13-45"},
        {"to": "9999-12-31T23:59:59+99:99"},
        {"to": "9999-12-31"},
        {"cursor": "nonsense"},
        {"page_size": "0"},
        {"page_size": "201"},
        {"page_size": "many"},
        {"actor": "a\0b"},
        {"actor": "x" * 151},
    ],
)
def test_what_it_does_not_understand_it_refuses(query: dict[str, str], compliance: User, api: Api) -> None:
    answer = api(compliance).get(ADDRESS, query)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    "query",
    [
        {"object": "'; drop table x"},
        {"object": "%"},
        {"actor": "\u202e"},
        {"request_id": "_%"},
        {"event": "é"},
    ],
)
def test_hostile_text_finds_nothing(query: dict[str, str], compliance: User, api: Api) -> None:
    assert _results(api(compliance), **query) == []


def test_one_event_whole(compliance: User, clerk: User, api: Api) -> None:
    patient = PatientFactory.create()
    record("patient.viewed", by=clerk, patient=patient.pk, detail={"part": "timeline"})
    event = events("patient.viewed", patient_id=patient.pk)[-1]
    answer = api(compliance).get(f"{ADDRESS}{event.pk}/")
    assert answer.status_code == 200
    assert answer.json()["detail"] == {"part": "timeline"}
    assert events("log.event_viewed", patient_id=patient.pk)


@pytest.mark.parametrize("key", ["0", "abc", "-1", "1.5", "9" * 18, "9" * 30, "\u0661"])
def test_an_event_that_is_not_there_is_404(key: str, compliance: User, api: Api) -> None:
    assert api(compliance).get(f"{ADDRESS}{key}/").status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_writes_through_the_api(method: str, compliance: User, api: Api) -> None:
    before = Event.objects.exclude(event__startswith="user.").count()
    for address in (ADDRESS, f"{ADDRESS}1/"):
        assert getattr(api(compliance), method)(address, {}, format="json").status_code == 405
    assert Event.objects.exclude(event__startswith="user.").count() == before


@pytest.mark.parametrize("instant", ["3463-08-02T03:10:36-16:18", "0170-01-26T00:57:03+16:44"])
def test_an_instant_of_an_unlikely_zone_is_an_instant(
    instant: str, compliance: User, api: Callable[[User], APIClient]
) -> None:
    answer = api(compliance).get(ADDRESS, {"from": instant})
    assert answer.status_code == 200, answer.content


def test_an_instant_before_time_is_refused(compliance: User, api: Callable[[User], APIClient]) -> None:
    assert api(compliance).get(ADDRESS, {"from": "0001-01-01T00:00:00+10:00"}).status_code == 400
