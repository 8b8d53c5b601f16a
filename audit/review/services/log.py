"""Verbs on the log: each look into it is an event of its own, with what was asked and whose charts it showed."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.archiving import ledger
from audit.archiving.ledger import Archived
from audit.models import Event
from audit.review import access, keyset
from audit.review.questions import Question, branches, count
from audit.review.sifting import Explained, Sifted, explained, missing_in, sift
from audit.services import record
from common.errors import NotFound
from patients import access as patient_access
from patients.models import Patient
from records.documents import access as document_access
from records.documents.models import Document

DOCUMENT = Document._meta.label_lower
PAGE_SIZE = 50
ON_TOP = 20  # unexplained accesses shown above the others on a chart's tab
ON_TOP_CHECKED = 1_000
EXPORT_LIMIT = 10_000


@dataclass
class LogAnswer:
    """A page of the log, the patients named in it, and how many events answer in all.

    `closed` are those charts of a page for programs that the reader may not open.
    """

    page: keyset.LogPage
    patients: dict[UUID, Patient]
    total: int = 0
    titles: dict[str, str] = field(default_factory=dict)
    closed: set[UUID] = field(default_factory=set)
    explained: dict[int, Explained] = field(default_factory=dict)
    is_nobody: bool = False  # a user name was asked for that nobody has
    sifted: Sifted | None = None  # the answer to a question about unexplained accesses
    on_top: Sifted | None = None  # of a chart: its unexplained accesses, to be shown above all others

    @property
    def missing(self) -> tuple[str, ...]:
        """The kinds of explanation that could not be had."""
        sifted = [kind for one in (self.sifted, self.on_top) if one for kind in one.missing]
        return tuple(dict.fromkeys([*missing_in(self.explained.values()), *sifted]))


def titles_of(by: User, rows: Iterable[Event]) -> dict[str, str]:
    """Titles of the documents in these rows that `by` may see, by id."""
    wanted = {row.object_id for row in rows if row.object_type == DOCUMENT}
    if not wanted:
        return {}
    found = document_access.visible_to(by).filter(pk__in=wanted).values_list("pk", "title")
    return {str(key): title for key, title in found}


@dataclass
class Export:
    """What goes into a file: the rows' ids, in the order asked for, and whether there were more."""

    question: Question
    ids: list[int] = field(default_factory=list)
    is_cut: bool = False
    patients: dict[UUID, Patient] = field(default_factory=dict)
    closed: set[UUID] = field(default_factory=set)
    absent: list[Archived] = field(default_factory=list)  # archived months that were not looked into


def named(by: User, ids: Iterable[UUID | None]) -> dict[UUID, Patient]:
    """Those patients of the log that `by` may see by name; the others stay ids."""
    wanted = {key for key in ids if key is not None}
    if not wanted:
        return {}
    return {patient.pk: patient for patient in patient_access.visible_to(by).filter(pk__in=wanted)}


def patients_of(event: Event) -> set[UUID]:
    """Everybody an event is about: the one patient, or all that a list showed."""
    return {key for key in (event.patient_id, *(event.patient_ids or [])) if key is not None}


def may_read_detail(event: Event, closed: set[UUID]) -> bool:
    """What was written about a chart that is closed to the reader is closed too: she is told that it happened."""
    return not patients_of(event) & closed


def charts_closed_to(by: User, ids: set[UUID]) -> set[UUID]:
    """Those of these charts that `by` may not open."""
    if not ids:
        return set()
    return ids - set(patient_access.visible_to(by).filter(pk__in=ids).values_list("pk", flat=True))


def _answer(question: Question, *, cursor: str, size: int, with_explanations: bool = True) -> LogAnswer:
    """A page of rows with what explains them; of a question about unexplained ones, what was found of those."""
    is_nobody = bool(question.actor) and question.person is None
    if question.is_unexplained:
        found = sift(question, cursor=cursor, size=size)
        page = keyset.LogPage(found.rows, next_cursor=found.cursor)
        return LogAnswer(page, {}, explained=found.explained, sifted=found, is_nobody=is_nobody)
    page = keyset.page(branches(question), question.order, cursor=cursor, size=size)
    whole = explained(page.rows) if with_explanations else {}
    return LogAnswer(page, {}, explained=whole, is_nobody=is_nobody)


