"""Each rule of the chart policy: its evidence opens or closes, the neighbour's does not, and so in both forms."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError
from django.db.models import Func, QuerySet, Value
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from common.errors import Denied
from patients import access
from patients.access import Verdict, charts, registry, rules
from patients.models import (
    CareTeamMember,
    ChartRestriction,
    Consult,
    Encounter,
    Location,
    OwnEntry,
    Patient,
    PatientGrant,
    Restriction,
    StatedNeed,
    Workplace,
)
from tests.factories import EncounterFactory, FacilityFactory, LocationFactory, PatientFactory, make_user
from tests.support import events

Ago = timedelta
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def both(user: User, patient: Patient) -> access.Decision:
    """The decision, after making sure that the list says the same."""
    decision = access.decide(user, patient)
    for many in (False, True):  # however many charts she has open, the list has the same rows
        with patch.object(charts, "_has_many", lambda user, asked, many=many: many):
            visible = access.visible_to(user)
        listed = visible.filter(pk=patient.pk).exists()
        nested = Patient.objects.filter(pk__in=visible.values("pk"), pk=patient.pk).exists()
        deeper = Patient.objects.filter(
            pk__in=Patient.objects.filter(pk__in=visible.values("pk")).values("pk"), pk=patient.pk
        ).exists()
        assert listed == nested == deeper == decision.allowed, str(decision)
    return decision


def grant(user: User, patient: Patient, *, hours: float = 1, **fields: Any) -> PatientGrant:
    return PatientGrant.objects.create(
        user=user,
        content_object=patient,
        permission=Permission.objects.get(codename="view_chart"),
        given_by=make_user(Role.RECORDS_SUPERVISOR),
        reason="asked by the department",
        expires_at=timezone.now() + hours * HOUR,
        **fields,
    )


def restrict(patient: Patient, kind: Restriction, **fields: Any) -> ChartRestriction:
    return ChartRestriction.objects.create(
        patient=patient, kind=kind, why="for a test", set_by=make_user(Role.RECORDS_SUPERVISOR), **fields
    )


def stay(patient: Patient, *, begun: float = -5, ended: float | None = None, **fields: Any) -> Encounter:
    """An encounter that began and ended so many days from now."""
    now = timezone.now()
    fields["started_at"] = now + begun * DAY
    fields["ended_at"] = None if ended is None else now + ended * DAY
    return EncounterFactory.create(patient=patient, **fields)


def works_at(user: User, location: Location | None = None, **fields: Any) -> Workplace:
    facility = location.facility if location else fields.pop("facility")
    return Workplace.objects.create(user=user, facility=facility, location=location, **fields)


def _attends(user: User, patient: Patient) -> None:
    stay(patient, attending=user)


def _in_team(user: User, patient: Patient) -> None:
    CareTeamMember.objects.create(encounter=stay(patient), patient=patient, user=user, function="nurse")


def _in_unit(user: User, patient: Patient) -> None:
    works_at(user, stay(patient, location=LocationFactory.create(name="7 North")).location)


def _asked(user: User, patient: Patient) -> None:
    Consult.objects.create(
        patient=patient, asked_by=make_user(Role.CLINICIAN), asked_of=user, question="Rash, since Monday?"
    )


def _expects(user: User, patient: Patient) -> None:
    works_at(user, stay(patient, begun=1, location=LocationFactory.create(name="Clinic A")).location)


def _attended(user: User, patient: Patient) -> None:
    stay(patient, begun=-50, ended=-40, attending=user)


def _was_in_team(user: User, patient: Patient) -> None:
    encounter = stay(patient, begun=-50, ended=-40)
    CareTeamMember.objects.create(
        encounter=encounter, patient=patient, user=user, function="nurse",
        since=encounter.started_at, until=encounter.ended_at,
    )  # fmt: skip


def _is_granted(user: User, patient: Patient) -> None:
    grant(user, patient)


OPEN = [
    (_attends, "attending"),
    (_in_team, "care team"),
    (_in_unit, "unit"),
    (_asked, "consult"),
    (_expects, "appointment"),
    (_attended, "recent encounter"),
    (_was_in_team, "recent encounter"),
    (_is_granted, "grant"),
]


@pytest.mark.parametrize(("tie", "rule"), OPEN, ids=lambda value: getattr(value, "__name__", value))
def test_a_tie_opens_this_chart_to_this_person(
    tie: Callable[[User, Patient], None], rule: str, clinician: User
) -> None:
    mine, other, colleague = PatientFactory.create(), PatientFactory.create(), make_user(Role.CLINICIAN)
    assert both(clinician, mine).rule == "no care relationship"
    tie(clinician, mine)
    decision = both(clinician, mine)
    assert (decision.rule, decision.verdict) == (rule, Verdict.ALLOWED)
    assert decision.evidence
    assert not both(clinician, other).allowed
    assert not both(colleague, mine).allowed


@pytest.mark.parametrize("tie", [tie for tie, rule in OPEN if rule != "grant"], ids=lambda tie: tie.__name__)
def test_care_opens_only_to_whom_care_is_a_right(tie: Callable[[User, Patient], None], db: None) -> None:
    officer, patient = make_user(Role.ADMINISTRATOR), PatientFactory.create()
    tie(officer, patient)
    assert both(officer, patient).rule == "role"


def _team_left(user: User, patient: Patient) -> None:
    CareTeamMember.objects.create(
        encounter=stay(patient), patient=patient, user=user, function="nurse",
        since=timezone.now() - 2 * HOUR, until=timezone.now() - HOUR,
    )  # fmt: skip


def _team_later(user: User, patient: Patient) -> None:
    CareTeamMember.objects.create(
        encounter=stay(patient), patient=patient, user=user, function="nurse", since=timezone.now() + HOUR
    )


def _unit_of_ended_stay(user: User, patient: Patient) -> None:
    works_at(user, stay(patient, ended=-1, location=LocationFactory.create(name="7 North")).location)


def _only_the_house(user: User, patient: Patient) -> None:
    works_at(user, facility=stay(patient).location.facility)


def _left_the_unit(user: User, patient: Patient) -> None:
    works_at(user, stay(patient).location, since=timezone.now() - 9 * DAY, until=timezone.now() - HOUR)


def _answered(user: User, patient: Patient) -> None:
    Consult.objects.create(
        patient=patient, asked_by=make_user(Role.CLINICIAN), asked_of=user, question="Rash?",
        asked_at=timezone.now() - HOUR, answered_at=timezone.now(),
    )  # fmt: skip


def _appointment_next_month(user: User, patient: Patient) -> None:
    works_at(user, stay(patient, begun=30).location)


def _attended_long_ago(user: User, patient: Patient) -> None:
    stay(patient, begun=-120, ended=-91, attending=user)


def _grant_expired(user: User, patient: Patient) -> None:
    grant(user, patient, hours=-0.001)


def _grant_revoked(user: User, patient: Patient) -> None:
    grant(user, patient, revoked_at=timezone.now(), revoked_by=make_user(Role.RECORDS_SUPERVISOR))


@pytest.mark.parametrize(
    "tie",
    [_team_left, _team_later, _unit_of_ended_stay, _only_the_house, _left_the_unit, _answered,
     _appointment_next_month, _attended_long_ago, _grant_expired, _grant_revoked],
    ids=lambda tie: tie.__name__,
)  # fmt: skip
def test_a_tie_that_is_over_opens_nothing(tie: Callable[[User, Patient], None], clinician: User) -> None:
    patient = PatientFactory.create()
    tie(clinician, patient)
    assert both(clinician, patient).rule == "no care relationship"


def test_a_grant_that_runs_out_between_list_and_open(clinician: User) -> None:
    patient = PatientFactory.create()
    given = grant(clinician, patient)
    shown = access.visible_to(clinician).get()
    PatientGrant.objects.filter(pk=given.pk).update(expires_at=timezone.now() - HOUR)
    with pytest.raises(Denied) as refused:
        access.check_may_open(clinician, shown)
    assert refused.value.code == "chart_denied"


def test_a_records_role_sees_the_charts_of_its_house(clerk: User) -> None:
    north, south = FacilityFactory.create(name="North"), FacilityFactory.create(name="South")
    here = stay(PatientFactory.create(), location=LocationFactory.create(facility=north)).patient
    there = stay(PatientFactory.create(), location=LocationFactory.create(facility=south)).patient
    between = stay(PatientFactory.create(), location=LocationFactory.create(facility=south), ended=-1).patient
    stay(between, location=LocationFactory.create(facility=north, name="ICU"))
    new = PatientFactory.create()
    assert all(both(clerk, patient).allowed for patient in (here, there, between, new))
    works_at(clerk, facility=north)
    assert [both(clerk, patient).allowed for patient in (here, there, between, new)] == [1, 0, 1, 1]
    grant(clerk, there)
    assert both(clerk, there).rule == "grant"


def test_nobody_opens_her_own_chart(clerk: User, compliance: User, clinician: User) -> None:
    for user in (clerk, compliance, clinician):
        patient = PatientFactory.create()
        stay(patient, attending=user)
        assert both(user, patient).allowed
        OwnEntry.objects.create(user=user, patient=patient)
        decision = both(user, patient)
        assert (decision.rule, decision.verdict) == ("own chart", Verdict.DENIED)
        assert both(make_user(Role.RECORDS_CLERK), patient).allowed


@pytest.mark.parametrize("kind", [Restriction.VIP, Restriction.EMPLOYEE, Restriction.FAMILY])
def test_a_restricted_chart_asks_for_a_need(kind: Restriction, clinician: User, clerk: User) -> None:
    patient = stay(PatientFactory.create(), attending=clinician).patient
    named = {"user": clinician} if kind == Restriction.FAMILY else {}
    restriction = restrict(patient, kind, **named)
    decision = both(clinician, patient)
    assert (decision.rule, decision.evidence) == ("restricted chart", kind.value)
    assert both(clerk, patient).allowed == (kind == Restriction.FAMILY)  # it concerns that colleague only
    with pytest.raises(Denied) as refused:
        access.check_may_open(clinician, patient)
    assert refused.value.code == "reason_required"
    need = StatedNeed.objects.create(
        user=clinician, patient=patient, reason="on call", until=timezone.now() + HOUR
    )
    assert both(clinician, patient).rule == "attending"
    assert not both(make_user(Role.CLINICIAN), patient).allowed
    StatedNeed.objects.filter(pk=need.pk).update(since=timezone.now() - DAY, until=timezone.now() - HOUR)
    assert both(clinician, patient).verdict is Verdict.NEEDS_REASON
    ChartRestriction.objects.filter(pk=restriction.pk).update(until=timezone.now())
    assert both(clinician, patient).rule == "attending"


def test_a_need_opens_nothing_to_whom_no_rule_lets_in(clinician: User) -> None:
    patient = PatientFactory.create()
    restrict(patient, Restriction.VIP)
    StatedNeed.objects.create(user=clinician, patient=patient, reason="curious", until=timezone.now() + HOUR)
    assert both(clinician, patient).rule == "no care relationship"


@pytest.mark.parametrize(
    ("role", "opens"),
    [
        (Role.RECORDS_CLERK, False),
        (Role.ROI_SPECIALIST, False),
        (Role.CLINICIAN, False),
        (Role.RECORDS_SUPERVISOR, True),
        (Role.COMPLIANCE_OFFICER, True),
    ],
)
def test_a_legal_restriction_closes_to_all_but_named_roles(role: Role, opens: bool, db: None) -> None:
    user, patient = make_user(role), PatientFactory.create()
    stay(patient, attending=user)
    restrict(patient, Restriction.LEGAL)
    restrict(patient, Restriction.VIP)
    StatedNeed.objects.create(user=user, patient=patient, reason="asked", until=timezone.now() + HOUR)
    decision = both(user, patient)
    assert decision.allowed == opens
    assert opens or decision.rule == "legal restriction"


def test_a_chart_is_closed_to_the_person_the_patient_named(clerk: User) -> None:
    patient = PatientFactory.create()
    restrict(patient, Restriction.PERSON, user=clerk)
    assert both(clerk, patient).rule == "closed to this person"
    assert both(make_user(Role.RECORDS_CLERK), patient).allowed


def test_who_is_refused_is_not_told_of_a_restriction_she_has_no_part_in(clinician: User) -> None:
    patient = PatientFactory.create()
    restrict(patient, Restriction.LEGAL)
    plain = PatientFactory.create()
    assert both(clinician, patient).message == both(clinician, plain).message


# -- rules that raise an error ------------------------------------------------------------------------------


def _broken(user: UUID) -> QuerySet[Any]:
    raise ZeroDivisionError(user)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    registry.forget()


def test_an_opener_that_raises_opens_nothing_and_is_noted(
    monkeypatch: pytest.MonkeyPatch, clinician: User
) -> None:
    mine, other = PatientFactory.create(), PatientFactory.create()
    stay(mine, attending=clinician)
    grant(clinician, other)
    with_broken = tuple(
        registry.Opener("grant", rows=_broken) if opener.name == "grant" else opener
        for opener in rules.OPENERS
    )
    monkeypatch.setattr(rules, "OPENERS", with_broken)
    assert both(clinician, mine).rule == "attending"
    refused = both(clinician, other)
    assert (refused.rule, refused.failed) == ("no care relationship", ("grant",))
    noted = events("access.rule_failed", actor_id=clinician.pk)
    assert {(event.reason, event.outcome) for event in noted} == {("grant", "failed")}


def test_a_closer_that_raises_closes_every_chart(monkeypatch: pytest.MonkeyPatch, clerk: User) -> None:
    patient = PatientFactory.create()
    assert both(clerk, patient).allowed
    monkeypatch.setattr(rules, "CLOSERS", (*rules.CLOSERS, registry.Closer("new", rows=_broken)))
    decision = both(clerk, patient)
    assert (decision.rule, decision.failed) == ("rule failed", ("new",))
    assert not access.visible_to(clerk).exists()
    assert events("access.rule_failed", actor_id=clerk.pk)


def test_a_rule_that_fails_in_the_database_shows_nothing(
    monkeypatch: pytest.MonkeyPatch, clinician: User, django_db_blocker: Any
) -> None:
    from django.db import transaction

    patient = stay(PatientFactory.create(), attending=clinician).patient
    by_zero = registry.Opener(
        "by zero",
        rows=lambda user: Encounter.objects.annotate(bad=Func(Value(0), template="(1 / %(expressions)s)"))
        .filter(bad=1),
    )  # fmt: skip
    monkeypatch.setattr(rules, "OPENERS", (*rules.OPENERS, by_zero))
    with pytest.raises(Denied), transaction.atomic():
        access.check_may_open(clinician, patient)
    with pytest.raises(DatabaseError), transaction.atomic():
        list(access.visible_to(clinician))


def test_words_decide_nothing(monkeypatch: pytest.MonkeyPatch, clinician: User) -> None:
    def raises(user: User, text: str) -> str:
        raise KeyError(text)

    patient = stay(PatientFactory.create(), attending=clinician).patient
    spoken = registry.Opener(
        "spoken", rows=lambda user: Encounter.objects.filter(attending=user), words=raises
    )
    monkeypatch.setattr(rules, "OPENERS", (spoken,))
    assert both(clinician, patient).rule == "spoken"


# -- cost ---------------------------------------------------------------------------------------------------


def test_a_check_is_one_statement_and_a_list_another(clinician: User, django_assert_num_queries: Any) -> None:
    patient = stay(PatientFactory.create(), attending=clinician).patient
    access.decide(clinician, patient)  # her rights are known, and the connection knows the statement
    with django_assert_num_queries(1):
        access.decide(clinician, patient)
    with django_assert_num_queries(1):
        list(access.visible_to(clinician))


def test_whether_somebody_has_many_charts_is_asked_now_and_then(
    clinician: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    patients = [stay(PatientFactory.create(), attending=clinician).patient for _ in range(3)]
    stay(PatientFactory.create())
    monkeypatch.setattr(charts, "MANY", 3)
    monkeypatch.setattr(charts, "_many", {})
    assert clinician.has_perm("patients.view_chart")  # her rights are known
    with django_assert_num_queries(1):
        assert {row.pk for row in access.visible_to(clinician)} == {row.pk for row in patients}
    assert charts._many[clinician.pk][1]
    assert str(access.visible_to(clinician).query).count("case when") == 1
    Encounter.objects.all().delete()
    assert not access.visible_to(clinician).exists(), "what is remembered opens nothing"
    assert charts._many[clinician.pk][1]
    charts._many[clinician.pk] = (0.0, True)
    assert not access.visible_to(clinician).exists()
    assert not charts._many[clinician.pk][1]


def test_open_charts_are_counted_up_to_a_number(clinician: User, clerk: User, administrator: User) -> None:
    for _ in range(3):
        patient = stay(PatientFactory.create(), attending=clinician).patient
        grant(clinician, patient)
    restrict(patient, Restriction.LEGAL)
    assert access.count_open(clinician, 10) == 2
    assert access.count_open(clinician, 1) == 1
    assert access.count_open(clerk, 10) == Patient.objects.count() - 1
    assert access.count_open(administrator, 10) == 0
