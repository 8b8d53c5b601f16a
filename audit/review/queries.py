"""Reads about what was done while a glass was broken, or in an emergency of the house."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from django.db.models import Count, Max, Min, Q, QuerySet

from accounts.models import HouseEmergency
from audit.models import Event
from audit.review import keyset
from audit.review.models import GlassReview
from audit.review.questions import Question, branches
from patients.access import HOUSE_EMERGENCY
from patients.models import GlassBreak

SHOWN = 200


@dataclass(frozen=True)
class Looked:
    """Somebody opened one chart because of the emergency: how often, and between which instants."""

    actor: str
    patient_id: UUID
    times: int
    first: datetime
    last: datetime


def while_broken(glass: GlassBreak) -> tuple[list[Event], bool]:
    """What this person did with this chart from the breaking until the end, oldest first; whether there was more.

    One statement: the log's own branches for a chart and a person.
    """
    asked = Question(
        patient=glass.patient_id,
        actor=glass.user.username,
        since=glass.opened_at,
        until=glass.until,
        order=keyset.Order(is_descending=False),
    )
    rows = keyset.fetch(branches(asked), asked.order, backwards=False, edge=None, limit=SHOWN + 1)
    return rows[:SHOWN], len(rows) > SHOWN


def opened_in(emergency: HouseEmergency) -> tuple[list[Looked], bool]:
    """Who opened whose chart by this emergency and by nothing else, most recent first; whether there was more."""
    if emergency.confirmed_at is None:
        return [], False
    until = emergency.ended_at or emergency.expires_at
    rows = (
        Event.objects.filter(
            at__gte=emergency.confirmed_at,
            reason=f"{HOUSE_EMERGENCY}: {emergency.pk}",
            patient_id__isnull=False,
        )
        .filter(Q(at__lte=until) if until else Q())
        .values("actor", "patient_id")
        .annotate(times=Count("id"), first=Min("at"), last=Max("at"))
        .order_by("-last", "actor", "patient_id")[: SHOWN + 1]
    )
    looks = [Looked(**cast(dict[str, Any], row)) for row in rows]
    return looks[:SHOWN], len(looks) > SHOWN


def to_review() -> QuerySet[GlassReview]:
    """Undecided tasks with what a list shows; the list puts the earliest due first."""
    rows = GlassReview.objects.undecided()
    return rows.select_related("glass", "emergency", "subject")


def decided() -> QuerySet[GlassReview]:
    """Tasks that were decided."""
    rows = GlassReview.objects.exclude(outcome="")
    return rows.select_related("glass", "emergency", "subject", "decided_by")


def count_waiting(today: date) -> dict[str, int]:
    """How many tasks wait, and how many of them are past their day. One query."""
    counted = GlassReview.objects.undecided().aggregate(
        waiting=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=today))
    )
    return {"waiting": counted["waiting"], "overdue": counted["overdue"]}
