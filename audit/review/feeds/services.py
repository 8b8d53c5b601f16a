"""The verb behind the FHIR search of the log: the same rights, branches and event as every other look into it."""

from dataclasses import dataclass, field
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from audit.archiving import ledger
from audit.archiving.ledger import Archived
from audit.review import access, keyset
from audit.review.questions import Question, branches
from audit.review.services import charts_closed_to, patients_of
from audit.services import record


@dataclass(frozen=True)
class Asked:
    """A question, what FHIR asks beside it, and how it was put (for the event)."""

    question: Question
    more: Q = field(default_factory=Q)
    words: str = ""


@dataclass(frozen=True)
class Found:
    """A page of events, the charts in it that are closed to the reader, and the months that nobody looked into."""

    page: keyset.LogPage
    closed: set[UUID]
    archived: list[Archived]


@transaction.atomic
def search_as_fhir(*, by: User, asked: Asked, cursor: str, size: int) -> Found:
    """One page of events. Raises Denied. The look is an event (`log.viewed`) with the patients it showed."""
    access.check_may_view_log(by)
    question = asked.question
    rows = [branch.filter(asked.more) for branch in branches(question)]
    page = keyset.page(rows, question.order, cursor=cursor, size=size)
    shown: set[UUID] = set().union(*(patients_of(row) for row in page.rows))
    record(
        "log.viewed",
        by=by,
        patient=question.patient,
        patients=shown,
        reason="compliance review",
        detail={"asked": asked.words, "form": "fhir", "shown": len(page.rows), "cursor": cursor[:20]},
    )
    return Found(page, charts_closed_to(by, shown), ledger.between(question.since, question.until))
