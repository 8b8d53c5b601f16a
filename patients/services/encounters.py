"""Encounters: opened on admission, closed on discharge."""

from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import RuleBroken, Stale, WrongMove
from common.sequences import next_of
from patients import access
from patients.models import Encounter, EncounterKind, Facility, Location, Patient
from patients.services.parts import fitted

HOME_FACILITY = "Main hospital"  # where locations go that name no facility, until there is another one
PLANNED_AHEAD = timedelta(days=366)  # a stay or its end is planned this far ahead at most; beyond is a slip
FIELDS = ("kind", "location", "attending", "started_at", "ended_at")


def _next_number() -> str:
    return f"E-{next_of('patients_encounter_number'):07d}"


def attending_named(username: str) -> User:
    """The clinician of this user name. Raises RuleBroken: what another system sends may be anything."""
    user = User.objects.prefetch_related("groups").filter(username__iexact=username.strip()).first()
    if user is None:
        raise RuleBroken("attending", "There is no user of this name.", field="attending")
    return user


def location_named(by: User, name: str, facility: str = "", *, is_new: bool = False) -> Location:
    """The ward or clinic of this name, whatever the case; without a facility, in whichever has one.

    A name that nobody knows is refused, because a slip of the keyboard must not become a ward; with `is_new`, or in a
    house that has no ward at all yet, it is added by whoever may. Must run inside the transaction of the verb that
    uses it.
    """
    name, facility = fitted(name, 80, "location"), fitted(facility, 120, "facility")
    if not name:
        raise RuleBroken("location", "Say where the patient is.", field="location")
    places = Location.objects.filter(facility__name__iexact=facility) if facility else Location.objects.all()
    known = places.filter(name__iexact=name).select_related("facility").order_by("pk").first()
    if known is not None:
        return known
    if not is_new and Location.objects.exists():
        raise RuleBroken("location", _unknown_location(name), field="location")
    access.check_may_add_location(by)
    houses = Facility.objects.filter(name__iexact=facility) if facility else Facility.objects.all()
    house = houses.order_by("created_at", "pk").first() or Facility.objects.create(
        name=facility or HOME_FACILITY
    )
    added, is_added = Location.objects.get_or_create(facility=house, name=name)
    if is_added:
        record("location.added", by=by, about=added, detail={"name": name, "facility": house.name})
    return added


def _unknown_location(name: str) -> str:
    """What to do about a name that nobody knows; the ones most like it."""
    names = sorted(set(Location.objects.filter(is_active=True).values_list("name", flat=True)))
    by_key = {known.casefold(): known for known in names}
    close = [by_key[key] for key in get_close_matches(name.casefold(), by_key, n=3, cutoff=0.5)]
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return f"There is no ward or clinic of this name.{hint} A supervisor can add a new one."


def _check_attending(attending: User) -> None:
    if not attending.has_perm("patients.attend_patients"):
        raise RuleBroken("attending", "The attending must be an active clinician.", field="attending")


def _check_times(patient: Patient, started_at: datetime, ended_at: datetime | None) -> None:
    latest = timezone.now() + PLANNED_AHEAD
    if started_at > latest:
        raise RuleBroken(
            "started_at", "The start lies more than a year ahead. Check the year.", field="started_at"
        )
    if ended_at and ended_at > latest:
        raise RuleBroken("ended_at", "The end lies more than a year ahead. Check the year.", field="ended_at")
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
    new_location: bool = False,
) -> Encounter:
    """Add a visit or stay; location and attending may be given by name. Raises NotFound, Denied, RuleBroken.

    A location that nobody knows by this name is added when `new_location` says so and the role may.
    """
    patient, decision = access.get_for(by, patient_id, lock=True)
    access.check_may_edit_encounters(by, patient)
    attending = attending_named(attending) if isinstance(attending, str) else attending
    if isinstance(location, str):
        location = location_named(by, location, facility, is_new=new_location)
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
    *,
    by: User,
    encounter_id: Any,
    seen_version: int | None = None,
    facility: str = "",
    new_location: bool = False,
    **changes: Any,
) -> Encounter:
    """Change kind, location, attending, started_at or ended_at. Raises NotFound, Denied, Stale, RuleBroken."""
    encounter, decision = _locked(by, encounter_id, seen_version)
    if isinstance(changes.get("attending"), str):
        changes["attending"] = attending_named(changes["attending"])
    if isinstance(changes.get("location"), str):
        changes["location"] = location_named(by, changes["location"], facility, is_new=new_location)
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
