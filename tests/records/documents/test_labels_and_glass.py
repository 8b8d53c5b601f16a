"""What a broken glass opens of labelled documents: Part 2 records, in a medical emergency only, and nothing else."""

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit.services import record
from common.clock import database_now
from patients.models import GlassReason, Patient
from patients.services import end_glass
from records.documents import services
from records.documents.models import Label
from tests.factories import PatientFactory, make_user
from tests.patients.test_glass import broken
from tests.records.documents.test_labels import answer, labelled
from tests.support import events


@pytest.fixture
def chart(db: None) -> Patient:
    """Somebody in nobody's care."""
    return PatientFactory.create()


@pytest.mark.parametrize("code", GlassReason.values)
def test_part_2_opens_in_a_medical_emergency_alone(clinician: User, chart: Patient, code: str) -> None:
    """P2-08, 42 CFR 2.51(a)."""
    document = labelled(chart, Label.PART2)
    broken(clinician, chart, code)
    assert answer(clinician, document) == ("shown" if code == GlassReason.EMERGENCY else "hidden")


def test_each_look_at_it_says_so(clinician: User, chart: Patient) -> None:
    document = labelled(chart, Label.PART2)
    broken(clinician, chart)
    services.open_document(by=clinician, document_id=document.pk)
    [event] = events("document.viewed", about=document, actor=clinician.username)
    assert event.reason.startswith("broken glass: Emergency treatment: ")
    assert event.reason.endswith("labels part2, medical emergency (42 CFR 2.51)")


def test_it_closes_with_the_glass(clinician: User, chart: Patient) -> None:
    document = labelled(chart, Label.PART2)
    glass = broken(clinician, chart)
    end_glass(by=clinician, glass_id=glass.pk)
    assert answer(clinician, document) == "chart_denied"


def test_when_the_time_is_over_it_is_closed(clinician: User, chart: Patient) -> None:
    document = labelled(chart, Label.PART2)
    glass = broken(clinician, chart)
    with transaction.atomic():
        glass.opened_at = database_now() - timedelta(hours=4)
        glass.expires_at = database_now() - timedelta(microseconds=1)
        glass.save()
        record("glass.seen", by=clinician, patient=chart.pk, about=glass)
    assert answer(clinician, document) == "chart_denied"


def test_a_drill_opens_none(clinician: User, chart: Patient) -> None:
    document = labelled(chart, Label.PART2)
    broken(clinician, chart, "consult")
    broken(clinician, chart, "emergency", is_drill=True)
    assert answer(clinician, document) == "hidden"


def test_a_colleague_s_glass_opens_none_for_me(clinician: User, chart: Patient) -> None:
    document = labelled(chart, Label.PART2)
    broken(make_user(Role.CLINICIAN), chart)
    broken(clinician, chart, "consult")
    assert answer(clinician, document) == "hidden"


@pytest.mark.parametrize(
    "labels", [(Label.PSYCHOTHERAPY,), (Label.PSYCHOTHERAPY, Label.PART2), (Label.EMPLOYEE,)]
)
def test_other_labels_stay_closed(clinician: User, chart: Patient, labels: tuple[str, ...]) -> None:
    """PSY-01, 45 CFR 164.508(a)(2): no emergency opens a colleague's psychotherapy note."""
    document = labelled(chart, *labels)
    broken(clinician, chart)
    assert answer(clinician, document) == "hidden"


def test_what_the_role_may_ask_for_is_still_asked_for(clinician: User, chart: Patient) -> None:
    document = labelled(chart, Label.VIP)
    broken(clinician, chart)
    assert answer(clinician, document) == "reason"
