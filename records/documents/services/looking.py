"""Looks at documents, pages and text. Each writes its event before anything is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts.models import User
from audit.services import record
from common.errors import NotFound, RuleBroken
from patients import access as patient_access
from patients.access import Decision
from patients.models import Patient
from records.documents import access, files, marking, queries
from records.documents.models import Document, DocumentStatus, DocumentVersion, Page
from records.documents.sealed import Stored

VIEW, THUMBNAIL = "view", "thumbnail"


@dataclass
class OpenDocument:
    """A document as its page shows it: all leaves of the version, one of them whole."""

    document: Document
    version: DocumentVersion
    pages: Sequence[Page]
    page: Page | None


def _version(document: Document, number: int | None) -> DocumentVersion:
    """The version asked for, or the current one. Raises NotFound."""
    if number is None and document.current is not None:
        return document.current
    found = DocumentVersion.objects.filter(document=document, number=number or 1).first()
    if found is None:
        raise NotFound
    return found


def _version_with_facts(document: Document, number: int | None) -> DocumentVersion:
    """The same with its file and who filed it: a query of its own, for planning all joins at once takes longer."""
    rows = DocumentVersion.objects.select_related("blob", "filed_by").filter(document=document)
    is_current = number is None and document.current_id is not None
    wanted = {"pk": document.current_id} if is_current else {"number": number or 1}
    found = rows.filter(**wanted).first()
    if found is None:
        raise NotFound
    if found.pk == document.current_id:
        document.current = found
    return found


def _page(version: DocumentVersion, number: int) -> Page:
    found = queries.page_of(version, number)
    if found is None:
        raise NotFound("This page is not there, or not read yet.")
    return found


@transaction.atomic
def open_document(
    *,
    by: User,
    document_id: Any,
    version: int | None = None,
    page: int | None = None,
) -> OpenDocument:
    """The document with its pages; `page` brings one with its text. Raises NotFound, Denied."""
    document, decision = access.get_for(by, document_id, along=("type", "encounter__location"))
    shown = _version_with_facts(document, version)
    pages = queries.pages_of(shown)
    one = queries.page_of(shown, page) if page is not None else None
    detail: dict[str, Any] = {"version": shown.number}
    if one is not None:
        detail["page"] = one.number
    record(
        "document.viewed",
        by=by,
        patient=document.patient_id,
        about=document,
        reason=str(decision),
        detail=detail,
    )
    return OpenDocument(document, shown, pages, one)


def look_beside_chart(*, by: User, document_id: Any, chart: Patient, decision: Decision) -> OpenDocument:
    """The current version of a document of a chart that is open, without its facts: what stands beside the timeline.

    Inside the caller's transaction, in which the chart was opened by `decision`. A document of another chart is
    not found. Raises NotFound, Denied.
    """
    document, why = access.get_for(by, document_id, chart=chart, decided=decision, along=("type", "current"))
    shown = _version(document, None)
    pages = queries.pages_of(shown)
    record(
        "document.viewed",
        by=by,
        patient=chart.pk,
        about=document,
        reason=str(why),
        detail={"version": shown.number},
    )
    return OpenDocument(document, shown, pages, None)


@transaction.atomic
def look_at_page(
    *,
    by: User,
    document_id: Any,
    number: int,
    size: str = VIEW,
    version: int | None = None,
    marking_words: str = "",
) -> bytes:
    """The picture of a page as WebP, with the words of a question marked on it if one is given.

    Raises NotFound, Denied, and Unavailable when the stored picture is damaged.
    """
    document, decision = access.get_for(by, document_id)
    shown = _version(document, version)
    page = _page(shown, number)
    address = page.thumbnail_id if size == THUMBNAIL else page.view_id
    if address is None:
        raise NotFound(page.error)
    picture = files.read_blob(address)
    if marking_words and size == VIEW:
        boxes = queries.found_boxes(page, marking_words)
        picture = marking.marked(picture, boxes) if boxes else picture
    record(
        "document.page_viewed",
        by=by,
        patient=document.patient_id,
        about=document,
        reason=str(decision),
        detail={"version": shown.number, "page": number, "size": size},
    )
    return picture


@transaction.atomic
def read_page_text(*, by: User, document_id: Any, number: int, version: int | None = None) -> Page:
    """A page for its text. Raises NotFound, Denied."""
    document, decision = access.get_for(by, document_id)
    shown = _version(document, version)
    page = _page(shown, number)
    record(
        "document.text_viewed",
        by=by,
        patient=document.patient_id,
        about=document,
        reason=str(decision),
        detail={"version": shown.number, "page": number},
    )
    return page


@transaction.atomic
def download_original(
    *, by: User, document_id: Any, version: int | None = None
) -> tuple[DocumentVersion, Stored]:
    """The file as it was filed, byte for byte. Raises NotFound, Denied, Unavailable."""
    document, decision = access.get_for(by, document_id)
    access.check_may_download(by, document)
    shown = _version(document, version)
    stored = files.open_blob(shown.blob_id)
    record(
        "document.downloaded",
        by=by,
        patient=document.patient_id,
        about=document,
        reason=str(decision),
        detail={"version": shown.number, "sha256": shown.blob_id, "bytes": stored.size_bytes},
    )
    return shown, stored


@transaction.atomic
def print_document(*, by: User, document_id: Any, version: int | None = None) -> OpenDocument:
    """All pages for the printer. Raises NotFound, Denied."""
    document, decision = access.get_for(by, document_id, along=("type", "current"))
    access.check_may_print(by, document)
    shown = _version(document, version)
    pages = queries.pages_of(shown)
    record(
        "document.printed",
        by=by,
        patient=document.patient_id,
        about=document,
        reason=str(decision),
        detail={"version": shown.number, "pages": len(pages)},
    )
    return OpenDocument(document, shown, pages, None)


@transaction.atomic
def note_list(
    *,
    by: User,
    shown: Sequence[Document],
    filters: queries.Filters,
    patient: Patient | None = None,
    decision: Decision | None = None,
) -> None:
    """Write the one event of a list of documents: whose charts it showed, and what was asked.

    `decision` is why the chart of `patient` is open, where the caller has just been told.
    """
    reason = patient_access.OPEN_CHARTS
    if patient:
        reason = str(decision or patient_access.check_may_open(by, patient))
    record(
        "document.text_searched" if filters.text else "document.listed",
        by=by,
        patient=patient.pk if patient else None,
        patients=None if patient else queries.patients_shown(shown),
        about=patient,
        reason=reason,
        detail={**filters.as_detail(), "shown": [str(row.pk) for row in shown]},
    )


@transaction.atomic
def search_chart_text(
    *, by: User, text: str, patient_id: Any = None, filters: queries.Filters | None = None
) -> list[queries.Hit]:
    """Pages with these words in one chart, or in all charts that `by` may open. ONE event with what it showed.

    Raises NotFound, Denied, RuleBroken("no_words") when nothing is left to look for.
    """
    if not queries.asks_for_something(text):
        raise RuleBroken(
            "no_words", "Type a word that says more: these are too common to look for.", field="q"
        )
    documents = queries.narrowed(access.visible_to(by), filters or queries.Filters())
    documents = documents.exclude(status=DocumentStatus.ENTERED_IN_ERROR)
    patient, reason = None, patient_access.OPEN_CHARTS
    if patient_id is not None:
        patient, decision = patient_access.get_for(by, patient_id)
        access.check_may_view_any(by)
        documents, reason = documents.filter(patient=patient), str(decision)
    else:
        access.check_may_view_any(by)
    hits = queries.search_text(documents, text)
    record(
        "document.text_searched",
        by=by,
        patient=patient.pk if patient else None,
        patients=None if patient else queries.patients_shown(hits),
        about=patient,
        reason=reason,
        detail={
            "q": queries.clean_question(text),
            **(filters.as_detail() if filters else {}),
            "shown": [f"{hit.document.pk}#{hit.page}" for hit in hits],
        },
    )
    return hits
