"""Break the glass: for a reason, for a limited time, watched (45 CFR 164.312(a)(2)(ii); 170.315(d)(6))."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from accounts.backends import RoleBackend
from accounts.models import User
from accounts.roles import Role
from accounts.services import let_in_again, stop_user
from audit.models import Event
from audit.services import record
from common.clock import database_now
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from common.ids import uuid7
from common.notices.queries import notices_of
from patients import access, services
from patients.models import (
    ChartRestriction,
    GlassBreak,
    GlassReason,
    OwnEntry,
    Patient,
    PatientStatus,
    Restriction,
)
from tests.factories import EncounterFactory, FacilityFactory, PatientFactory, make_user
from tests.support import at_most_queries, events

WHY = "called to bed 12, chest pain"


@pytest.fixture
def chart(db: None) -> Patient:
    """Somebody in nobody's care."""
    return PatientFactory.create()


def broken(user: User, patient: Patient, code: str = "emergency", **more: Any) -> GlassBreak:
    return services.break_glass(by=user, patient_id=patient.pk, reason_code=code, reason=WHY, **more)


def ran_out(user: User, patient: Patient, **more: Any) -> GlassBreak:
    """A glass whose time was over a second ago, as nobody has noticed yet."""
    now = database_now()
    with transaction.atomic():
        glass = GlassBreak.objects.create(
            user=user,
            patient=patient,
            reason_code=GlassReason.COVERING,
            reason=WHY,
            opened_at=now - timedelta(hours=4, seconds=1),
            expires_at=now - timedelta(seconds=1),
            **more,
        )
        record("glass.broken", by=user, patient=patient.pk, about=glass)
    return glass


def closed(patient: Patient, kind: Restriction, by: User, user: User | None = None) -> None:
    with transaction.atomic():
        row = ChartRestriction.objects.create(patient=patient, kind=kind, user=user, why="said so", set_by=by)
        record("patient.updated", by=by, patient=patient.pk, about=row)


def is_open(user: User, patient: Patient) -> bool:
    """In the list and by itself alike, or the test fails."""
    listed = access.visible_to(user).filter(pk=patient.pk).exists()
    assert listed == access.allows(access.check_may_open, user, patient)
    return listed


def test_it_opens_the_chart_for_its_hours_and_says_why(clinician: User, chart: Patient) -> None:
    assert not is_open(clinician, chart)
    glass = broken(clinician, chart)
    assert is_open(clinician, chart)
    assert glass.expires_at - glass.opened_at == timedelta(hours=settings.GLASS_HOURS)
    decision = access.decide(clinician, chart)
    assert str(decision) == f"broken glass: Emergency treatment: {WHY}"
    services.open_chart(by=clinician, patient_id=chart.pk)
    assert events("patient.viewed", patient_id=chart.pk)[-1].reason == str(decision)


def test_it_opens_this_chart_to_this_person_only(clinician: User, chart: Patient) -> None:
    broken(clinician, chart)
    assert not is_open(make_user(Role.CLINICIAN), chart)
    assert not is_open(clinician, PatientFactory.create())


def test_the_breaking_is_an_event_with_reason_and_end(clinician: User, chart: Patient) -> None:
    """42 CFR 2.51(c): who got to see it and where she works, by whom, when, and the nature of the emergency."""
    FacilityFactory.create()
    glass = broken(clinician, chart)
    [event] = events("glass.broken", about=glass)
    assert (event.action, event.purpose, event.patient_id) == ("break-glass", "BTG", chart.pk)
    assert event.reason == f"Emergency treatment: {WHY}"
    assert event.detail is not None
    assert event.detail["reason_code"] == "emergency"
    assert event.detail["by"] == clinician.username
    assert event.detail["recipient"] == clinician.display_name
    assert event.detail["affiliation"] == FacilityFactory.create().name
    assert event.detail["disclosed_by"]
    assert event.detail["until"][:16] == str(glass.expires_at)[:16]


