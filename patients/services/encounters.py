"""Encounters: opened on admission, closed on discharge."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import RuleBroken, Stale, WrongMove
from patients import access
from patients.models import Encounter, EncounterKind, Facility, Location, Patient
from patients.services.parts import fitted

HOME_FACILITY = "Main hospital"  # where locations go that name no facility, until there is another one
FIELDS = ("kind", "location", "attending", "started_at", "ended_at")


def _next_number() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select nextval('patients_encounter_number')")
        return f"E-{int(cursor.fetchone()[0]):07d}"


def attending_named(username: str) -> User:
    """The clinician of this user name. Raises RuleBroken: what another system sends may be anything."""
    user = User.objects.prefetch_related("groups").filter(username__iexact=username.strip()).first()
    if user is None:
        raise RuleBroken("attending", "There is no user of this name.", field="attending")
    return user


def location_named(name: str, facility: str = "") -> Location:
    """The ward or clinic of this name, added when it is new; without a facility, the first one there is.

    Must run inside the transaction of the verb that uses it.
    """
    name, facility = fitted(name, 80, "location"), fitted(facility, 120, "facility")
    if not name:
        raise RuleBroken("location", "Say where the patient is.", field="location")
    if facility:
        house, _ = Facility.objects.get_or_create(name=facility)
    else:
        known = Location.objects.filter(name__iexact=name).select_related("facility").order_by("pk").first()
        if known is not None:
            return known
        house = Facility.objects.order_by("created_at", "pk").first() or Facility.objects.create(
            name=HOME_FACILITY
        )
    known = Location.objects.filter(facility=house, name__iexact=name).first()
    return known or Location.objects.get_or_create(facility=house, name=name)[0]


def _check_attending(attending: User) -> None:
    if not attending.has_perm("patients.attend_patients"):
        raise RuleBroken("attending", "The attending must be an active clinician.", field="attending")


def _check_times(patient: Patient, started_at: datetime, ended_at: datetime | None) -> None:
    if started_at > timezone.now() and ended_at:
        raise RuleBroken("ended_at", "A stay that has not begun cannot have ended.", field="ended_at")
    if ended_at and ended_at < started_at:
        raise RuleBroken("ended_at", "The end lies before the start.", field="ended_at")
    if patient.birth_date and timezone.localdate(started_at) < patient.birth_date:
        raise RuleBroken("started_at", "The start lies before the patient's birth.", field="started_at")


@transaction.atomic
def open_encounter(
    *,
    by: User,
    patient_id: Any,
    kind: str,
    location: Location | str,
    attending: User | str,
    started_at: datetime,
    ended_at: datetime | None = None,
    number: str = "",
    facility: str = "",
) -> Encounter:
    """Add a visit or stay; location and attending may be given by name. Raises NotFound, Denied, RuleBroken."""
    patient, decision = access.get_for(by, patient_id, lock=True)
    access.check_may_edit_encounters(by, patient)
    attending = attending_named(attending) if isinstance(attending, str) else attending
    location = location_named(location, facility) if isinstance(location, str) else location
    _check_attending(attending)
    _check_times(patient, started_at, ended_at)
    number = fitted(number, 30, "number") or _next_number()
    try:
        with transaction.atomic():
            encounter = Encounter.objects.create(
                patient=patient,
                number=number,
                kind=EncounterKind(kind),
                location=location,
                attending=attending,
                started_at=started_at,
                ended_at=ended_at,
            )
    except IntegrityError:
        raise RuleBroken("number", "Another encounter has this number.", field="number") from None
    record("encounter.opened", by=by, patient=patient.pk, about=encounter, reason=str(decision))
    return encounter


def _locked(by: User, encounter_id: Any, seen_version: int | None) -> tuple[Encounter, access.Decision]:
    encounter, decision = access.get_encounter_for(by, encounter_id, lock=True)
    access.check_may_edit_encounters(by, encounter.patient)
    if seen_version is not None and encounter.version != seen_version:
        raise Stale(
            "Somebody else changed this encounter while you were typing. Your entries are kept below."
        )
    encounter.version += 1
    return encounter, decision


@transaction.atomic
def update_encounter(
    *, by: User, encounter_id: Any, seen_version: int | None = None, facility: str = "", **changes: Any
) -> Encounter:
    """Change kind, location, attending, started_at or ended_at. Raises NotFound, Denied, Stale, RuleBroken."""
    encounter, decision = _locked(by, encounter_id, seen_version)
    if isinstance(changes.get("attending"), str):
        changes["attending"] = attending_named(changes["attending"])
    if isinstance(changes.get("location"), str):
        changes["location"] = location_named(changes["location"], facility)
    if "attending" in changes and changes["attending"].pk != encounter.attending_id:
        # Somebody who left meanwhile stays the attending of an old stay; a newly named one must be a clinician.
        _check_attending(changes["attending"])
    for field in FIELDS:
        if field in changes:
            setattr(encounter, field, changes[field])
    _check_times(encounter.patient, encounter.started_at, encounter.ended_at)
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
    _check_times(encounter.patient, encounter.started_at, encounter.ended_at)
    encounter.save()
    record("encounter.closed", by=by, patient=encounter.patient_id, about=encounter, reason=str(decision))
    return encounter


@transaction.atomic
def list_encounters(*, by: User, patient_id: Any) -> tuple[Patient, QuerySet[Encounter]]:
    """A chart's encounters, newest first, to be cut into pages; the look is an event. Raises NotFound, Denied."""
    patient, decision = access.get_for(by, patient_id)
    record("encounter.listed", by=by, patient=patient.pk, about=patient, reason=str(decision))
    rows = Encounter.objects.filter(patient=patient).select_related("location__facility", "attending")
    return patient, rows.order_by("-started_at", "-pk")


@transaction.atomic
def view_encounter(*, by: User, encounter_id: Any) -> Encounter:
    """One encounter; the look is an event. Raises NotFound, Denied."""
    encounter, decision = access.get_encounter_for(by, encounter_id)
    record("encounter.viewed", by=by, patient=encounter.patient_id, about=encounter, reason=str(decision))
    return encounter
