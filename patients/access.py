"""Who may open which chart: one rule, asked as a question about one chart and as a filter on many.

Whose work is the whole record sees all charts; a clinician sees the charts of patients she attends or attended
(issue B widens the care relationship and adds the glass); the administrator sees none.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from common.errors import Denied, NotFound
from common.ids import as_uuid
from patients.models import Encounter, Patient

# Why a list or search over many charts was allowed: `visible_to` chose its rows.
OPEN_CHARTS = "charts open to this role"


@dataclass(frozen=True)
class Decision:
    """An allowed look: the rule that allowed it and its evidence, in words for the log."""

    rule: str
    evidence: str = ""

    def __str__(self) -> str:
        return f"{self.rule}: {self.evidence}" if self.evidence else self.rule


def visible_to(user: User) -> QuerySet[Patient]:
    """The patients whose charts `user` may open; exactly those that `check_may_open` allows."""
    if not user.has_perm("patients.view_chart"):
        return Patient.objects.none()
    if user.has_perm("patients.open_every_chart"):
        return Patient.objects.all()
    care = Encounter.objects.filter(patient=OuterRef("pk"), attending=user)
    return Patient.objects.filter(Exists(care))


def check_may_open(user: User, patient: Patient) -> Decision:
    """Why `user` may open this chart. Raises Denied with `role` or `chart_denied`."""
    if not user.has_perm("patients.view_chart"):
        raise Denied("Your role does not open charts.", code="role", rule="role")
    if user.has_perm("patients.open_every_chart"):
        return Decision("records role", ", ".join(user.role_labels))
    number = (
        Encounter.objects.filter(patient=patient, attending=user)
        .order_by("-started_at")
        .values_list("number", flat=True)
        .first()
    )
    if number:
        return Decision("attending", f"encounter {number}")
    raise Denied(
        "This chart is outside your care. If you need it, ask the records department.",
        code="chart_denied",
        patient_id=patient.pk,
        about=patient,
        rule="no care relationship",
    )


def check_may_search(user: User) -> None:
    """Whoever opens charts may look for them."""
    if not user.has_perm("patients.search_patients"):
        raise Denied("Your role does not search for patients.", rule="role")


def check_may_register(user: User) -> None:
    """Clerks and supervisors register."""
    if not user.has_perm("patients.register_patient"):
        raise Denied("Your role does not register patients.", rule="role")


def check_may_edit(user: User, patient: Patient) -> None:
    """Clerks and supervisors correct an identity they may see."""
    if not user.has_perm("patients.edit_patient"):
        raise Denied("Your role does not change patients.", patient_id=patient.pk, about=patient, rule="role")
    check_may_open(user, patient)


def check_may_edit_encounters(user: User, patient: Patient) -> None:
    """Clerks and supervisors open and change encounters."""
    if not user.has_perm("patients.edit_encounter"):
        raise Denied(
            "Your role does not change encounters.", patient_id=patient.pk, about=patient, rule="role"
        )
    check_may_open(user, patient)


def get_for(user: User, patient_id: Any, *, lock: bool = False) -> tuple[Patient, Decision]:
    """The chart's patient and why it may be opened.

    Raises Denied (`role`) before anything is looked up, NotFound, or Denied (`chart_denied`): ids cannot be
    guessed, and a clinician must learn that a chart exists in order to ask for it.
    """
    if not user.has_perm("patients.view_chart"):
        raise Denied("Your role does not open charts.", code="role", rule="role")
    key = patient_id if isinstance(patient_id, UUID) else as_uuid(patient_id)
    rows = Patient.objects.select_for_update(of=("self",)) if lock else Patient.objects.all()
    patient = rows.filter(pk=key).first() if key else None
    if patient is None:
        raise NotFound
    return patient, check_may_open(user, patient)


def get_survivor_for(user: User, patient_id: Any) -> tuple[Patient, Decision]:
    """As get_for, of the entry that stands for this one now: a merged id answers with the survivor."""
    if not user.has_perm("patients.view_chart"):
        raise Denied("Your role does not open charts.", code="role", rule="role")
    key = patient_id if isinstance(patient_id, UUID) else as_uuid(patient_id)
    patient = Patient.objects.filter(pk=key).first() if key else None
    while patient is not None and patient.merged_into_id is not None:
        patient = Patient.objects.filter(pk=patient.merged_into_id).first()
    if patient is None:
        raise NotFound
    return patient, check_may_open(user, patient)


def get_encounter_for(user: User, encounter_id: Any, *, lock: bool = False) -> tuple[Encounter, Decision]:
    """An encounter of a chart that may be opened, and why. Raises Denied, NotFound as get_for does."""
    if not user.has_perm("patients.view_chart"):
        raise Denied("Your role does not open charts.", code="role", rule="role")
    key = encounter_id if isinstance(encounter_id, UUID) else as_uuid(encounter_id)
    rows = Encounter.objects.select_related("patient", "location__facility", "attending")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    encounter = rows.filter(pk=key).first() if key else None
    if encounter is None:
        raise NotFound
    return encounter, check_may_open(user, encounter.patient)


def allows(check: Any, *args: Any) -> bool:
    """The same rule as true or false, for buttons."""
    try:
        check(*args)
    except (Denied, NotFound):
        return False
    return True
