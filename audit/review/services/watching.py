"""The alerts of the watch, worked: list, open, set aside, take into a case. Every look is an event.

Source: 45 CFR 164.308(a)(1)(ii)(D), review of activity; MON-2, MON-3, MON-5.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.explaining import Access, Answers, explain
from audit.models import Event
from audit.review import access
from audit.review.models import Alert, AlertState
from audit.review.services.log import named, titles_of
from audit.services import record
from common.errors import RuleBroken, WrongMove
from patients.models import Patient


@dataclass
class Evidence:
    """An alert as its page shows it: the accesses, oldest first, and what is known of each (MON-3)."""

    alert: Alert
    events: list[Event] = field(default_factory=list)
    explanations: Answers = field(default_factory=Answers)
    patients: dict[Any, Patient] = field(default_factory=dict)  # those that the reader may see by name
    titles: dict[str, str] = field(default_factory=dict)


@transaction.atomic
def list_alerts(*, by: User, rows: Sequence[Alert], week_on: date | None = None) -> dict[Any, Patient]:
    """The patients by name of the alerts a list shows; ONE event with their ids. Raises Denied."""
    access.check_may_work_alerts(by)
    ids = {row.patient_id for row in rows if row.patient_id}
    record(
        "watch.alerts_listed",
        by=by,
        patients=ids,
        reason="compliance review",
        detail={"week": str(week_on or ""), "shown": len(rows)},
    )
    return named(by, ids)


@transaction.atomic
def open_alert(*, by: User, alert_id: Any) -> Evidence:
    """An alert with its accesses and what explains them, as of now. Raises Denied, NotFound."""
    alert = access.get_alert_for(by, alert_id)
    seen = Evidence(alert)
    seen.events = list(Event.objects.filter(pk__in=alert.event_ids).order_by("at", "pk"))
    asked = [found for found in map(Access.of, seen.events) if found]
    seen.explanations = explain(asked)
    ids = {event.patient_id for event in seen.events if event.patient_id}
    if alert.patient_id:
        ids.add(alert.patient_id)
    seen.patients = named(by, ids)
    seen.titles = titles_of(by, seen.events)
    record(
        "watch.alert_viewed",
        by=by,
        patient=alert.patient_id,
        patients=None if alert.patient_id else ids,
        about=alert,
        reason="compliance review",
        detail={"events": len(seen.events)},
    )
    return seen


def _check_undecided(alert: Alert) -> None:
    if alert.is_decided:
        raise WrongMove("Somebody has decided this alert already.")


def _decide(alert: Alert, by: User, state: AlertState, note: str) -> None:
    alert.state, alert.note = state, note
    alert.decided_by, alert.decided_at = by, timezone.now()
    alert.version += 1
    alert.save()


@transaction.atomic
def set_aside_alert(*, by: User, alert_id: Any, note: str) -> Alert:
    """Say why nothing more is to be done. It stays on the list of its week and is not raised again.

    Raises NotFound, Denied (one's own), WrongMove, RuleBroken("note_required").
    """
    alert = access.get_alert_for(by, alert_id, lock=True)
    access.check_may_decide_alert(by, alert)
    _check_undecided(alert)
    note = note.strip()
    if not note:
        raise RuleBroken("note_required", "Say in a sentence why it is set aside.", field="note")
    _decide(alert, by, AlertState.SET_ASIDE, note)
    record(
        "watch.alert_set_aside",
        by=by,
        patient=alert.patient_id,
        about=alert,
        reason=note,
        detail={"subject": alert.subject.username, "score": alert.score, "week": str(alert.week_on)},
    )
    return alert


@transaction.atomic
def take_into_case(*, by: User, alert: Alert) -> Alert:
    """Mark an alert as part of a case, in the transaction that makes the case. As set_aside_alert."""
    locked = access.get_alert_for(by, alert.pk, lock=True)
    access.check_may_decide_alert(by, locked)
    _check_undecided(locked)
    _decide(locked, by, AlertState.IN_CASE, "")
    record(
        "watch.alert_taken",
        by=by,
        patient=locked.patient_id,
        about=locked,
        reason="compliance review",
        detail={"subject": locked.subject.username, "score": locked.score, "week": str(locked.week_on)},
    )
    return locked
