"""Who may see and file documents: whoever may open the chart, by the chart's own rule."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from common.errors import Denied, NotFound
from common.ids import as_uuid
from patients import access as patient_access
from patients.access import Decision, check_may_open
from patients.models import Patient
from records.documents.models import Document, DocumentStatus


def visible_to(user: User) -> QuerySet[Document]:
    """Documents of the charts that `user` may open; those entered in error are for whoever files documents."""
    if not user.has_perm("documents.view_document"):
        return Document.objects.none()
    charts, rows = patient_access.visible_to(user), Document.objects.all()
    if charts.query.where:  # whoever may open every chart needs no join with all of them
        rows = rows.filter(patient__in=charts)
    if user.has_perm("documents.file_document"):
        return rows
    return rows.exclude(status=DocumentStatus.ENTERED_IN_ERROR)


def check_may_view(user: User, document: Document, *, chart: Decision | None = None) -> Decision:
    """Why `user` may look at this document; allows exactly what `visible_to` lists. Raises Denied or NotFound.

    `chart` is what `check_may_open` has just said of the document's chart, for one document of it after another.
    """
    check_may_view_any(user)
    decision = chart or check_may_open(user, document.patient)
    is_withdrawn = document.status == DocumentStatus.ENTERED_IN_ERROR
    if is_withdrawn and not user.has_perm("documents.file_document"):
        raise NotFound
    return decision


def get_for(
    user: User,
    document_id: Any,
    *,
    lock: bool = False,
    chart: Patient | None = None,
    decided: Decision | None = None,
    along: Sequence[str] = ("current",),
) -> tuple[Document, Decision]:
    """The document with what the caller shows `along` with it, and why it may be seen.

    In `chart`, if one is open already (`decided` says why): a document of another chart is not found then. Raises
    Denied (`role`) before anything is looked up, NotFound, or Denied (`chart_denied`).
    """
    check_may_view_any(user)
    key = as_uuid(document_id)
    if key is None:
        raise NotFound
    rows = Document.objects.select_related(*along, *([] if chart else ["patient"]))
    if lock:
        rows = rows.select_for_update(of=("self",))
    try:
        document = rows.get(pk=key, patient=chart) if chart else rows.get(pk=key)
    except Document.DoesNotExist:
        raise NotFound from None
    if chart:
        document.patient = chart
    return document, check_may_view(user, document, chart=decided)


def check_may_view_any(user: User) -> None:
    """For lists and searches, before any row is read."""
    if not user.has_perm("documents.view_document"):
        raise Denied("Your role does not look at documents.", rule="role")


def check_may_file(user: User, patient: Patient) -> Decision:
    """Records staff file into charts they may open."""
    if not user.has_perm("documents.file_document"):
        raise Denied("Your role does not file documents.", patient_id=patient.pk, about=patient, rule="role")
    return check_may_open(user, patient)


def check_may_file_at_all(user: User) -> None:
    """For pages and uploads before a chart is chosen."""
    if not user.has_perm("documents.file_document"):
        raise Denied("Your role does not file documents.", rule="role")


def check_may_download(user: User, document: Document) -> None:
    """Copies leave the house: a right of its own."""
    if not user.has_perm("documents.download_document"):
        raise Denied(
            "Your role does not download originals.",
            patient_id=document.patient_id,
            about=document,
            rule="role",
        )


def check_may_print(user: User, document: Document) -> None:
    """Paper leaves the house too."""
    if not user.has_perm("documents.print_document"):
        raise Denied(
            "Your role does not print documents.", patient_id=document.patient_id, about=document, rule="role"
        )


def check_may_retry(user: User, document: Document) -> None:
    """Whoever files documents has them read again."""
    if not user.has_perm("documents.file_document"):
        raise Denied(
            "Your role does not have documents read again.",
            patient_id=document.patient_id,
            about=document,
            rule="role",
        )
