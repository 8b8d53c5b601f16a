"""Alerts of the watch: who sees them, who decides them, and what the table itself refuses."""

from datetime import date
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.explaining import Verdict
from audit.review import access, services
from audit.review.models import Alert, AlertState, DecoyChart
from audit.services import record
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from patients.models import Patient
from tests.audit.watch.making import MONDAY, alert_of, looked
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.support import events


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


@pytest.fixture
def snoop(db: None) -> User:
    return make_user(Role.RECORDS_CLERK, name="Nosy Parker")


@pytest.fixture
def alert(snoop: User, chart: Patient) -> Alert:
    return alert_of(snoop, chart, events=[looked(snoop, chart), looked(snoop, chart)])


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.COMPLIANCE_OFFICER, Role.SERVICE}))
def test_only_the_compliance_office_works_alerts(role: Role, alert: Alert) -> None:
    user = make_user(role)
    assert not access.alerts_visible_to(user).exists()
    for verb in (
        lambda: services.list_alerts(by=user, rows=[alert]),
        lambda: services.open_alert(by=user, alert_id=alert.pk),
        lambda: services.set_aside_alert(by=user, alert_id=alert.pk, note="known"),
        lambda: services.take_into_case(by=user, alert=alert),
    ):
        with pytest.raises(Denied):
            verb()


def test_an_alert_opens_with_its_accesses_and_what_explains_them(
    alert: Alert, compliance: User, chart: Patient
) -> None:
    """MON-3."""
    seen = services.open_alert(by=compliance, alert_id=alert.pk)
    assert [event.pk for event in seen.events] == alert.event_ids
    assert not seen.explanations
    assert seen.patients[chart.pk].family == "Quillfeather"
    assert events("watch.alert_viewed", about=alert)[0].patient_id == chart.pk


def test_what_is_known_now_explains_it(compliance: User, chart: Patient) -> None:
    """MON-1: she was the attending, as the encounter says that was entered late."""
    doctor = make_user(Role.CLINICIAN)
    found = alert_of(doctor, chart, events=[looked(doctor, chart)])
    EncounterFactory.create(patient=chart, attending=doctor)
    seen = services.open_alert(by=compliance, alert_id=found.pk)
    [[explanation]] = seen.explanations.values()
    assert explanation.kind == "attending"
    assert explanation.verdict == Verdict.EXPLAINED


def test_an_alert_without_a_chart_opens_with_all_its_charts(compliance: User, snoop: User) -> None:
    charts = PatientFactory.create_batch(3)
    found = alert_of(snoop, None, events=[looked(snoop, chart) for chart in charts])
    seen = services.open_alert(by=compliance, alert_id=found.pk)
    assert set(seen.patients) == {chart.pk for chart in charts}
    assert set(events("watch.alert_viewed", about=found)[0].patient_ids or []) == set(seen.patients)


def test_a_list_is_one_event_with_the_ids_it_showed(alert: Alert, compliance: User, chart: Patient) -> None:
    named = services.list_alerts(by=compliance, rows=[alert], week_on=MONDAY)
    assert set(named) == {chart.pk}
    [event] = events("watch.alerts_listed")
    assert event.patient_ids == [chart.pk]


def test_setting_aside_needs_a_sentence(alert: Alert, compliance: User) -> None:
    with pytest.raises(RuleBroken) as refused:
        services.set_aside_alert(by=compliance, alert_id=alert.pk, note="  ")
    assert refused.value.code == "note_required"
    alert.refresh_from_db()
    assert alert.state == AlertState.NEW


def test_set_aside_it_stays_and_is_decided_once(alert: Alert, compliance: User) -> None:
    services.set_aside_alert(by=compliance, alert_id=alert.pk, note="Asked by the ward, letter on file")
    alert.refresh_from_db()
    assert (alert.state, alert.decided_by) == (AlertState.SET_ASIDE, compliance)
    [event] = events("watch.alert_set_aside", about=alert)
    assert event.reason == "Asked by the ward, letter on file"
    with pytest.raises(WrongMove):
        services.set_aside_alert(by=compliance, alert_id=alert.pk, note="again")
    with pytest.raises(WrongMove):
        services.take_into_case(by=compliance, alert=alert)


def test_taken_into_a_case(alert: Alert, compliance: User) -> None:
    services.take_into_case(by=compliance, alert=alert)
    alert.refresh_from_db()
    assert (alert.state, alert.decided_by) == (AlertState.IN_CASE, compliance)
    assert events("watch.alert_taken", about=alert)


def test_nobody_sees_or_decides_an_alert_about_herself(chart: Patient, compliance: User) -> None:
    """MON-5."""
    own = alert_of(compliance, chart)
    assert not access.alerts_visible_to(compliance).exists()
    with pytest.raises(NotFound):
        services.open_alert(by=compliance, alert_id=own.pk)
    with pytest.raises(NotFound):
        services.set_aside_alert(by=compliance, alert_id=own.pk, note="it was nothing")
    with pytest.raises(NotFound):
        services.take_into_case(by=compliance, alert=own)
    with pytest.raises(Denied):
        access.check_may_decide_alert(compliance, own)
    other = make_user(Role.COMPLIANCE_OFFICER)
    services.set_aside_alert(by=other, alert_id=own.pk, note="It was the review of a complaint")


def _kept(by: User, alert: Alert, **fields: Any) -> None:
    with transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(**fields)
        record("watch.alert_set_aside", by=by, patient=alert.patient_id, about=alert)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"state": "set_aside", "note": "so"}, "alert_is_decided_by_somebody_at_some_time"),
        ({"decided_at": timezone.now()}, "alert_is_decided_by_somebody_at_some_time"),
        ({"week_on": date(2026, 11, 17)}, "alert_is_of_a_monday"),
    ],
)
def test_the_table_refuses(fields: dict[str, Any], constraint: str, alert: Alert, compliance: User) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        _kept(compliance, alert, **fields)


def test_the_table_refuses_a_decision_about_oneself(alert: Alert, snoop: User, compliance: User) -> None:
    """MON-5, whatever the code above it does."""
    done = {"state": "set_aside", "note": "so", "decided_at": timezone.now()}
    with pytest.raises(IntegrityError, match="alert_is_not_decided_by_its_subject"):
        _kept(snoop, alert, decided_by=snoop, **done)
    _kept(compliance, alert, decided_by=compliance, **done)


def test_the_table_refuses_setting_aside_without_a_word(alert: Alert, compliance: User) -> None:
    with pytest.raises(IntegrityError, match="alert_is_set_aside_with_a_note"):
        _kept(compliance, alert, decided_by=compliance, decided_at=timezone.now(), state="set_aside")


@pytest.mark.parametrize("with_chart", [True, False])
def test_there_is_one_alert_a_person_chart_and_week(snoop: User, chart: Patient, with_chart: bool) -> None:
    patient = chart if with_chart else None
    alert_of(snoop, patient)
    with pytest.raises(IntegrityError, match="alert_once_a_person"):
        alert_of(snoop, patient)


def test_an_alert_is_never_deleted(alert: Alert) -> None:
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Alert.objects.filter(pk=alert.pk).delete()


def test_a_chart_is_marked_as_decoy_once(chart: Patient, compliance: User) -> None:
    def mark() -> None:
        with transaction.atomic():
            DecoyChart.objects.create(patient=chart, why="nobody's", marked_by=compliance)
            record("watch.decoy_marked", by=compliance, patient=chart.pk)

    mark()
    with pytest.raises(IntegrityError, match="decoy_marked_once"):
        mark()
