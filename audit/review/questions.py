"""A question asked of the log: who did what to which chart, and when."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from audit.explaining import ACCESS_ACTIONS
from audit.models import Event, of_person
from audit.review.keyset import Order
from patients import queries as patient_queries

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
    is_unexplained: bool = False  # only accesses that nothing explains, or that something speaks against

    @cached_property
    def person(self) -> User | None:
        """Whose user name was asked for; None when nobody has it."""
        return User.objects.filter(username__iexact=self.actor).first() if self.actor else None

    @cached_property
    def identities(self) -> list[UUID]:
        """Every entry of the index that stands for the patient asked for."""
        return patient_queries.identities_of(self.patient) if self.patient else []

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
    of_actor = _of_person(question)
    if question.patient is None:
        return [rows.filter(condition) for condition in of_actor] or [rows]
    if of_actor:
        anybody = Q()
        for condition in of_actor:
            anybody |= condition
        rows = rows.filter(anybody)
    ids = question.identities
    is_other = Q(patient_id=None) | ~Q(patient_id__in=ids)
    showed = Q(patient_ids__contains=ids) if len(ids) == 1 else Q(patient_ids__overlap=ids)
    return [*(rows.filter(patient_id=key) for key in ids), rows.filter(is_other, showed)]


def _of_person(question: Question) -> list[Q]:
    conditions = [_by(question.person, question)] if question.person else []
    if question.actor:
        conditions.append(Q(actor_id=None, actor__iexact=question.actor))
    return conditions


def _by(person: User, question: Question) -> Q:
    return of_person(person.pk, question.since, question.until)


def access_branches(question: Question) -> list[QuerySet[Event]]:
    """The same of accesses alone: somebody had one chart open. Lists that showed the chart are none."""
    rows = Event.objects.filter(
        _conditions(question),
        outcome="success",
        action__in=sorted(ACCESS_ACTIONS),
        patient_id__isnull=False,
        actor_id__isnull=False,
    ).exclude(event__startswith="log.")
    if question.actor:
        rows = rows.filter(_by(question.person, question)) if question.person else rows.none()
    if question.patient is None:
        return [rows]
    return [rows.filter(patient_id=key) for key in question.identities]


def count(question: Question) -> int:
    """How many events answer the question; COUNT_LIMIT + 1 stands for more."""
    parts = [branch.order_by().values("id")[: COUNT_LIMIT + 1] for branch in branches(question)]
    return min(sum(part.count() for part in parts), COUNT_LIMIT + 1)
