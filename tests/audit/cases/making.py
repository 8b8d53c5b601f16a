"""Cases, and events to freeze in them."""

from datetime import date
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.review.models import Case
from audit.review.services import cases, deciding
from audit.services import record
from patients.models import Patient
from tests.audit.proof.waiting import seal_everything
from tests.factories import PatientFactory, make_user

NASTY = (
    '<script>alert(1)</script> =cmd|"/C calc"! \N{RIGHT-TO-LEFT OVERRIDE}evil\n\n&amp; é \N{GRINNING FACE}'
)
FACTORS = {
    "factor_information": "name and one lab value",
    "factor_person": "a nurse of the next ward, bound to secrecy",
    "factor_viewed": "viewed for nine seconds, see the evidence",
    "factor_mitigated": "she signed that she told nobody",
}


def officer(**fields: Any) -> User:
    """Another compliance officer."""
    return make_user(Role.COMPLIANCE_OFFICER, **fields)


def complaint(by: User, subject: User | None = None, *patients: Patient, **more: Any) -> Case:
    """A case from a complaint."""
    given = {"source": "patient", "summary": "My neighbour works there and knew of my visit.", **more}
    return cases.open_case(by=by, subject=subject, patients=patients or [PatientFactory.create()], **given)


def breach(by: User, subject: User, *patients: Patient, discovered_on: date | None = None) -> Case:
    """One that was decided to be a breach."""
    case = complaint(by, subject, *patients, discovered_on=discovered_on)
    return deciding.decide_case(by=by, case_id=case.pk, outcome="breach", conclusion="He sold what he read.")


def looks(actor: User, patient: Patient, count: int = 3, reason: str = "records role: clerk") -> list[int]:
    """Committed and sealed events of somebody opening a chart; their ids."""
    for _ in range(count):
        with transaction.atomic():
            record("patient.viewed", by=actor, patient=patient.pk, about=patient, reason=reason)
    seal_everything()
    rows = Event.objects.filter(actor_id=actor.pk, event="patient.viewed", patient_id=patient.pk)
    return list(rows.order_by("-id").values_list("id", flat=True)[:count])
