"""Questions that are kept: one's own, or the office's; by ids, never by a patient's name."""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.review import services
from audit.review.models import SavedQuestion
from audit.services import record
from common.errors import Denied, NotFound, RuleBroken
from patients.models import Patient
from tests.factories import PatientFactory, make_user
from tests.support import events

Browse = Callable[[User], Client]


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


@pytest.fixture
def colleague(db: None) -> User:
    return make_user(Role.COMPLIANCE_OFFICER)


def keep(client: Client, name: str, query: str, **more: str) -> SavedQuestion:
    answer = client.post("/log/saved/", {"name": name, "query": query, **more})
    assert answer.status_code == 302, answer.content.decode()
    return SavedQuestion.objects.latest("created_at")


def test_a_question_is_kept_by_ids_and_asked_again(
    compliance: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    client = browse(compliance)
    query = f"?patient={chart.mrn_display}&actor={clerk.username.upper()}&action=view&period=week"
    query += "&explained=unexplained&sort=reason"
    saved = keep(client, "Desk, each Monday", query)
    assert (saved.patient, saved.person, saved.owner) == (chart, clerk, compliance)
    assert saved.conditions == {
        "action": "view",
        "period": "week",
        "explained": "unexplained",
        "sort": "reason",
    }
    assert chart.mrn not in str(saved.conditions)
    leads_to = client.get(f"/log/saved/{saved.pk}/")["Location"]
    assert chart.mrn not in leads_to
    assert parse_qs(urlsplit(leads_to).query)["actor"] == [clerk.username]
    record("patient.viewed", by=clerk, patient=chart.pk)
    answer = client.get(leads_to)
    assert [line.event.event for line in answer.context["lines"]] == ["patient.viewed"]
    assert "Desk, each Monday" in client.get("/log/").content.decode()
    [event] = events("log.question_saved", about=saved)
    assert (event.patient_id, event.actor_id) == (chart.pk, compliance.pk)


def test_a_person_who_was_renamed_is_still_meant(compliance: User, clerk: User, browse: Browse) -> None:
    client = browse(compliance)
    saved = keep(client, "Her", f"?actor={clerk.username}")
    with transaction.atomic():
        User.objects.filter(pk=clerk.pk).update(username="married.name")
        record("user.created", by=compliance, about=clerk)
    assert "actor=married.name" in client.get(f"/log/saved/{saved.pk}/")["Location"]


def test_a_period_moves_with_the_day_and_a_date_does_not(compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    assert keep(client, "Week", "?period=week").conditions == {"period": "week"}
    day = (timezone.localdate() - timedelta(days=3)).isoformat()
    assert keep(client, "Since", f"?since={day}").conditions == {"period": "dates", "since": day}


@pytest.mark.parametrize("name", ["Una", "mrs quillfeather", "QUILLFEATHER 2", "", " ", "x" * 61, "MRN"])
def test_a_name_that_names_the_patient_is_refused(name: str, compliance: User, chart: Patient) -> None:
    name = chart.mrn_display if name == "MRN" else name
    with pytest.raises(RuleBroken) as refused:
        services.save_question(by=compliance, name=name, patient_id=chart.pk, conditions={})
    assert refused.value.field == "name"
    assert not SavedQuestion.objects.exists()


def test_two_of_one_name_are_refused_and_an_ended_one_makes_room(compliance: User, colleague: User) -> None:
    first = services.save_question(by=compliance, name="Week", conditions={})
    services.save_question(by=colleague, name="Week", conditions={})
    with pytest.raises(RuleBroken):
        services.save_question(by=compliance, name="WEEK", conditions={})
    services.end_question(by=compliance, question_id=first.pk)
    services.save_question(by=compliance, name="Week", conditions={})
    with pytest.raises(IntegrityError), transaction.atomic():
        SavedQuestion.objects.create(owner=compliance, name="wEEk")


def test_the_office_sees_what_is_shared_and_nothing_else(
    compliance: User, colleague: User, browse: Browse
) -> None:
    own = services.save_question(by=compliance, name="Mine", conditions={})
    shared = services.save_question(by=compliance, name="Everybody's", conditions={}, is_shared=True)
    client = browse(colleague)
    page = client.get("/log/").content.decode()
    assert "Mine" not in page
    assert "Everybody&#x27;s" in page
    assert client.get(f"/log/saved/{own.pk}/").status_code == 404
    assert client.get(f"/log/saved/{shared.pk}/").status_code == 302
    with pytest.raises(Denied):
        services.end_question(by=colleague, question_id=shared.pk)
    with pytest.raises(NotFound):
        services.end_question(by=colleague, question_id=own.pk)
    services.end_question(by=compliance, question_id=shared.pk)
    assert client.get(f"/log/saved/{shared.pk}/").status_code == 404
    assert len(events("log.question_ended", about=shared)) == 1


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COMPLIANCE_OFFICER])
def test_nobody_else_keeps_or_asks(role: Role, compliance: User, browse: Browse) -> None:
    saved = services.save_question(by=compliance, name="Ours", conditions={}, is_shared=True)
    client = browse(make_user(role))
    assert client.post("/log/saved/", {"name": "x", "query": ""}).status_code == 403
    assert client.get(f"/log/saved/{saved.pk}/").status_code == 403
    assert client.post(f"/log/saved/{saved.pk}/end/").status_code == 403


@pytest.mark.parametrize(
    "query",
    [
        "?actor=nobody-here",
        "?patient=no-such-number",
        "?since=2026-05-02&until=2026-05-01",
        "?explained=unexplained",
    ],
)
def test_a_question_that_makes_no_sense_is_not_kept(query: str, compliance: User, browse: Browse) -> None:
    answer = browse(compliance).post("/log/saved/", {"name": "x", "query": query})
    assert answer.status_code == 422
    assert not SavedQuestion.objects.exists()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "=1+1", "\u202egpj", "a\0b"])
def test_hostile_names_stay_names(name: str, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    keep(client, name, "")
    assert "<script>alert" not in client.get("/log/").content.decode()
