"""What documents say about an access: who wrote, filed or corrected one, and whose reading was repeated."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction

from accounts.models import User
from audit.explaining import Access, ask, explain
from audit.models import Event
from audit.services import record
from common.ids import uuid7
from patients.models import Patient
from records.documents import explainers, services
from records.documents.models import Document, DocumentVersion
from tests.factories import PatientFactory
from tests.records.documents.conftest import file

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WORK = settings.WORK_DAYS * DAY
LEAST = timedelta(microseconds=1)


@pytest.fixture
def other(db: None) -> Patient:
    return PatientFactory.create()


@pytest.fixture
def document(clerk: User, patient: Patient) -> Document:
    return file(clerk, patient, b"%PDF-1.4 a letter")


def kinds(by: User, chart: Patient, at: datetime, about: Document | None = None) -> dict[str, str]:
    """By what an access of this person to this chart (this document) is explained, with the words."""
    thing: dict[str, Any] = {}
    if about is not None:
        thing = {"object_type": "documents.document", "object_id": str(about.pk)}
    found = explain([Access(1, at, "document.viewed", by.pk, chart.pk, **thing)]).get(1, [])
    return {one.kind: one.words for one in found}


def change(document: Document, **fields: Any) -> None:
    with transaction.atomic():
        Document.objects.filter(pk=document.pk).update(**fields)
        record("document.pages_read", by=None, actor="test", patient=document.patient_id, about=document)


def test_whoever_filed_it_has_work_with_it_for_some_days(
    clerk: User, supervisor: User, patient: Patient, document: Document
) -> None:
    version = document.versions.get()
    assert "filer" in kinds(clerk, patient, version.filed_at, document)
    assert kinds(clerk, patient, version.filed_at + WORK - LEAST, document).keys() == {"filer"}
    assert kinds(clerk, patient, version.filed_at + WORK, document) == {}
    assert "filer" not in kinds(clerk, patient, version.filed_at - LEAST, document)
    assert kinds(supervisor, patient, version.filed_at, document) == {}
    assert "filer" not in kinds(clerk, patient, version.filed_at)  # the chart is not the document
    another = file(supervisor, patient, b"%PDF-1.4 another")
    assert "filer" not in kinds(clerk, patient, version.filed_at + HOUR, another)


def test_a_correction_is_told_as_one(clerk: User, roi: User, patient: Patient, document: Document) -> None:
    with transaction.atomic():
        first = document.versions.get()
        second = DocumentVersion.objects.create(
            document=document, patient=patient, number=2, blob=first.blob, filename="b.pdf", filed_by=roi
        )
        record("document.filed", by=roi, patient=patient.pk, about=document)
    assert kinds(roi, patient, second.filed_at, document)["filer"].startswith("corrected the document on ")
    assert kinds(clerk, patient, second.filed_at, document)["filer"].startswith("filed the document on ")


def test_whoever_wrote_it_may_read_it_for_ever(
    clinician: User, supervisor: User, patient: Patient, document: Document
) -> None:
    change(document, written_by=clinician)
    document.refresh_from_db()
    assert kinds(clinician, patient, document.filed_at, document) == {"author": "wrote the document"}
    assert "author" in kinds(clinician, patient, document.filed_at + 900 * DAY, document)
    assert "author" not in kinds(clinician, patient, document.filed_at - LEAST, document)
    assert kinds(supervisor, patient, document.filed_at, document) == {}
    assert kinds(clinician, patient, document.filed_at) == {}


def test_filing_explains_that_chart_on_that_day(
    clerk: User, roi: User, patient: Patient, other: Patient, document: Document
) -> None:
    version = document.versions.get()
    midnight = version.filed_at.replace(hour=0, minute=0, second=0, microsecond=0)
    assert kinds(clerk, patient, midnight) == {"filing": "filed a document in this chart on that day"}
    assert "filing" in kinds(clerk, patient, midnight + DAY - LEAST)
    assert kinds(clerk, patient, midnight - LEAST) == {}
    assert kinds(clerk, patient, midnight + DAY) == {}
    assert kinds(clerk, other, version.filed_at) == {}
    assert kinds(roi, patient, version.filed_at) == {}
    file(clerk, patient, b"%PDF-1.4 another")
    assert kinds(clerk, patient, midnight + HOUR)["filing"] == "filed 2 documents in this chart on that day"


@pytest.mark.parametrize(
    ("filed", "looked", "is_that_day"),
    [
        ("2026-11-01T05:00Z", "2026-11-02T05:59:59Z", True),  # the long day of Chicago: 25 hours
        ("2026-11-01T05:00Z", "2026-11-02T06:00Z", False),
        ("2026-11-01T05:00Z", "2026-11-01T04:59:59Z", False),
        ("2026-03-08T06:00Z", "2026-03-09T04:59:59Z", True),  # the short one: 23 hours
        ("2026-03-08T06:00Z", "2026-03-09T05:00Z", False),
        ("2026-03-08T06:00Z", "2026-03-08T05:59:59Z", False),
    ],
)
def test_a_day_is_the_hospital_s_own(
    filed: str, looked: str, is_that_day: bool, roi: User, patient: Patient, document: Document
) -> None:
    """Where clocks are set back a day has 25 hours."""
    first = document.versions.get()
    with transaction.atomic():
        DocumentVersion.objects.create(
            document=document,
            patient=patient,
            number=2,
            blob=first.blob,
            filename="b.pdf",
            filed_by=roi,
            filed_at=datetime.fromisoformat(filed),
        )
        record("document.filed", by=roi, patient=patient.pk, about=document)
    access = Access(1, datetime.fromisoformat(looked), "patient.viewed", roi.pk, patient.pk)
    answer = ask(explainers.FILING, zone="America/Chicago")([access])
    assert [key for key, _, _ in answer] == ([1] if is_that_day else [])


def test_a_reading_repeated_explains_that_document(
    clerk: User, supervisor: User, roi: User, patient: Patient, document: Document
) -> None:
    another = file(clerk, patient, b"%PDF-1.4 another")
    with transaction.atomic():
        version = document.versions.get()
        version.processing, version.error = "failed", "It could not be read."
        version.save()
        record("document.reading_failed", by=None, actor="test", patient=patient.pk, about=document)
    services.retry_reading(by=supervisor, document_id=document.pk)
    at = Event.objects.get(event="document.reading_retried").at
    for near in (-DAY, DAY):
        assert kinds(supervisor, patient, at + near, document) == {"reading": "had the document read again"}
        assert kinds(supervisor, patient, at + near * 1.0001, document) == {}
    assert kinds(supervisor, patient, at, another) == {}
    assert kinds(supervisor, patient, at) == {}
    assert kinds(roi, patient, at, document) == {}


def test_what_stands_for_no_document_breaks_nothing(
    clerk: User, patient: Patient, document: Document
) -> None:
    """An event's object may be anything."""
    at = document.filed_at + 2 * DAY
    for text in ("", "7", "not-an-id", str(uuid7()), "'"):
        access = Access(1, at, "x", clerk.pk, patient.pk, "documents.document", text)
        assert explain([access]) == {}
    assert explain([Access(1, at, "x", clerk.pk, patient.pk, "patients.patient", str(document.pk))]) == {}


def test_dates_are_those_of_the_hospital(clerk: User, patient: Patient, document: Document) -> None:
    day: date = document.filed_at.date()
    assert kinds(clerk, patient, document.filed_at + DAY, document)["filer"].endswith(f"{day:%d %b %Y}")
