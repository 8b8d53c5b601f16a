"""“What goes”: the documents of a request, in order, each in the version that was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.dateparse import parse_date

from accounts.models import User
from audit.services import record
from common.errors import NotFound, RuleBroken, WrongMove
from common.ids import as_uuid
from records.documents import access as document_access
from records.documents.models import Document, DocumentStatus, Processing
from records.release import access
from records.release.kinds import Kind
from records.release.models import RecordRequest, RequestStatus, SelectedDocument
from records.release.rules import Broken
from records.release.services.intake import locked
from records.release.services.withdrawing import withdraw_package

MOST_DOCUMENTS = 2_000


@dataclass(frozen=True)
class Excluded:
    """A document that does not go, and the rule that keeps it back."""

    document_id: str
    rule: str
    text: str


@dataclass
class Selection:
    """What goes (in order), what was kept back, and how many pages go."""

    rows: list[SelectedDocument]
    excluded: list[Excluded] = field(default_factory=list)

    @property
    def pages(self) -> int:
        return sum(row.document_version.page_count or 0 for row in self.rows)


def in_scope(record_request: RecordRequest) -> QuerySet[Document]:
    """The chart's documents that the request's scope names, oldest first."""
    scope = record_request.scope
    rows = Document.objects.filter(patient=record_request.patient_id, status=DocumentStatus.CURRENT)
    if not scope.get("everything"):
        if scope.get("from"):
            rows = rows.filter(service_date__gte=scope["from"])
        if scope.get("to"):
            rows = rows.filter(service_date__lte=scope["to"])
        if scope.get("types"):
            rows = rows.filter(type__code__in=scope["types"])
    return rows.select_related("patient", "type", "current").order_by("service_date", "id")


def _is_outside(record_request: RecordRequest, document: Document) -> bool:
    scope = record_request.scope
    if scope.get("everything"):
        return False
    first, last = (parse_date(scope.get(name, "")) for name in ("from", "to"))
    is_early = isinstance(first, date) and document.service_date < first
    is_late = isinstance(last, date) and document.service_date > last
    types = scope.get("types")
    return is_early or is_late or bool(types and document.type.code not in types)


def why_not(
    record_request: RecordRequest, documents: Sequence[Document], seen: set[UUID]
) -> dict[UUID, Broken]:
    """Which of these documents stay back from this request, each with the rule; `seen` are open to whoever asks.

    Asked at selection and at building. Documents outside an authorization's description do not go, 45 CFR
    164.508(a)(1).
    """
    found = {row.pk: _why_not(record_request, row, is_seen=row.pk in seen) for row in documents}
    return {pk: broken for pk, broken in found.items() if broken is not None}


def _why_not(record_request: RecordRequest, document: Document, *, is_seen: bool) -> Broken | None:
    if document.patient_id != record_request.patient_id:
        return Broken("wrong_chart", "It lies in another chart.")
    if document.status == DocumentStatus.ENTERED_IN_ERROR:
        return Broken("entered_in_error", "It was entered in error.")
    withheld = document_access.why_withheld(document, ground=record_request.kind)
    if withheld:
        return Broken(*withheld)
    if not is_seen:
        return Broken("access", "It is not open to you, so it cannot go by your hand.")
    if record_request.kind == Kind.AUTHORIZATION and _is_outside(record_request, document):
        return Broken("AUTH-1", "It lies outside what the authorization describes, 45 CFR 164.508(a)(1).")
    version = document.current
    if version is None or version.processing != Processing.DONE:
        is_failed = version is not None and version.processing == Processing.FAILED
        return Broken("not_read", "It could not be read." if is_failed else "It is still being read.")
    return None


def _asked_for(by: User, record_request: RecordRequest, document_ids: Sequence[Any] | None) -> list[Document]:
    if document_ids is None:
        return list(in_scope(record_request)[: MOST_DOCUMENTS + 1])
    keys: list[UUID] = [key for key in (as_uuid(text) for text in document_ids) if key]
    if len(keys) != len(document_ids):
        raise NotFound
    rows = Document.objects.select_related("patient", "type", "current").in_bulk(list(dict.fromkeys(keys)))
    if len(rows) != len(set(keys)):
        raise NotFound
    for document in rows.values():
        if document.patient_id != record_request.patient_id:
            document_access.check_may_view(by, document)  # that it lies elsewhere is told to whoever may know
    return [rows[key] for key in dict.fromkeys(keys)]


@transaction.atomic
def select_documents(
    *,
    by: User,
    request_id: Any,
    document_ids: Sequence[Any] | None,
    seen_version: int | None = None,
) -> Selection:
    """Make this the whole of what goes: the given documents in that order, or (None) all that the scope
    names.

    What a rule keeps back is left out and listed. Raises NotFound, Denied, Stale, WrongMove, RuleBroken.
    """
    record_request, decision = locked(by, request_id, seen_version)
    access.check_may_edit(by, record_request)
    if not record_request.is_open or record_request.status == RequestStatus.BUILDING:
        raise WrongMove(
            f"This request is {record_request.get_status_display().lower()}: its documents are fixed."
        )
    asked = _asked_for(by, record_request, document_ids)
    if len(asked) > MOST_DOCUMENTS:
        raise RuleBroken(
            "too_many", f"More than {MOST_DOCUMENTS:,} documents. Narrow the scope.", field="scope"
        )
    withdraw_package(by=by, record_request=record_request)
    SelectedDocument.objects.filter(request=record_request).delete()
    selection = Selection(rows=[])
    stay = why_not(record_request, asked, document_access.viewable(by, asked))
    for document in asked:
        kept_back = stay.get(document.pk)
        if kept_back:
            selection.excluded.append(Excluded(str(document.pk), kept_back.rule, kept_back.text))
            continue
        assert document.current is not None  # noqa: S101  (why_not has seen it)
        row = SelectedDocument(
            request=record_request,
            patient_id=record_request.patient_id,
            document=document,
            document_version=document.current,
            position=len(selection.rows) + 1,
        )
        selection.rows.append(row)
    SelectedDocument.objects.bulk_create(selection.rows)
    record_request.save()
    record(
        "request.documents_selected",
        by=by,
        patient=record_request.patient_id,
        about=record_request,
        reason=str(decision),
        detail={
            "documents": [str(row.document_id) for row in selection.rows],
            "excluded": [[row.document_id, row.rule] for row in selection.excluded],
            "by_scope": document_ids is None,
        },
    )
    return selection
