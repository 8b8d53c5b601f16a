"""Reads of this room, over what `access` has restricted."""

from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.models import User
from accounts.openwork import Work
from audit.models import Event
from common.errors import NotFound
from common.ids import as_uuid
from patients.models import Patient
from records.documents.models import Document
from records.release.kinds import RULES
from records.release.models import (
    Disclosure,
    Evidence,
    RecordRequest,
    Release,
    RequestStatus,
    SelectedDocument,
)

LOOKS = ("request.viewed", "release.viewed", "request.evidence_viewed")
HISTORY_ROWS = 100


def work_list(rows: QuerySet[RecordRequest], *, filters: dict[str, Any]) -> QuerySet[RecordRequest]:
    """The requests of these filters: status (`open` for all that are), due_before, assigned_to, patient,
    overdue.
    """
    status = filters.get("status")
    if status == "open":
        rows = rows.open()  # type: ignore[attr-defined]
    elif status == "overdue":
        rows = rows.open().due_before(timezone.localdate())  # type: ignore[attr-defined]
    elif status:
        rows = rows.filter(status=status)
    if filters.get("due_before"):
        rows = rows.filter(due_on__lt=filters["due_before"])
    if filters.get("assigned_to"):
        rows = rows.filter(assigned_to__username__iexact=filters["assigned_to"])
    if filters.get("patient"):
        rows = rows.filter(patient=filters["patient"])
    return rows.select_related("patient", "assigned_to").annotate(
        has_selection=Exists(SelectedDocument.objects.filter(request=OuterRef("pk"))),
        has_ground=_has_ground(),
        has_failed=Exists(Release.objects.filter(request=OuterRef("pk"), status="failed")),
        has_unapproved=Exists(
            Release.objects.filter(
                request=OuterRef("pk"), status="ready", needs_approval=True, approved_by=None
            )
        ),
    )


def _has_ground() -> Exists:
    needed = Q()
    for kind, rule in RULES.items():
        if rule.is_ready:
            needed |= Q(request__kind=kind, kind__in=rule.evidence)
    return Exists(Evidence.objects.filter(needed, request=OuterRef("pk")))


def waits_for(record_request: RecordRequest) -> str:
    """What a request of `work_list` waits for, in words."""
    if getattr(record_request, "has_unapproved", False):
        return "a second person's agreement"
    if record_request.status != RequestStatus.RECEIVED:
        return {
            RequestStatus.BUILDING: "package being built",
            RequestStatus.READY: "to be sent",
        }.get(RequestStatus(record_request.status), "nothing")
    if not record_request.rule.is_ready:
        return "a ground that Chartroom can check"
    if not getattr(record_request, "has_ground", False):
        return {"identity": "identity check", "authorization": "authorization"}[
            record_request.rule.evidence[0]
        ]
    if not getattr(record_request, "has_selection", False):
        return "documents to be chosen"
    return (
        "package to be built again" if getattr(record_request, "has_failed", False) else "package to be built"
    )


def of_patient(rows: QuerySet[RecordRequest], patient: Patient) -> list[RecordRequest]:
    """The chart's requests, newest first, for its tab."""
    found = work_list(rows, filters={"patient": patient.pk})
    return list(found.order_by("-received_on", "-pk")[:200])


def disclosures(
    patient: Patient, *, from_on: date | None = None, to_on: date | None = None, is_accounting: bool = False
) -> QuerySet[Disclosure]:
    """The chart's ledger, newest first."""
    rows = Disclosure.objects.filter(patient=patient).select_related("request", "release", "sent_by")
    if from_on:
        rows = rows.filter(disclosed_on__gte=from_on)
    if to_on:
        rows = rows.filter(disclosed_on__lte=to_on)
    if is_accounting:
        rows = rows.in_accounting()
    return rows.order_by("-at", "-id")


def history(record_request: RecordRequest, release: Release | None) -> list[Event]:
    """The log's entries about the request and its newest release, newest first, without the looks; each with
    `actor_name`.
    """
    who = User.objects.filter(pk=OuterRef("actor_id")).values("name")[:1]
    about = [str(record_request.pk), *([str(release.pk)] if release else [])]
    rows = Event.objects.filter(
        patient_id=record_request.patient_id,
        at__gte=record_request.created_at,
        object_type__in=["release.recordrequest", "release.release"],
        object_id__in=about,
    )
    told = rows.exclude(event__in=LOOKS).annotate(actor_name=Subquery(who))
    return list(told.order_by("-at", "-id")[:HISTORY_ROWS])


def evidence_with_file(record_request: RecordRequest, evidence_id: Any) -> Evidence:
    """One piece of this request's evidence that has a scan. Raises NotFound."""
    rows = record_request.evidence.exclude(blob=None).select_related("blob")
    key = as_uuid(evidence_id)
    evidence = rows.filter(pk=key).first() if key else None
    if evidence is None:
        raise NotFound
    return evidence


def requests_of(person: User) -> Work:
    """How many open requests are given to somebody: a number, for whoever hands her work on."""
    count = RecordRequest.objects.filter(assigned_to=person).open().count()
    return Work("Open requests for records", count)


def chosen_for(document: Document) -> str:
    """For whoever would take the document back: the request that it is chosen for, in a sentence; else nothing."""
    rows = SelectedDocument.objects.filter(document=document).select_related("request")
    chosen = rows.order_by("-created_at").first()
    return f"It is chosen for request {chosen.request.number}." if chosen else ""
