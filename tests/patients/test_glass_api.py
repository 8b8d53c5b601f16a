"""POST, GET and DELETE /api/v1/patients/{id}/break-glass/ (API.md)."""

from datetime import datetime

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from accounts.services import issue_token, revoke_token, service_account
from common.ids import uuid7
from patients.models import GlassBreak, Patient
from tests.factories import PASSWORD, EncounterFactory, PatientFactory, make_user
from tests.patients.test_glass import WHY, ran_out
from tests.support import events

BODY = {"reason_code": "emergency", "reason": WHY}


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create()


def by_token(user: User) -> APIClient:
    """Her own program, signed in with her name and password."""
    answer = APIClient().post(
        "/api/v1/tokens/", {"username": user.username, "password": PASSWORD}, format="json"
    )
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
    return client


def address(patient: Patient | object) -> str:
    return f"/api/v1/patients/{getattr(patient, 'pk', patient)}/break-glass/"


def test_a_program_breaks_sees_and_ends_it(clinician: User, chart: Patient) -> None:
    client = by_token(clinician)
    assert client.get(f"/api/v1/patients/{chart.pk}/").json()["code"] == "chart_denied"
    assert client.get(address(chart)).status_code == 404
    made = client.post(address(chart), BODY, format="json")
    assert made.status_code == 201
    assert set(made.json()) == {"id", "patient", "reason_code", "reason", "opened_at", "expires_at", "drill"}
    assert datetime.fromisoformat(made.json()["expires_at"]).tzinfo is not None
    assert client.get(f"/api/v1/patients/{chart.pk}/").status_code == 200
    assert client.get(address(chart)).json() == made.json()
    assert client.delete(address(chart)).status_code == 204
    assert client.delete(address(chart)).status_code == 404
    assert client.get(f"/api/v1/patients/{chart.pk}/").status_code == 403
    [event] = events("glass.broken")
    assert (event.channel, event.actor) == ("api", clinician.username)
    assert event.session, "the token's digest"


def test_the_same_key_has_one_effect(clinician: User, chart: Patient) -> None:
    client = by_token(clinician)
    first = client.post(address(chart), BODY, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    client.delete(address(chart))
    second = client.post(address(chart), BODY, format="json", HTTP_IDEMPOTENCY_KEY="k1")
    assert (second.status_code, second.json()) == (201, first.json())
    assert GlassBreak.objects.count() == 1
    assert client.get(f"/api/v1/patients/{chart.pk}/").status_code == 403, "a replay opens nothing again"


def test_a_second_call_extends_nothing(clinician: User, chart: Patient) -> None:
    client = by_token(clinician)
    answers = [client.post(address(chart), BODY, format="json").json() for _ in range(2)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"reason_code": "emergency"}, 403, "reason_required"),
        ({"reason_code": "emergency", "reason": ""}, 403, "reason_required"),
        ({"reason_code": "emergency", "reason": "  "}, 403, "reason_required"),
        ({"reason_code": "emergency", "reason": "aaaa"}, 422, "reason_unclear"),
        ({"reason_code": "curiosity", "reason": WHY}, 400, "invalid"),
        ({"reason": WHY}, 400, "invalid"),
        ({"reason_code": "other", "reason": "x" * 401}, 400, "invalid"),
        ({"reason_code": ["other"], "reason": {"a": 1}}, 400, "invalid"),
    ],
)
def test_what_is_not_said_well_is_refused(
    clinician: User, chart: Patient, body: object, status: int, code: str
) -> None:
    answer = by_token(clinician).post(address(chart), body, format="json")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not GlassBreak.objects.exists()


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.CLINICIAN, Role.SERVICE}])
def test_a_token_without_the_right_is_refused(role: Role, chart: Patient) -> None:
    answer = by_token(make_user(role)).post(address(chart), BODY, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "role")


def test_a_service_account_breaks_no_glass(administrator: User, chart: Patient) -> None:
    account = service_account("hl7")
    text, _ = issue_token(by=account, user=account)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    assert client.post(address(chart), BODY, format="json").json()["code"] == "role"


def test_a_revoked_token_breaks_none(clinician: User, chart: Patient) -> None:
    text, token = issue_token(by=clinician, user=clinician)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    revoke_token(by=clinician, token=token)
    assert client.post(address(chart), BODY, format="json").status_code == 401


def test_a_page_s_session_has_to_say_again_who_it_is(clinician: User, chart: Patient) -> None:
    client = APIClient()
    client.force_login(clinician)
    answer = client.post(address(chart), BODY, format="json")
    assert (answer.status_code, answer.json()["code"]) == (403, "confirm")
    assert not GlassBreak.objects.exists()


@pytest.mark.parametrize("key", [uuid7(), "no-id"])
def test_an_absent_chart(clinician: User, key: object) -> None:
    assert by_token(clinician).post(address(key), BODY, format="json").status_code == 404


def test_a_chart_open_anyway_is_a_conflict(clinician: User) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    answer = by_token(clinician).post(address(patient), BODY, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_open")


def test_one_that_has_run_out_is_none(clinician: User, chart: Patient) -> None:
    ran_out(clinician, chart)
    assert by_token(clinician).get(address(chart)).status_code == 404


def test_a_drill_by_program_opens_nothing(clinician: User, chart: Patient) -> None:
    client = by_token(clinician)
    assert client.post(address(chart), {**BODY, "drill": True}, format="json").json()["drill"] is True
    assert client.get(f"/api/v1/patients/{chart.pk}/").status_code == 403