@transaction.atomic
def view_log(
    *,
    by: User,
    question: Question,
    cursor: str = "",
    size: int = PAGE_SIZE,
    whole: bool = False,
    with_explanations: bool = True,
) -> LogAnswer:
    """One page of answers. Raises Denied. Source: 45 CFR 164.308(a)(1)(ii)(D), review of activity.

    `whole` is for programs: rows are handed out with the ids of every list they were in, and nothing is counted.
    A page for people shows how many were in a list, not who.
    """
    access.check_may_view_log(by)
    answer = _answer(question, cursor=cursor, size=size, with_explanations=with_explanations)
    page = answer.page
    answer.patients = named(by, [row.patient_id for row in page.rows])
    shown = {row.patient_id for row in page.rows if row.patient_id}
    if whole:
        shown.update(*(patients_of(row) for row in page.rows))
        answer.closed = charts_closed_to(by, shown)
    else:
        answer.total = 0 if question.is_unexplained else count(question)
        answer.titles = titles_of(by, page.rows)
    record(
        "log.viewed",
        by=by,
        patient=question.patient,
        patients=shown,
        reason="compliance review",
        detail={"asked": question.as_detail(), "shown": len(page.rows), "cursor": cursor[:20]},
    )
    return answer


@transaction.atomic
def view_event(*, by: User, event_id: int) -> tuple[Event, dict[UUID, Patient], Explained | None]:
    """One event whole, its patients by name, and what an access comes to. Raises Denied, NotFound."""
    access.check_may_view_log(by)
    event = Event.objects.filter(pk=event_id).first()
    if event is None:
        raise NotFound
    ids = [event.patient_id, *(event.patient_ids or [])]
    record(
        "log.event_viewed",
        by=by,
        patient=event.patient_id,
        patients=event.patient_ids,
        reason="compliance review",
        detail={"id": event.pk, "event": event.event},
    )
    return event, named(by, ids), explained([event]).get(event.pk)


@transaction.atomic
def view_chart_access(
    *, by: User, patient_id: Any, question: Question | None, cursor: str = "", size: int = PAGE_SIZE
) -> tuple[Patient, LogAnswer]:
    """Who looked at this chart; no rows for a question that made no sense. Raises NotFound, Denied."""
    patient, decision = patient_access.get_for(by, patient_id)
    access.check_may_view_chart_access(by)
    answer = LogAnswer(keyset.LogPage([]), {})
    if question is not None:
        answer = _answer(question, cursor=cursor, size=size)
        if not question.is_unexplained:
            answer.total = count(question)
            if not cursor:
                answer.on_top = sift(
                    replace(question, order=keyset.Order()), size=ON_TOP, checked=ON_TOP_CHECKED
                )
                answer.explained |= answer.on_top.explained
        answer.titles = titles_of(by, [*answer.page.rows, *(answer.on_top.rows if answer.on_top else ())])
    answer.patients = {patient.pk: patient}
    record(
        "log.chart_access_viewed",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={"asked": question.as_detail() if question else None, "shown": len(answer.page.rows)},
    )
    return patient, answer


def rows_of(question: Question, *, most: int) -> tuple[list[Event], bool]:
    """The first rows of the answer, without their details, and whether there are more.

    Of a question about unexplained accesses: those among the first `most` accesses.
    """
    if question.is_unexplained:
        found = sift(question, size=most, checked=most)
        return found.rows, bool(found.cursor)
    asked = branches(question)
    if question.order.key != "detail":  # what is sorted by has to be fetched
        asked = [branch.defer("detail") for branch in asked]
    rows = keyset.fetch(
        asked,
        question.order,
        backwards=False,
        edge=None,
        limit=most + 1,
    )
    return rows[:most], len(rows) > most


@transaction.atomic
def start_export(*, by: User, question: Question) -> Export:
    """Fix which events a file will hold, and write that they were taken out. Raises Denied.

    The rows are read later, in pieces: events never change, so those of these ids are the same then.
    """
    access.check_may_export_log(by)
    rows, is_cut = rows_of(question, most=EXPORT_LIMIT)
    export = Export(
        question, [row.pk for row in rows], is_cut, absent=ledger.between(question.since, question.until)
    )
    ids = {row.patient_id for row in rows if row.patient_id}
    shown = ids.union(*(patients_of(row) for row in rows))
    export.patients = named(by, ids)
    export.closed = charts_closed_to(by, shown)
    record(
        "log.exported",
        by=by,
        patient=question.patient,
        patients=shown,
        reason="compliance review",
        detail={
            "asked": question.as_detail(),
            "rows": len(export.ids),
            "is_cut": export.is_cut,
            "absent": [str(row.month) for row in export.absent],
        },
    )
    return export
