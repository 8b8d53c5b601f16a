"""The search of the person index, over what `access` has restricted."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery

from accounts.models import User
from audit.models import Event
from patients.branches import best_matches
from patients.models import Encounter, Identifier, Patient, PatientStatus, namesakes, same_name_key
from patients.typed import LIMIT, number_key, take_apart


@dataclass
class Found:
    """One hit of a search: the patient, how good (0 to 1) and what matched."""

    patient: Patient
    score: float
    matched_on: list[str] = field(default_factory=list)
    last_encounter: Encounter | None = None
    named_so: int = 1


def search(
    visible: QuerySet[Patient],
    *,
    text: str = "",
    birth_date: date | None = None,
    identifier: str = "",
    limit: int = LIMIT,
) -> list[Found]:
    """People who match all of what was typed, best first, at most `limit`. Merged entries are among them.

    `text` is the one box: MRN or its beginning, another number, a telephone number, the beginnings of names in
    any order, a birth date, or several of these. `birth_date` and `identifier` (whole) narrow it. Two statements.
    """
    typed = take_apart(text)
    key = number_key(identifier)
    further = []
    if key:
        owners = Identifier.objects.filter(value_key=key).values("patient")
        visible = visible.filter(Q(pk__in=owners) | Q(mrn=key))
        further.append("identifier")
    if birth_date:
        visible = visible.filter(birth_date=birth_date)
        further.append("birth date")
    if typed.is_empty:
        if text.strip() or not further:
            return []
        rows = visible.order_by("family_key", "given_key", "pk")[:limit]
        return [Found(patient, 1.0 if key else 0.8, list(further)) for patient in rows]
    matches = best_matches(visible, typed, limit)
    people = visible.in_bulk(list(matches))
    return [
        Found(people[pk], score, [*why, *(word for word in further if word not in why)])
        for pk, (score, why) in matches.items()
        if pk in people
    ]


def add_recognition(found: list[Found]) -> None:
    """Fill in what tells people apart on the search page: last encounter, and how many are named so. Two queries."""
    if not found:
        return
    last = (
        Encounter.objects.filter(patient__in=[hit.patient.pk for hit in found])
        .select_related("location")
        .order_by("patient", "-started_at")
        .distinct("patient")
    )
    encounters: dict[UUID, Encounter] = {encounter.patient_id: encounter for encounter in last}
    named = namesakes([hit.patient for hit in found if hit.patient.status != PatientStatus.MERGED])
    for hit in found:
        hit.last_encounter = encounters.get(hit.patient.pk)
        hit.named_so = len(named.get(same_name_key(hit.patient), [hit.patient.pk]))


def identity_events(patient: Patient) -> QuerySet[Event]:
    """The events that registered or changed this identity, newest first, each with `actor_name`."""
    names = ["patient.registered", "patient.updated"]
    who = User.objects.filter(pk=OuterRef("actor_id")).values("name")[:1]
    events = Event.objects.filter(patient_id=patient.pk, event__in=names).annotate(actor_name=Subquery(who))
    return events.order_by("-at", "-id")


def merged_from(patient: Patient) -> list[Patient]:
    """The entries that were merged into this one, directly or by way of another."""
    found: list[Patient] = []
    wave = [patient.pk]
    while wave:
        rows = list(Patient.objects.filter(merged_into__in=wave).order_by("pk"))
        found.extend(rows)
        wave = [row.pk for row in rows]
    return found
