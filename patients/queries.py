"""The search of the person index, over what `access` has restricted."""

from collections.abc import Callable, Collection
from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.timezone import localdate

from accounts.known import Known
from accounts.models import User
from audit.models import Event
from common.templatetags.chartroom import day_text
from patients import access
from patients.branches import Match, best_matches
from patients.models import Consult, Facility, GlassBreak, Identifier, Location, Patient, Workplace
from patients.typed import LIMIT, number_key, take_apart

COUNTED = 10_000  # charts open to somebody; beyond that "more" is said
Sieve = Callable[[list[UUID]], set[UUID]]


def search(
    visible: QuerySet[Patient],
    *,
    text: str = "",
    birth_date: date | None = None,
    identifier: str = "",
    limit: int = LIMIT,
    with_recognition: bool = False,
    sieve: Sieve | None = None,
) -> list[Match]:
    """People who match all of what was typed, best first, at most `limit`. Merged entries are among them.

    `text` is the one box: MRN or its beginning, another number, a telephone number, the beginnings of names in
    any order, a birth date, or several of these. `birth_date` and `identifier` (whole) narrow it.
    `with_recognition` adds what tells people apart: last encounter, and how many are named so. One statement.

    `sieve`, for somebody to whom nearly every chart is open, says which of some charts `visible` has. What is
    found in the whole index is then shown if all of it is hers; else she is answered from `visible`.
    """
    typed = take_apart(text)
    key = number_key(identifier)
    if typed.is_empty and (text.strip() or not (key or birth_date)):
        return []

    def found_in(people: QuerySet[Patient]) -> list[Match]:
        rows = _narrowed(people, key, birth_date)
        return best_matches(rows, typed, limit, with_recognition=with_recognition)

    matches: list[Match] | None = None
    if sieve is not None:
        matches = found_in(Patient.objects.all())
        ids = [match.patient.pk for match in matches]
        if len(sieve(ids)) < len(ids):
            matches = None
    if matches is None:
        matches = found_in(visible)
    further = [word for word, given in (("identifier", key), ("birth date", birth_date)) if given]
    for match in matches:
        match.matched_on += [word for word in further if word not in match.matched_on]
        if typed.is_empty and key:  # a whole number of this person's
            match.score = 1.0
    return matches


def _narrowed(people: QuerySet[Patient], key: str, birth_date: date | None) -> QuerySet[Patient]:
    if key:
        owners = Identifier.objects.filter(value_key=key).values("patient")
        people = people.filter(Q(pk__in=owners) | Q(mrn=key))
    return people.filter(birth_date=birth_date) if birth_date else people


def own_consults(user: User, patient: Patient) -> list[Consult]:
    """Open questions about this patient that `user` asked, or is asked."""
    rows = Consult.objects.filter(Q(asked_of=user) | Q(asked_by=user), patient=patient, answered_at=None)
    return list(rows.select_related("asked_by", "asked_of").order_by("asked_at", "pk"))


def standing_glass(user_id: UUID, patient_id: UUID) -> GlassBreak | None:
    """The glass this person has open on this chart, the real one before a drill."""
    rows = GlassBreak.objects.open().filter(user=user_id, patient=patient_id)
    return rows.order_by("is_drill").first()


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


_IDENTITIES = """
with recursive up (asked, id) as (
    select asked, asked from unnest(%s::uuid[]) asked
    union
    select up.asked, entry.merged_into_id from up join patients_patient entry on entry.id = up.id
    where entry.merged_into_id is not null
), of_one_person (asked, id) as (
    select up.asked, up.id from up join patients_patient entry on entry.id = up.id where entry.merged_into_id is null
    union
    select whole.asked, entry.id from of_one_person whole join patients_patient entry on entry.merged_into_id = whole.id
)
select asked, array_agg(id order by id) from of_one_person group by asked having count(*) > 1
"""


def merged_identities(patient_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """For each of these entries that was merged, or had others merged into it: all entries of that person."""
    with connection.cursor() as cursor:
        cursor.execute(_IDENTITIES, [list(patient_ids)])
        return dict(cursor.fetchall())


def identities_of(patient_id: UUID) -> list[UUID]:
    """Every entry of the index that stands for this person, this one among them. Ask the log with all of them."""
    return merged_identities([patient_id]).get(patient_id, [patient_id])


def workplaces_of(person: User) -> QuerySet[Workplace]:
    """Where somebody works now, the oldest first."""
    rows: QuerySet[Workplace] = Workplace.objects.in_force().filter(user=person)
    return rows.select_related("facility", "location").order_by("since", "pk")


def former_workplaces_of(person: User) -> QuerySet[Workplace]:
    """Where she worked before, what ended last first."""
    rows: QuerySet[Workplace] = Workplace.objects.filter(user=person, until__lte=Now())
    return rows.select_related("facility", "location").order_by("-until", "-pk")[:50]


def works(person: User) -> Known:
    """For the administrator's page about her: who has more open than her work asks for is seen there."""
    lines = tuple(f"{row.words}, since {day_text(localdate(row.since))}" for row in workplaces_of(person))
    count = access.count_open(person, COUNTED + 1)
    known = f"{count:,}" if count <= COUNTED else f"more than {COUNTED:,}"
    return Known(
        "Where they work",
        (*(lines or ("The whole house",)), f"Charts open to them now: {known}"),
        "Change",
        reverse("patients:workplaces", args=[person.pk]),
    )


def units_to_work_at(person: User) -> QuerySet[Location]:
    """The units that are open, and hers even where they are closed, by house and name."""
    hers = Workplace.objects.in_force().filter(user=person, location__isnull=False)
    rows = Location.objects.filter(Q(is_active=True) | Q(pk__in=hers.values("location")))
    return rows.select_related("facility").order_by("facility__name", "name", "pk")


def facilities() -> QuerySet[Facility]:
    """Every house, by name."""
    return Facility.objects.order_by("name")
