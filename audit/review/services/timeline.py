"""Verbs that tell what happened in order: with one chart, or by one person. Each is a look of its own."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.models import Event
from audit.review import access, folding, keyset
from audit.review.folding import Group
from audit.review.questions import Question, branches
from audit.review.services.log import named, titles_of
from audit.review.sifting import Explained, explained, missing_in
from audit.services import record
from patients import access as patient_access
from patients.models import Patient

SIZE = 100  # events of a page, at least
MOST = 500


@dataclass
class Timeline:
    """A page of what happened, newest first, in lines that each stand for several events."""

    groups: list[Group]
    patients: dict[UUID, Patient] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    explained: dict[int, Explained] = field(default_factory=dict)
    cursor: str = ""  # of what was before
    is_cut: bool = False  # whether the last lines may go on there

    @property
    def events(self) -> int:
        """How many events the page stands for."""
        return sum(len(group.events) for group in self.groups)

    @property
    def missing(self) -> tuple[str, ...]:
        """The kinds of explanation that could not be had."""
        return missing_in(self.explained.values())


def _timeline(by: User, question: Question, cursor: str) -> Timeline:
    match = keyset.CURSOR.match(cursor)
    edge = Event.objects.filter(pk=int(match[2])).first() if match else None
    rows = keyset.fetch(branches(question), keyset.Order(), backwards=False, edge=edge, limit=MOST + 1)
    end = folding.page_end(rows, size=SIZE, most=MOST)
    has_more, shown = end < len(rows), rows[:end]
    return Timeline(
        folding.fold(shown),
        titles=titles_of(by, shown),
        explained=explained(shown),
        cursor=f"a{shown[-1].pk}" if has_more else "",
        is_cut=has_more and shown[-1].at - rows[end].at <= folding.PAUSE,
    )


@transaction.atomic
def view_chart_timeline(
    *, by: User, patient_id: Any, question: Question, cursor: str = ""
) -> tuple[Patient, Timeline]:
    """What happened with this chart. Raises NotFound, Denied."""
    patient, decision = patient_access.get_for(by, patient_id)
    access.check_may_view_chart_access(by)
    found = _timeline(by, question, cursor)
    found.patients = {patient.pk: patient}
    record(
        "log.chart_access_viewed",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={"asked": question.as_detail(), "shown": found.events, "as": "timeline"},
    )
    return patient, found


@transaction.atomic
def view_person(*, by: User, question: Question, cursor: str = "") -> Timeline:
    """What the person asked for did in the time asked for. Raises Denied."""
    access.check_may_view_log(by)
    found = _timeline(by, question, cursor)
    shown = {event.patient_id for group in found.groups for event in group.events if event.patient_id}
    found.patients = named(by, shown)
    record(
        "log.person_viewed",
        by=by,
        patients=shown,
        about=question.person,
        reason="compliance review",
        detail={"asked": question.as_detail(), "shown": found.events, "cursor": cursor[:20]},
    )
    return found