def test_a_second_click_extends_nothing(clinician: User, chart: Patient) -> None:
    first = broken(clinician, chart)
    second = broken(clinician, chart, "covering")
    assert (second.pk, second.expires_at, second.reason_code) == (first.pk, first.expires_at, "emergency")
    assert len(events("glass.broken", patient_id=chart.pk)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "aaaa",
        "aaaaaaaaaaaaaaaa",
        "asdf asdf asdf",
        "test test test",
        "1234567890 123",
        "need it",
        "..........",
        "qwertz uiop",
    ],
)
def test_junk_is_no_reason(clinician: User, chart: Patient, text: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        services.break_glass(by=clinician, patient_id=chart.pk, reason_code="other", reason=text)
    assert (refused.value.code, refused.value.field) == ("reason_unclear", "reason")
    assert not is_open(clinician, chart)
    assert not events("glass.broken")


@pytest.mark.parametrize(
    "text",
    [
        "stroke, ED bay 2",
        "病房呼叫，胸痛患者",
        "asked by Dr. Lark to see her",
        "Notfall, Bett 7: Brustschmerz",
    ],
)
def test_a_few_honest_words_are_one(clinician: User, chart: Patient, text: str) -> None:
    assert (
        services.break_glass(by=clinician, patient_id=chart.pk, reason_code="other", reason=text).reason
        == text
    )


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_without_any_reason_it_is_refused(clinician: User, chart: Patient, text: str) -> None:
    with pytest.raises(Denied) as refused:
        services.break_glass(by=clinician, patient_id=chart.pk, reason_code="other", reason=text)
    assert refused.value.code == "reason_required"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CLINICIAN])
def test_only_whoever_has_the_right_breaks_it(role: Role, chart: Patient) -> None:
    """Service accounts among those who have not."""
    user = make_user(role)
    with pytest.raises(Denied) as refused:
        broken(user, chart)
    assert refused.value.code == "role"
    assert not GlassBreak.objects.exists()


@pytest.mark.parametrize("key", [uuid7(), "no-id", "", None])
def test_a_chart_that_is_not_there(clinician: User, key: Any) -> None:
    with pytest.raises(NotFound):
        services.break_glass(by=clinician, patient_id=key, reason_code="other", reason=WHY)


def test_a_merged_id_opens_the_chart_that_stands_for_it(clinician: User, chart: Patient) -> None:
    old = PatientFactory.create()
    with transaction.atomic():
        old.status, old.merged_into = PatientStatus.MERGED, chart
        old.save()
        record("patient.updated", by=None, actor="factory", patient=old.pk, about=old)
    assert broken(clinician, old).patient_id == chart.pk
    assert is_open(clinician, chart)
    assert not is_open(clinician, old)


def test_a_chart_that_is_open_anyway_needs_none(clinician: User) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    with pytest.raises(WrongMove) as refused:
        broken(clinician, patient)
    assert refused.value.code == "already_open"


# -- What it does not open ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", GlassReason.values)
def test_ones_own_chart_stays_closed(clinician: User, chart: Patient, code: str) -> None:
    with transaction.atomic():
        row = OwnEntry.objects.create(user=clinician, patient=chart)
        record("patient.updated", by=clinician, patient=chart.pk, about=row)
    with pytest.raises(Denied) as refused:
        broken(clinician, chart, code)
    assert refused.value.code == "chart_denied"
    assert not GlassBreak.objects.exists()


def test_a_chart_closed_to_this_person_stays_closed_and_unnamed(
    clinician: User, supervisor: User, chart: Patient
) -> None:
    closed(chart, Restriction.PERSON, supervisor, clinician)
    with pytest.raises(Denied):
        broken(clinician, chart)
    with pytest.raises(Denied):
        services.consider_glass(by=clinician, patient_id=chart.pk)
    assert not services.search_outside_care(by=clinician, text=chart.mrn)
    colleague = make_user(Role.CLINICIAN)
    assert services.search_outside_care(by=colleague, text=chart.mrn)


@pytest.mark.parametrize("code", GlassReason.values)
def test_a_legal_restriction_yields_to_emergency_treatment_alone(
    clinician: User, supervisor: User, chart: Patient, code: str
) -> None:
    """RST-3, 45 CFR 164.522(a)(1)(iii)."""
    closed(chart, Restriction.LEGAL, supervisor)
    if code == GlassReason.EMERGENCY:
        broken(clinician, chart, code)
        assert is_open(clinician, chart)
        assert access.decide(clinician, chart).rule == "broken glass in an emergency"
        return
    with pytest.raises(Denied):
        broken(clinician, chart, code)
    assert not is_open(clinician, chart)


def test_a_restriction_set_while_it_is_broken_closes_at_once(
    clinician: User, supervisor: User, chart: Patient
) -> None:
    broken(clinician, chart, "covering")
    closed(chart, Restriction.LEGAL, supervisor)
    assert not is_open(clinician, chart)


@pytest.mark.parametrize("kind", [Restriction.VIP, Restriction.EMPLOYEE])
def test_its_reason_is_the_stated_need_of_a_restricted_chart(
    clinician: User, supervisor: User, chart: Patient, kind: Restriction
) -> None:
    closed(chart, kind, supervisor)
    broken(clinician, chart, "consult")
    assert is_open(clinician, chart)


