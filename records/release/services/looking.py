"""Looks: the list, a request, a release, the ledger of a chart. Each is an event."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from audit.models import Event
from audit.services import record
from common.jobs.models import Job
from common.jobs.services import latest_about
from patients import access as patient_access
from patients.models import Patient
from records.documents import files
from records.documents.sealed import Stored
from records.release import access, queries
from records.release.models import Disclosure, Evidence, RecordRequest, Release
from records.release.services.building import KIND
from records.release.services.clearing import Clearance, clearance, hidden_in


@dataclass
class OpenRequest:
    """A request as its page shows it."""

    record_request: RecordRequest
    clearance: Clearance
    release: Release | None
    job: Job | None


def newest_release(record_request: RecordRequest) -> tuple[Release | None, Job | None]:
    """The newest package of a request and the job that builds it."""
    rows = record_request.releases.select_related("package", "asked_by", "delivered_by", "approved_by")
    release = rows.order_by("-created_at").first()
    if release is None:
        return None, None
    release.request = record_request
    return release, job_of(release)


def job_of(release: Release) -> Job | None:
    """The job that builds a release."""
    return latest_about(release, KIND)


@transaction.atomic
def open_request(*, by: User, request_id: Any) -> OpenRequest:
    """One request with its checklist, what goes, its release and progress. Raises NotFound, Denied."""
    record_request, decision = access.get_for(by, request_id)
    release, job = newest_release(record_request)
    opened = OpenRequest(record_request, clearance(by, record_request), release, job)
    record(
        "request.viewed", by=by, patient=record_request.patient_id, about=record_request, reason=str(decision)
    )
    return opened


def history(record_request: RecordRequest, release: Release | None) -> list[Event]:
    """What happened to this request, newest first: its changes from the log itself, looks left out."""
    return queries.history(record_request, release)


@transaction.atomic
def note_list(*, by: User, patients: Iterable[UUID], filters: dict[str, Any]) -> None:
    """Write the look at a list of requests: ONE event with the charts that were shown. Raises Denied."""
    access.check_may_list(by)
    record(
        "request.listed",
        by=by,
        patients=patients,
        reason=patient_access.OPEN_CHARTS,
        detail={"filters": filters},
    )


@transaction.atomic
def open_release(*, by: User, release_id: Any) -> tuple[Release, Job | None, set[UUID]]:
    """One release, its job, and which of its documents are not open to `by`. Raises NotFound, Denied."""
    release, decision = access.get_release_for(by, release_id)
    record("release.viewed", by=by, patient=release.patient_id, about=release, reason=str(decision))
    return release, job_of(release), hidden_in(by, release)


@transaction.atomic
def list_disclosures(
    *,
    by: User,
    patient_id: Any,
    from_on: date | None = None,
    to_on: date | None = None,
    is_accounting: bool = False,
) -> tuple[Patient, QuerySet[Disclosure]]:
    """The chart's ledger, newest first; `is_accounting` leaves out what AOD-02 excludes. Raises NotFound,
    Denied.
    """
    patient, decision = patient_access.get_for(by, patient_id)
    access.check_may_see_disclosures(by, patient)
    rows = queries.disclosures(patient, from_on=from_on, to_on=to_on, is_accounting=is_accounting)
    record(
        "disclosure.listed",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={
            "from": from_on,
            "to": to_on,
            "for": "accounting" if is_accounting else "",
        },
    )
    return patient, rows


@transaction.atomic
def open_evidence(*, by: User, request_id: Any, evidence_id: Any) -> tuple[Evidence, Stored]:
    """The scan of one piece of evidence. Raises NotFound, Denied, Unavailable."""
    record_request, decision = access.get_for(by, request_id)
    evidence = queries.evidence_with_file(record_request, evidence_id)
    record(
        "request.evidence_viewed",
        by=by,
        patient=record_request.patient_id,
        about=record_request,
        reason=str(decision),
        detail={"evidence": str(evidence.pk)},
    )
    return evidence, files.open_blob(evidence.blob_id or "")
