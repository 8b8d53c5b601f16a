"""Compliance officers open charts too: a review in hand explains it, their role does not (MON-1)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import HouseEmergency, User
from accounts.roles import Role
from audit.explaining import Access, explain
from audit.models import Event
from audit.review import services
from audit.review.models import CasePatient, GlassReview
from audit.review.services import deciding, reviewing
from audit.services import record
from patients.models import Patient
from tests.audit.cases.making import complaint
from tests.factories import PatientFactory, make_user
from tests.patients.test_glass import broken

HOUR = timedelta(hours=1)
LEAST = timedelta(microseconds=1)
OFFICER = ("compliance_officer",)


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create()


def kinds(by: User, chart: Patient, at: datetime, **fields: Any) -> list[str]:
    return [
        one.kind for one in explain([Access(1, at, "patient.viewed", by.pk, chart.pk, **fields)]).get(1, [])
    ]


def test_a_review_of_broken_glass_explains_its_chart_until_it_is_decided(
    clinician: User, compliance: User, clerk: User, chart: Patient
) -> None:
    review = GlassReview.objects.get(glass=broken(clinician, chart))
    begun = review.created_at
    assert kinds(compliance, chart, begun, roles=OFFICER) == ["glass_review"]
    assert kinds(compliance, chart, begun - LEAST, roles=OFFICER) == []
    assert kinds(compliance, chart, begun) == []  # by the roles of that time
    assert kinds(clerk, chart, begun, roles=("records_clerk",)) == []
    assert kinds(compliance, PatientFactory.create(), begun, roles=OFFICER) == []
    assert "glass_review" not in kinds(clinician, chart, begun, roles=OFFICER)  # whose glass it was
    services.decide_review(by=compliance, review_id=review.pk, outcome="appropriate", note="")
    review.refresh_from_db()
    assert review.decided_at is not None
    assert kinds(compliance, chart, review.decided_at + HOUR - LEAST, roles=OFFICER) == ["glass_review"]
    assert kinds(compliance, chart, review.decided_at + HOUR, roles=OFFICER) == []


def test_a_review_of_a_house_emergency_explains_the_charts_that_it_opened(
    clinician: User, compliance: User, supervisor: User, administrator: User, chart: Patient
) -> None:
    with transaction.atomic():
        emergency = HouseEmergency.objects.create(
            reason="flood",
            hours=4,
            declared_by=supervisor,
            confirmed_by=administrator,
            confirmed_at=timezone.now() - HOUR,
            expires_at=timezone.now() + HOUR,
        )
        reviewing.make_review_of_emergency(emergency)
    other = PatientFactory.create()
    record("patient.viewed", by=clinician, patient=chart.pk, reason=f"house emergency: {emergency.pk}")
    record("patient.viewed", by=clinician, patient=other.pk, reason="attending: encounter 1")
    opened = Event.objects.get(event="patient.viewed", patient_id=chart.pk).at
    assert kinds(compliance, chart, opened, roles=OFFICER) == ["glass_review"]
    assert kinds(compliance, chart, opened - LEAST, roles=OFFICER) == []
    assert kinds(compliance, other, opened + HOUR, roles=OFFICER) == []
    assert kinds(supervisor, chart, opened, roles=OFFICER) == []  # who declared it


def test_a_case_in_hand_explains_its_charts_until_it_is_closed(
    clinician: User, compliance: User, clerk: User, chart: Patient
) -> None:
    case = complaint(compliance, clinician, chart)
    begun = CasePatient.objects.get(case=case).created_at
    (one,) = explain([Access(1, begun, "patient.viewed", compliance.pk, chart.pk, roles=OFFICER)])[1]
    assert (one.kind, one.words) == ("case", f"case {case.number} in hand")
    assert one.evidence == f"review.case:{case.pk}"
    assert kinds(compliance, chart, begun - LEAST, roles=OFFICER) == []
    assert kinds(compliance, chart, begun) == []  # by the roles of that time
    assert kinds(clerk, chart, begun, roles=("records_clerk",)) == []
    assert kinds(clinician, chart, begun, roles=OFFICER) == []  # whom it is about
    assert kinds(compliance, PatientFactory.create(), begun, roles=OFFICER) == []
    closed = deciding.decide_case(
        by=compliance, case_id=case.pk, outcome="appropriate", conclusion="She was on call."
    )
    assert closed.closed_at is not None
    assert kinds(compliance, chart, closed.closed_at + HOUR - LEAST, roles=OFFICER) == ["case"]
    assert kinds(compliance, chart, closed.closed_at + HOUR, roles=OFFICER) == []


def test_the_office_s_role_alone_explains_nothing(compliance: User, chart: Patient) -> None:
    assert kinds(compliance, chart, timezone.now(), roles=OFFICER) == []
    assert kinds(make_user(Role.COMPLIANCE_OFFICER), chart, timezone.now(), roles=OFFICER) == []