# -- How it ends --------------------------------------------------------------------------------------------------


def test_the_clock_closes_it_without_any_job(clinician: User, chart: Patient) -> None:
    glass = ran_out(clinician, chart)
    assert glass.ended_at is None
    assert not is_open(clinician, chart)


def test_at_its_very_last_instant_it_is_closed(clinician: User, chart: Patient) -> None:
    glass = broken(clinician, chart)
    moments = GlassBreak.objects.filter(pk=glass.pk)
    assert moments.open_at(glass.opened_at).exists()
    assert moments.open_at(glass.expires_at - timedelta(microseconds=1)).exists()
    assert not moments.open_at(glass.expires_at).exists()
    assert not moments.open_at(glass.opened_at - timedelta(microseconds=1)).exists()


def test_between_the_list_and_the_click_it_may_run_out(clinician: User, chart: Patient) -> None:
    glass = broken(clinician, chart)
    listed = list(access.visible_to(clinician))
    assert listed == [chart]
    with transaction.atomic():
        glass.opened_at = database_now() - timedelta(hours=5)
        glass.expires_at = database_now() - timedelta(microseconds=1)
        glass.save()
        record("glass.seen", by=clinician, patient=chart.pk, about=glass)
    with pytest.raises(Denied) as refused:
        services.open_chart(by=clinician, patient_id=listed[0].pk)
    assert (refused.value.code, refused.value.way_on) == ("chart_denied", "glass")


def test_a_new_one_may_be_broken_when_the_old_one_has_run_out(clinician: User, chart: Patient) -> None:
    old = ran_out(clinician, chart)
    new = broken(clinician, chart)
    old.refresh_from_db()
    assert new.pk != old.pk
    assert (old.ended_at, old.ended_by) == (old.expires_at, None)
    assert len(events("glass.expired", about=old)) == 1


def test_she_ends_it_herself(clinician: User, chart: Patient) -> None:
    glass = broken(clinician, chart)
    ended = services.end_glass(by=clinician, glass_id=glass.pk)
    assert (ended.ended_by, ended.ended_at is None) == (clinician, False)
    assert not is_open(clinician, chart)
    again = services.end_glass(by=clinician, glass_id=glass.pk)
    assert again.ended_at == ended.ended_at
    assert len(events("glass.ended", about=glass)) == 1


def test_the_compliance_office_ends_it_and_she_is_told(
    clinician: User, compliance: User, chart: Patient
) -> None:
    glass = broken(clinician, chart)
    services.end_glass(by=compliance, glass_id=glass.pk)
    assert not is_open(clinician, chart)
    assert "ended a glass" in notices_of(clinician.pk)[0].text


def test_nobody_else_ends_it(clinician: User, supervisor: User, chart: Patient) -> None:
    glass = broken(clinician, chart)
    for stranger in (supervisor, make_user(Role.CLINICIAN)):
        with pytest.raises(NotFound):
            services.end_glass(by=stranger, glass_id=glass.pk)
    assert is_open(clinician, chart)


def test_ending_one_that_has_run_out_keeps_the_clocks_end(clinician: User, chart: Patient) -> None:
    glass = services.end_glass(by=clinician, glass_id=ran_out(clinician, chart).pk)
    assert (glass.ended_at, glass.ended_by) == (glass.expires_at, None)
    assert not events("glass.ended")


def test_a_right_taken_away_or_an_account_switched_off_closes_it(
    clinician: User, administrator: User, chart: Patient
) -> None:
    broken(clinician, chart)
    stop_user(by=administrator, user_id=clinician.pk, reason="a phone was stolen")
    assert RoleBackend().get_user(clinician.pk) is None
    assert not is_open(User.objects.get(pk=clinician.pk), chart)
    let_in_again(by=administrator, user_id=clinician.pk)
    with transaction.atomic():
        clinician.groups.clear()
        record("user.changed", by=administrator, about=clinician)
    assert not is_open(User.objects.get(pk=clinician.pk), chart)


def test_the_job_writes_down_what_the_clock_did_once(clinician: User, chart: Patient) -> None:
    glass = ran_out(clinician, chart)
    standing = broken(clinician, PatientFactory.create())
    assert [services.write_off_run_out(), services.write_off_run_out()] == [1, 0]
    [event] = events("glass.expired", about=glass)
    assert (event.actor, event.patient_id) == ("system:glass", chart.pk)
    standing.refresh_from_db()
    assert standing.ended_at is None
    [notice] = [row for row in notices_of(clinician.pk) if row.kind == "glass.expired"]
    assert chart.family not in notice.text


