"""Requests, documents and evidence in the states that the tests of this room need."""

import io
from datetime import date, timedelta
from typing import Any

import pikepdf
from django.db import transaction
from django.utils import timezone
from reportlab.pdfgen.canvas import Canvas

from accounts.models import User
from accounts.roles import Role
from audit.services import record
from common.jobs import services as jobs
from common.jobs.models import Job
from patients.models import Patient
from records.documents import files
from records.documents.models import Document, Processing
from records.documents.services.filing import file_document
from records.release.models import RecordRequest, Release
from records.release.services import building, evidence, intake, selecting
from tests.factories import PatientFactory, make_user

RECIPIENT = "Oakley & Partners"


def today() -> date:
    return timezone.localdate()


def pdf_of(*pages: str, size: tuple[float, float] = (612, 792)) -> bytes:
    """A PDF with one line of text a page."""
    made = io.BytesIO()
    canvas = Canvas(made, pagesize=size, invariant=1)
    for text in pages:
        canvas.drawString(40, size[1] - 60, text)
        canvas.showPage()
    canvas.save()
    return made.getvalue()


def filed(
    patient: Patient,
    content: bytes,
    *,
    pages: int = 0,
    name: str = "letter.pdf",
    is_read: bool = True,
    service_date: date = date(2026, 1, 10),
    labels: tuple[str, ...] = (),
    type_code: str = "52033-8",
) -> Document:
    """A document on the chart, its pages (`pages`, or those of the PDF) counted as after reading."""
    clerk = make_user(Role.RECORDS_CLERK)
    document = file_document(
        by=clerk,
        patient_id=patient.pk,
        file=files.stage([content], name),
        type_code=type_code,
        service_date=service_date,
        title=f"Title of {name}",
        labels=labels,
    )
    if is_read:
        mark_read(document, pages or len(pikepdf.open(io.BytesIO(content)).pages))
    return document


def mark_read(document: Document, pages: int) -> None:
    """As after the reader's job."""
    assert document.current is not None
    with transaction.atomic():
        version = document.current
        version.processing, version.page_count = Processing.DONE, pages
        version.save()
        record("document.pages_read", by=None, actor="test", patient=document.patient_id, about=document)


def logged(by: User, patient: Patient | None = None, **changes: Any) -> RecordRequest:
    """A patient's own request, received today."""
    facts: dict[str, Any] = {
        "patient_id": (patient or PatientFactory.create()).pk,
        "kind": "patient",
        "requester": {"name": "Ada Testperson", "address": "1 Alder Lane, Harrow Falls"},
        "purpose": "my own file",
        "received_on": today(),
        "channel": "mail",
        "scope": {"everything": True},
        "delivery_method": "download",
    }
    return intake.log_request(by=by, **{**facts, **changes})


def from_lawyer(by: User, patient: Patient | None = None, **changes: Any) -> RecordRequest:
    """A third party's request that needs an authorization."""
    asks = {"name": "Corinne Oakley", "organization": RECIPIENT, "address": "88 Courthouse Square"}
    return logged(by, patient, kind="authorization", requester=asks, purpose="a claim", **changes)


def authorization(**changes: Any) -> dict[str, Any]:
    """The fields of a form that has everything."""
    return {
        "description": "all notes of January 2026",
        "discloser": "Test Hospital",
        "recipient": RECIPIENT,
        "purpose": "a claim",
        "expires_on": today() + timedelta(days=90),
        "signed_on": today() - timedelta(days=3),
        "signed_by": "patient",
        "right_to_revoke": True,
        "no_conditioning": True,
        "redisclosure": True,
        **changes,
    }


def identified(by: User, record_request: RecordRequest) -> None:
    """Evidence that the patient was who she said."""
    evidence.add_evidence(
        by=by,
        request_id=record_request.pk,
        kind="identity",
        fields={"method": "photo_id", "seen_on": today()},
    )


def cleared(by: User, *contents: bytes, patient: Patient | None = None, **changes: Any) -> RecordRequest:
    """The patient's own request with everything that its release needs; one document per content."""
    patient = patient or PatientFactory.create()
    documents = [
        filed(patient, content, name=f"{number}.pdf")
        for number, content in enumerate(contents or (pdf_of("Only page"),), 1)
    ]
    record_request = logged(by, patient, **changes)
    identified(by, record_request)
    selecting.select_documents(
        by=by, request_id=record_request.pk, document_ids=[document.pk for document in documents]
    )
    record_request.refresh_from_db()
    return record_request


def job_of(release: Release) -> Job:
    job = jobs.latest_about(release, building.KIND)
    assert job is not None
    return job


def built(by: User, *contents: bytes, **changes: Any) -> Release:
    """A release whose job has run."""
    record_request = cleared(by, *contents, **changes)
    release = building.start_release(by=by, request_id=record_request.pk)
    jobs.run(job_of(release).pk)
    release.refresh_from_db()
    return release
