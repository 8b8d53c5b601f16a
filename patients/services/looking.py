"""Looks: a search, an opened chart, an identity's history. Each is an event."""

from datetime import date
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.models import Event
from audit.services import record
from patients import access, queries
from patients.models import Patient


@transaction.atomic
def search_patients(
    *, by: User, text: str = "", birth_date: date | None = None, identifier: str = ""
) -> list[queries.Found]:
    """The best matches among the charts `by` may open, best first; ONE event with the ids shown. Raises Denied."""
    access.check_may_search(by)
    found = queries.search(access.visible_to(by), text=text, birth_date=birth_date, identifier=identifier)
    record(
        "patient.searched",
        by=by,
        patients=[row.patient.pk for row in found],
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
    patient, decision = access.get_for(by, patient_id)
    record(
        "patient.viewed",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={"part": part},
    )
    return patient


@transaction.atomic
def view_history(*, by: User, patient_id: Any) -> tuple[Patient, list[Event]]:
    """Every change of the identity, newest first, from the log itself. Raises NotFound, Denied."""
    patient, decision = access.get_for(by, patient_id)
    changes = Event.objects.filter(patient_id=patient.pk, event__in=["patient.registered", "patient.updated"])
    history = list(changes.order_by("-at", "-id")[:500])
    record("patient.history_viewed", by=by, patient=patient.pk, about=patient, reason=str(decision))
    return patient, history