# -- The drill ----------------------------------------------------------------------------------------------------


def test_a_drill_walks_the_way_and_opens_nothing(clinician: User, chart: Patient) -> None:
    glass = broken(clinician, chart, is_drill=True)
    assert not is_open(clinician, chart)
    assert not events("glass.broken")
    [event] = events("glass.drilled", about=glass)
    assert event.detail is not None
    assert event.detail["drill"] is True
    assert not is_open(clinician, chart)


def test_a_drill_stands_in_nobodys_way(clinician: User, chart: Patient) -> None:
    drill = broken(clinician, chart, is_drill=True)
    real = broken(clinician, chart)
    assert drill.pk != real.pk
    assert is_open(clinician, chart)
    services.end_glass(by=clinician, glass_id=drill.pk)
    assert is_open(clinician, chart)


def test_one_may_practise_on_a_chart_of_ones_own_care(clinician: User) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    assert broken(clinician, patient, is_drill=True).is_drill
    assert access.decide(clinician, patient).rule == "attending"


# -- The table ----------------------------------------------------------------------------------------------------


def test_a_glass_is_never_deleted(clinician: User, chart: Patient) -> None:
    glass = broken(clinician, chart)
    for statement in ("delete from patients_glassbreak", "truncate patients_glassbreak"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert GlassBreak.objects.filter(pk=glass.pk).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": None, "hours": 0},
        {"reason": ""},
        {"ended_at": "half way"},
        {"ended_at": "too late", "ended_by": True},
    ],
)
def test_the_table_refuses_what_makes_no_sense(
    clinician: User, chart: Patient, change: dict[str, Any]
) -> None:
    now = timezone.now()
    values: dict[str, Any] = {"opened_at": now, "expires_at": now + timedelta(hours=4), "reason": WHY}
    if change.pop("hours", None) == 0:
        change["expires_at"] = now
    if change.get("ended_by"):
        change["ended_by"] = clinician
    change = {
        name: {"half way": now + timedelta(hours=1), "too late": now + timedelta(hours=5)}.get(value, value)
        if isinstance(value, str)
        else value
        for name, value in change.items()
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        GlassBreak.objects.create(
            user=clinician, patient=chart, reason_code=GlassReason.OTHER, **(values | change)
        )


# -- Finding the person -------------------------------------------------------------------------------------------


def test_who_is_found_outside_her_care_is_an_event_of_its_own(clinician: User, chart: Patient) -> None:
    mine = EncounterFactory.create(attending=clinician).patient
    assert not services.search_patients(by=clinician, text=chart.mrn)
    found = services.search_outside_care(by=clinician, text="testperson")
    assert {row.patient.pk: row.is_open for row in found} == {chart.pk: False, mine.pk: True}
    [event] = events("patient.searched_outside")
    assert event.action == "search"
    assert set(event.patient_ids or []) == {chart.pk, mine.pk}
    assert event.detail is not None
    assert event.detail["q"] == "testperson"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CLINICIAN])
def test_only_whoever_has_the_right_looks_there(role: Role, chart: Patient) -> None:
    with pytest.raises(Denied):
        services.search_outside_care(by=make_user(role), text=chart.mrn)


def test_no_more_than_ten_are_shown(clinician: User) -> None:
    PatientFactory.create_batch(12)
    assert len(services.search_outside_care(by=clinician, text="testperson")) == 10


# -- Much of it ---------------------------------------------------------------------------------------------------


def test_a_thousand_open_glasses_cost_no_more_questions_than_one(clinician: User, chart: Patient) -> None:
    now = database_now()
    others = PatientFactory.create_batch(1000)
    with transaction.atomic():
        rows = [
            GlassBreak(
                user=clinician,
                patient=patient,
                reason_code=GlassReason.COVERING,
                reason=WHY,
                opened_at=now,
                expires_at=now + timedelta(hours=1),
            )
            for patient in others
        ]
        GlassBreak.objects.bulk_create(rows)
        record("glass.broken", by=clinician, patients=[patient.pk for patient in others])
    assert clinician.rights  # known before any question is counted, as at a request
    with at_most_queries(1):
        assert access.visible_to(clinician).count() == 1000
    with at_most_queries(1):
        assert access.decide(clinician, others[500]).rule == "broken glass"
    with at_most_queries(1):
        assert not access.decide(clinician, chart).allowed
    assert Event.objects.filter(event="glass.broken").count() == 1
