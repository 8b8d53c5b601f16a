"""Alerts made by hand, as a run would make them."""

from datetime import date
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.services import service_account
from audit.models import Event
from audit.review.models import Alert
from audit.services import record
from patients.models import Patient

MONDAY = date(2026, 11, 16)
HIT = {"rule": "same-surname", "points": 30, "words": "the same family name"}


def looked(user: User, patient: Patient, event: str = "patient.viewed", **more: Any) -> Event:
    """One access as a verb would write it."""
    with transaction.atomic():
        record(event, by=user, patient=patient.pk, about=patient, reason="records role", **more)
    return Event.objects.filter(actor_id=user.pk).latest("id")


def alert_of(
    user: User, patient: Patient | None, *, events: list[Event] | None = None, **fields: Any
) -> Alert:
    """A new alert about this person's week."""
    found = events or []
    values = {
        "week_on": MONDAY,
        "score": 30,
        "hits": [HIT],
        "event_ids": [event.pk for event in found],
        "accesses": len(found),
        **fields,
    }
    with transaction.atomic():
        alert: Alert = Alert.objects.create(subject=user, patient=patient, **values)
        record("watch.ran", by=service_account("watch"), patients=[patient.pk] if patient else None)
    return alert
