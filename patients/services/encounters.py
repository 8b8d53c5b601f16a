"""Encounters: opened on admission, closed on discharge."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.services import record
from common.errors import NotFound, RuleBroken, Stale, WrongMove
from common.ids import as_uuid
from patients import access
from patients.models import Encounter, EncounterKind, Location, Patient


def _next_number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select nextval('patients_encounter_number')")
        return f"E-{int(cursor.fetchone()[0]):07d}"


def _check(patient: Patient, attending: User, started_at: datetime, ended_at: datetime | None) -> None:
    if not attending.has_role(Role.CLINICIAN):
        raise RuleBroken("attending", "The attending must be an active clinician.", field="attending")
    if started_at > timezone.now() and ended_at:
        raise RuleBroken("ended_at", "A stay that has not begun cannot have ended.", field="ended_at")
    if ended_at and ended_at < started_at:
        raise RuleBroken("ended_at", "The end lies before the start.", field="ended_at")
    if timezone.localdate(started_at) < patient.birth_date:
        raise RuleBroken("started_at", "The start lies before the patient's birth.", field="started_at")


@transaction.atomic
def open_encounter(
    *,
    by: User,
    patient_id: Any,
    kind: str,
    location: Location,
    attending: User,
    started_at: datetime,
    ended_at: datetime | None = None,
    number: str = "",
) -> Encounter:
    """Add a visit or stay. Raises NotFound, Denied, RuleBroken."""
    patient, decision = access.get_for(by, patient_id, lock=True)
    access.check_may_edit_encounters(by, patient)
    _check(patient, attending, started_at, ended_at)
    if number and Encounter.objects.filter(number=number).exists():
        raise RuleBroken("number", "Another encounter has this number.", field="number")
    encounter = Encounter.objects.create(
        patient=patient,
        number=number or _next_number(),
        kind=EncounterKind(kind),
        location=location,
        attending=attending,
        started_at=started_at,
        ended_at=ended_at,
    )
    record("encounter.opened", by=by, patient=patient.pk, about=encounter, reason=str(decision))
    return encounter


def _locked(by: User, encounter_id: Any, seen_version: int | None) -> tuple[Encounter, access.Decision]:
    key = as_uuid(encounter_id)
    if key is None:
        raise NotFound
    encounter = (
        Encounter.objects.select_for_update(of=("self",)).select_related("patient").filter(pk=key).first()
    )
    if encounter is None:
        raise NotFound
    decision = access.check_may_open(by, encounter.patient)
    access.check_may_edit_encounters(by, encounter.patient)
    if seen_version is not None and encounter.version != seen_version:
        raise Stale(
            "Somebody else changed this encounter while you were typing. Your entries are kept below."
        )
    encounter.version += 1
    return encounter, decision


@transaction.atomic
def update_encounter(
    *, by: User, encounter_id: Any, seen_version: int | None = None, **changes: Any
) -> Encounter:
    """Change kind, location, attending, started_at or ended_at. Raises NotFound, Denied, Stale, RuleBroken."""
    encounter, decision = _locked(by, encounter_id, seen_version)
    for field in ("kind", "location", "attending", "started_at", "ended_at"):
        if field in changes:
            setattr(encounter, field, changes[field])
    _check(encounter.patient, encounter.attending, encounter.started_at, encounter.ended_at)
    encounter.save()
    record("encounter.updated", by=by, patient=encounter.patient_id, about=encounter, reason=str(decision))
    return encounter


@transaction.atomic
def close_encounter(*, by: User, encounter_id: Any, ended_at: datetime | None = None) -> Encounter:
    """Discharge. Raises NotFound, Denied, WrongMove when it is closed already, RuleBroken."""
    encounter, decision = _locked(by, encounter_id, None)
    if not encounter.is_open:
        raise WrongMove("This encounter is closed already.")
    encounter.ended_at = ended_at or timezone.now()
    _check(encounter.patient, encounter.attending, encounter.started_at, encounter.ended_at)
    encounter.save()
    record("encounter.closed", by=by, patient=encounter.patient_id, about=encounter, reason=str(decision))
    return encounter


@transaction.atomic
def list_encounters(*, by: User, patient_id: Any) -> tuple[Patient, list[Encounter]]:
    """A chart's encounters, newest first; the look is an event. Raises NotFound, Denied."""
    patient, decision = access.get_for(by, patient_id)
    rows = patient.encounters.select_related("location", "attending").order_by("-started_at", "-pk")
    encounters = list(rows[:500])
    record("encounter.listed", by=by, patient=patient.pk, about=patient, reason=str(decision))
    return patient, encounters
