"""The glass with real commits: two at once, and what the database says of changes without an event."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.models import HouseEmergency, User
from accounts.roles import Role
from audit.review.models import GlassReview
from audit.review.services import decide_review, tell_overdue
from audit.services import record
from common.clock import database_now
from patients import access, services
from patients.models import GlassBreak, Patient
from tests.accounts.softkey import code_of
from tests.factories import PatientFactory, make_user
from tests.patients.test_glass import WHY, ran_out
from tests.support import events
from tests.threads import signed_in, together

pytestmark = pytest.mark.committed


def _break(user: User, patient: Patient, **more: Any) -> GlassBreak:
    return services.break_glass(by=user, patient_id=patient.pk, reason_code="covering", reason=WHY, **more)


def test_two_tabs_at_the_same_moment_break_one_glass(committed: None) -> None:
    user, patient = make_user(Role.CLINICIAN, username="glass.two"), PatientFactory.create()
    first, second = together(lambda number: _break(user, patient))
    assert isinstance(first, GlassBreak)
    assert first.pk == second.pk
    assert len(events("glass.broken", patient_id=patient.pk)) == 1
    assert GlassReview.objects.filter(patient=patient).count() == 1


def test_two_tabs_over_one_that_has_run_out_break_one_more(committed: None) -> None:
    user, patient = make_user(Role.CLINICIAN, username="glass.again"), PatientFactory.create()
    old = ran_out(user, patient)
    first, second = together(lambda number: _break(user, patient))
    assert first.pk == second.pk != old.pk
    assert len(events("glass.expired", about=old)) == 1


def test_ended_by_her_and_by_the_office_at_once_it_has_one_end(committed: None) -> None:
    user = make_user(Role.CLINICIAN, username="glass.end")
    people = [user, make_user(Role.COMPLIANCE_OFFICER, username="glass.office")]
    glass = _break(user, PatientFactory.create())
    together(lambda number: services.end_glass(by=people[number], glass_id=glass.pk))
    assert len(events("glass.ended", about=glass)) == 1


def test_the_jobs_write_with_their_events(committed: None) -> None:
    user = make_user(Role.CLINICIAN, username="glass.clock")
    office = make_user(Role.COMPLIANCE_OFFICER, username="glass.reviewer")
    glass = ran_out(user, PatientFactory.create())
    drill = _break(user, PatientFactory.create(), is_drill=True)
    services.write_off_run_out()
    assert len(events("glass.expired", about=glass)) == 1
    review = GlassReview.objects.get(glass=drill)
    with transaction.atomic():
        review.due_on = timezone.localdate() - timedelta(days=3)
        review.save()
        record("review.glass_viewed", by=office, patient=review.patient_id, about=review)
    tell_overdue()
    assert len(events("review.glass_overdue", about=review)) == 1
    decide_review(by=office, review_id=review.pk, outcome="violation", note="An exercise.")
    assert len(events("review.glass_decided", about=review)) == 1


def test_two_confirm_one_emergency_and_it_ends(committed: None) -> None:
    first = make_user(Role.RECORDS_SUPERVISOR, username="emergency.first")
    others = [make_user(Role.ADMINISTRATOR, username=f"emergency.{number}") for number in range(2)]
    emergency = accounts.declare_emergency(by=first, reason=WHY, roles=[Role.CLINICIAN], hours=1)
    try:
        results = together(
            lambda number: accounts.confirm_emergency(by=others[number], emergency_id=emergency.pk)
        )
        assert sorted(type(result).__name__ for result in results) == ["HouseEmergency", "WrongMove"]
        assert GlassReview.objects.filter(emergency=emergency).count() == 1
        user, patient = make_user(Role.CLINICIAN, username="emergency.user"), PatientFactory.create()
        assert access.decide(user, patient).rule == "house emergency"
    finally:
        accounts.end_emergency(by=first, emergency_id=emergency.pk)
    assert not access.decide(User.objects.get(pk=user.pk), patient).allowed


def test_the_clock_ends_an_emergency_with_its_event(committed: None) -> None:
    first = make_user(Role.RECORDS_SUPERVISOR, username="emergency.clock")
    second = make_user(Role.ADMINISTRATOR, username="emergency.clock2")
    emergency = accounts.declare_emergency(
        by=first, reason=WHY, roles=[Role.CLINICIAN], hours=1, is_drill=True
    )
    accounts.confirm_emergency(by=second, emergency_id=emergency.pk)
    now = database_now()
    with transaction.atomic():
        times = {"confirmed_at": now - timedelta(hours=1), "expires_at": now - timedelta(seconds=1)}
        HouseEmergency.objects.filter(pk=emergency.pk).update(**times)
        record("emergency.confirmed", by=first, about=emergency)
    accounts.write_off_emergencies()
    assert len(events("emergency.expired", about=emergency)) == 1


def test_a_code_says_who_she_is_before_the_glass(committed: None) -> None:
    """What takes the code changes a row, which the database lets through with its event only."""
    user = make_user(Role.CLINICIAN, username="glass.code")
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    accounts.add_app(by=user, secret=secret, code=code_of(secret))
    client: Client = signed_in(user)
    answer = client.post("/confirm/", {"code": code_of(secret, steps=1), "next": "/account/"})
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert len(events("user.confirmed", about=user)) == 1
