"""Looks: a search, an opened chart, an identity's history. Each is an event."""

from datetime import date
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from audit.models import Event
from audit.services import record
from patients import access, queries
from patients.branches import Match
from patients.models import Patient
from patients.typed import LIMIT

HISTORY_SHOWN = 50


@transaction.atomic
def search_patients(
    *,
    by: User,
    text: str = "",
    birth_date: date | None = None,
    identifier: str = "",
    limit: int = LIMIT,
    with_recognition: bool = False,
) -> list[Match]:
    """The best matches among the charts `by` may open, best first; ONE event with the ids shown. Raises Denied.

    `with_recognition` adds what tells people apart: last encounter, and how many are named so.
    """
    access.check_may_search(by)
    found = queries.search(
        access.visible_to(by),
        text=text,
        birth_date=birth_date,
        identifier=identifier,
        limit=limit,
        with_recognition=with_recognition,
        sieve=partial(access.open_among, by) if by.has_perm("patients.open_every_chart") else None,
    )
    record(
        "patient.searched",
        by=by,
        patients=[row.patient.pk for row in found],
        reason=access.OPEN_CHARTS,
        detail={
            "q": text[:200],
            "birth_date": birth_date,
            "identifier": identifier[:60],
            "shown": len(found),
        },
    )
    return found


@transaction.atomic
def open_chart(*, by: User, patient_id: Any, part: str = "chart") -> Patient:
    """The patient of a chart that `by` may open; the look is an event. Raises NotFound, Denied."""
    return look_into_chart(by=by, patient_id=patient_id, part=part)[0]


def look_into_chart(*, by: User, patient_id: Any, part: str) -> tuple[Patient, access.Decision]:
    """The same inside a transaction that the caller holds, with why it was allowed."""
    patient, decision = access.get_for(by, patient_id)
    record(
        "patient.viewed",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={"part": part},
    )
    return patient, decision


@transaction.atomic
def open_identity(*, by: User, patient_id: Any) -> tuple[Patient, list[Patient]]:
    """Who this id stands for now, and the entries merged into her: a merged id answers with the survivor.

    The look is an event about the survivor. Raises NotFound, Denied.
    """
    patient, decision = access.get_survivor_for(by, patient_id)
    merged = queries.merged_from(patient)
    record(
        "patient.viewed",
        by=by,
        patient=patient.pk,
        patients=[row.pk for row in merged] or None,
        about=patient,
        reason=str(decision),
        detail={"part": "identity", "asked_for": str(patient_id)},
    )
    return patient, merged


@transaction.atomic
def open_demographics(*, by: User, patient_id: Any) -> tuple[Patient, list[Event]]:
    """Everything known of the person, and who changed what when; one event. Raises NotFound, Denied."""
    patient, decision = access.get_for(by, patient_id)
    history = list(queries.identity_events(patient)[:HISTORY_SHOWN])
    record(
        "patient.viewed",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={"part": "demographics"},
    )
    return patient, history


@transaction.atomic
def view_history(*, by: User, patient_id: Any) -> tuple[Patient, QuerySet[Event]]:
    """Every change of the identity, newest first, from the log itself, to be cut into pages.

    Raises NotFound, Denied.
    """
    patient, decision = access.get_survivor_for(by, patient_id)
    record("patient.history_viewed", by=by, patient=patient.pk, about=patient, reason=str(decision))
    return patient, queries.identity_events(patient)
