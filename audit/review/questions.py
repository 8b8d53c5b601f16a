"""A question asked of the log: who did what to which chart, and when."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from audit.models import Event
from audit.review.keyset import Order

COUNT_LIMIT = 10_000


@dataclass(frozen=True)
class Question:
    """What is asked. An empty field asks for everything; instants are zoned, `until` is excluded."""

    patient: UUID | None = None
    actor: str = ""
    action: str = ""
    event: str = ""
    outcome: str = ""
    object: str = ""
    request_id: str = ""
    since: datetime | None = None
    until: datetime | None = None
    order: Order = field(default_factory=Order)

    def as_detail(self) -> dict[str, Any]:
        """What the event of this look says was asked."""
        asked = {name: str(value) for name, value in asdict(self).items() if value and name != "order"}
        return {**asked, "order": str(self.order)}


def _conditions(question: Question) -> Q:
    """All of the question but its patient and its person, which have indexes of their own."""
    condition = Q()
    for name in ("action", "event", "outcome", "request_id"):
        if getattr(question, name):
            condition &= Q(**{name: getattr(question, name)})
    if question.since:
        condition &= Q(at__gte=question.since)
    if question.until:
        condition &= Q(at__lt=question.until)
    if question.object:
        kind, _, key = question.object.rpartition(":")
        condition &= Q(object_id=key)
        if kind:
            condition &= Q(object_type=kind)
    return condition


def branches(question: Question) -> list[QuerySet[Event]]:
    """Disjoint sets of rows that together answer the question, each of which one index serves.

    A chart is asked for as UNION ALL of the events about it and the lists that showed it: with OR the planner
    would read whole months. A person is found by id, and by the name that was typed where nobody had signed in yet.
    """
    rows = Event.objects.filter(_conditions(question))
    person = User.objects.filter(username__iexact=question.actor).first() if question.actor else None
    of_person = [Q(actor_id=person.pk)] if person else []
    if question.actor:
        of_person.append(Q(actor_id=None, actor__iexact=question.actor))
    if question.patient is None:
        return [rows.filter(condition) for condition in of_person] or [rows]
    if of_person:
        anybody = Q()
        for condition in of_person:
            anybody |= condition
        rows = rows.filter(anybody)
    is_other = Q(patient_id=None) | ~Q(patient_id=question.patient)
    return [
        rows.filter(patient_id=question.patient),
        rows.filter(is_other, patient_ids__contains=[question.patient]),
    ]


def count(question: Question) -> int:
    """How many events answer the question; COUNT_LIMIT + 1 stands for more."""
    parts = [branch.order_by().values("id")[: COUNT_LIMIT + 1] for branch in branches(question)]
    return min(sum(part.count() for part in parts), COUNT_LIMIT + 1)
