"""Restrictions, grants, own entries, care teams and consults, as people decide them; and saying why."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from common.errors import Denied, RuleBroken, WrongMove
from common.notices.models import Notice
from patients import access, services
from patients.models import ChartRestriction, PatientGrant, StatedNeed
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.support import events

Browse = Callable[[User], Client]
SOON = timedelta(days=3)


def test_a_restriction_is_set_and_lifted(supervisor: User, clerk: User) -> None:
    patient = PatientFactory.create()
    row = services.restrict_chart(by=supervisor, patient_id=patient.pk, kind="vip", why="The mayor")
    assert access.decide(clerk, patient).rule == "restricted chart"
    assert events("chart.restricted", about=row)[0].detail["kind"] == "vip"
    services.lift_restriction(by=supervisor, restriction_id=row.pk)
    assert access.decide(clerk, patient).allowed
    assert events("chart.restriction_lifted", about=row)
    with pytest.raises(WrongMove):
        services.lift_restriction(by=supervisor, restriction_id=row.pk)


@pytest.mark.parametrize("role", [Role.RECORDS_SUPERVISOR, Role.COMPLIANCE_OFFICER])
def test_nobody_lifts_the_restriction_that_is_about_her(role: Role, supervisor: User, browse: Browse) -> None:
    """Her own family: the chart asks her to say why, and goes on asking."""
    her, patient = make_user(role), PatientFactory.create()
    given = {"kind": "family", "why": "Her mother", "user": her.username}
    row = services.restrict_chart(by=supervisor, patient_id=patient.pk, **given)
    lift, page = reverse("patients:lift", args=[row.pk]), reverse("patients:opening", args=[patient.pk])
    assert lift not in browse(her).get(page).content.decode()
    with pytest.raises(Denied) as refused:
        services.lift_restriction(by=her, restriction_id=row.pk)
    assert refused.value.rule == "own restriction"
    row.refresh_from_db()
    assert row.until is None
    assert lift in browse(supervisor).get(page).content.decode()
    services.lift_restriction(by=supervisor, restriction_id=row.pk)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "gossip", "why": "The mayor"}, "kind"),
        ({"kind": "vip", "why": " "}, "why"),
        ({"kind": "vip", "why": "The mayor", "user": "clerk"}, "user"),
        ({"kind": "person", "why": "Her wish"}, "user"),
        ({"kind": "person", "why": "Her wish", "user": "nobody-here"}, "user"),
        ({"kind": "vip", "why": "The mayor", "until": timezone.now() - SOON}, "until"),
    ],
)
def test_a_restriction_that_cannot_be(given: dict[str, Any], field: str, supervisor: User) -> None:
    patient = PatientFactory.create()
    with pytest.raises(RuleBroken) as refused:
        services.restrict_chart(by=supervisor, patient_id=patient.pk, **given)
    assert refused.value.field == field
    assert not ChartRestriction.objects.exists()


@pytest.mark.parametrize(
    "role", [Role.RECORDS_CLERK, Role.ROI_SPECIALIST, Role.CLINICIAN, Role.ADMINISTRATOR]
)
def test_others_decide_nothing(role: Role, supervisor: User) -> None:
    user, patient = make_user(role), PatientFactory.create()
    EncounterFactory.create(attending=user, patient=patient)
    for verb, given in (
        (services.restrict_chart, {"kind": "vip", "why": "The mayor"}),
        (
            services.grant_chart,
            {"user": supervisor.username, "reason": "helps", "expires_at": timezone.now() + SOON},
        ),
        (services.set_own_entry, {"user": supervisor.username}),
        (services.view_who_may_open, {}),
    ):
        with pytest.raises(Denied):
            verb(by=user, patient_id=patient.pk, **given)
    assert access.decide(supervisor, patient).allowed


def test_a_grant_lets_in_until_it_is_taken_back(supervisor: User, clinician: User) -> None:
    patient = PatientFactory.create()
    grant = services.grant_chart(
        by=supervisor,
        patient_id=patient.pk,
        user=clinician.username,
        reason="Tumor board",
        expires_at=timezone.now() + SOON,
    )
    assert access.decide(clinician, patient).evidence == f"given by {supervisor.username}"
    assert Notice.objects.filter(recipient_id=clinician.pk, kind="access.granted").exists()
    services.revoke_grant(by=supervisor, grant_id=grant.pk)
    assert not access.decide(clinician, patient).allowed
    with pytest.raises(WrongMove):
        services.revoke_grant(by=supervisor, grant_id=grant.pk)
    again = services.grant_chart(
        by=supervisor,
        patient_id=patient.pk,
        user=clinician.username,
        reason="Once more",
        expires_at=timezone.now() + SOON,
    )
    assert again.pk == grant.pk  # guardian keeps one row a person, chart and permission; the log keeps both
    assert access.decide(clinician, patient).allowed
    assert len(events("chart.granted", about=grant)) == 2


@pytest.mark.parametrize("days", [-1, 0, 500])
def test_a_grant_has_an_end_within_a_year(days: int, supervisor: User, clinician: User) -> None:
    with pytest.raises(RuleBroken):
        services.grant_chart(
            by=supervisor, patient_id=PatientFactory.create().pk, user=clinician.username, reason="Tumor board",
            expires_at=timezone.now() + timedelta(days=days),
        )  # fmt: skip


def test_nobody_lets_herself_in(supervisor: User) -> None:
    with pytest.raises(RuleBroken):
        services.grant_chart(
            by=supervisor, patient_id=PatientFactory.create().pk, user=supervisor.username, reason="I want to",
            expires_at=timezone.now() + SOON,
        )  # fmt: skip
    assert not PatientGrant.objects.exists()


def test_whose_own_chart_it_is_decides_nothing_about_it(supervisor: User, compliance: User) -> None:
    patient = PatientFactory.create()
    entry = services.set_own_entry(by=compliance, patient_id=patient.pk, user=supervisor.username)
    with pytest.raises(Denied):
        services.end_own_entry(by=supervisor, entry_id=entry.pk)
    with pytest.raises(Denied):
        services.view_who_may_open(by=supervisor, patient_id=patient.pk)
    services.end_own_entry(by=compliance, entry_id=entry.pk)
    assert access.decide(supervisor, patient).allowed


def test_a_care_team_and_a_consult_open_and_close(clerk: User, clinician: User) -> None:
    encounter, colleague = EncounterFactory.create(attending=clinician), make_user(Role.CLINICIAN)
    member = services.join_care_team(
        by=clerk, encounter_id=encounter.pk, user=colleague.username, function="nurse"
    )
    assert access.decide(colleague, encounter.patient).rule == "care team"
    with pytest.raises(RuleBroken):
        services.join_care_team(
            by=clerk, encounter_id=encounter.pk, user=colleague.username, function="nurse"
        )
    services.leave_care_team(by=clerk, member_id=member.pk)
    assert not access.decide(colleague, encounter.patient).allowed
    consult = services.ask_consult(
        by=clinician, patient_id=encounter.patient_id, user=colleague.username, question="Rash since Monday?"
    )
    assert access.decide(colleague, encounter.patient).rule == "consult"
    with pytest.raises(Denied):
        services.answer_consult(by=clerk, consult_id=consult.pk)
    services.answer_consult(by=colleague, consult_id=consult.pk)
    assert not access.decide(colleague, encounter.patient).allowed


def test_a_restricted_chart_opens_by_saying_why(
    clinician: User, supervisor: User, compliance: User, browse: Browse
) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    services.restrict_chart(by=supervisor, patient_id=patient.pk, kind="vip", why="The mayor")
    client, address = browse(clinician), reverse("patients:state-need", args=[patient.pk])
    refused = client.get(patient.get_absolute_url())
    assert refused.status_code == 403
    assert address in refused.content.decode()
    assert patient.family.upper() not in refused.content.decode()
    form = client.get(address)
    assert patient.family.upper() not in form.content.decode()
    assert client.post(address, {"reason": "x"}).status_code == 422
    assert not StatedNeed.objects.exists()
    assert client.post(address, {"reason": "On call tonight"})["Location"] == patient.get_absolute_url()
    assert client.get(patient.get_absolute_url()).status_code == 200
    assert events("access.need_stated", actor_id=clinician.pk)[0].reason == "On call tonight"
    told = Notice.objects.get(recipient_id=compliance.pk, kind="access.need_stated")
    assert patient.family not in told.text
    assert client.get(address).status_code == 302  # nothing to say any more


def test_the_api_states_a_need(clinician: User, supervisor: User, api: Any) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    services.restrict_chart(by=supervisor, patient_id=patient.pk, kind="employee", why="Works here")
    client, address = api(clinician), f"/api/v1/patients/{patient.pk}/"
    assert client.get(address).json()["code"] == "reason_required"
    assert client.post(f"{address}state-need/", {}, format="json").status_code in {400, 422}
    opened = client.post(f"{address}state-need/", {"reason": "On call tonight"}, format="json")
    assert (opened.status_code, set(opened.json())) == (201, {"expires_at"})
    assert client.get(address).status_code == 200
    stranger = api(make_user(Role.CLINICIAN))
    refused = stranger.post(f"{address}state-need/", {"reason": "Curious about her"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "chart_denied")


def test_the_page_of_openings_shows_and_takes_them(supervisor: User, clinician: User, browse: Browse) -> None:
    patient, client = PatientFactory.create(), browse(supervisor)
    page = reverse("patients:opening", args=[patient.pk])
    assert client.get(page).status_code == 200
    bad = client.post(reverse("patients:grant", args=[patient.pk]), {"grant-user": "nobody-here"})
    assert bad.status_code == 422
    day = (timezone.localdate() + SOON).isoformat()
    good = {"grant-user": clinician.username, "grant-reason": "Tumor board", "grant-expires_at": day}
    assert client.post(reverse("patients:grant", args=[patient.pk]), good)["Location"] == page
    client.post(
        reverse("patients:restrict", args=[patient.pk]), {"restrict-kind": "vip", "restrict-why": "The mayor"}
    )
    text = client.get(page).content.decode()
    assert "Tumor board" in text
    assert "The mayor" in text
