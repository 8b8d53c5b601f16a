"""Filing: what is taken, what is refused, and that nothing is lost or done twice."""

from datetime import date, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from common.errors import BadFile, Denied, NotFound, RuleBroken, Unavailable, WrongMove
from common.ids import uuid7
from common.jobs.models import Job
from patients.models import ChartRestriction, Patient, Restriction
from records.documents import files, services
from records.documents.models import Blob, Document, DocumentType, DocumentVersion, Processing
from records.documents.sealed import VaultFull
from records.documents.storage import vault
from tests.factories import EncounterFactory, PatientFactory
from tests.records.documents import samples
from tests.records.documents.conftest import file, work
from tests.records.documents.lying import raw
from tests.support import events


def test_filing_keeps_the_original_and_has_it_read(clerk: User, patient: Patient) -> None:
    """SCN-2: patient, type and service date."""
    data = samples.text_pdf()
    encounter = EncounterFactory.create(patient=patient)
    document = file(
        clerk,
        patient,
        data,
        "../Brief\u200f.pdf",
        encounter_id=encounter.pk,
        author="Dr. Lee",
        labels=["hiv"],
    )
    version = document.current
    assert version is not None
    assert document.title == "Discharge summary"
    assert (version.number, version.filename, version.processing) == (1, "Brief.pdf", Processing.QUEUED)
    with vault().open(version.blob_id) as stored:
        assert stored.read() == data
    assert data not in raw(vault(), version.blob_id)
    job = Job.objects.get(about_id=str(version.pk))
    assert (job.kind, job.patient_id, job.created_by) == ("documents.read", patient.pk, clerk.pk)
    (event,) = events("document.filed", about=document)
    assert event.patient_id == patient.pk
    assert event.reason.startswith("records role")
    assert event.detail is not None
    assert event.detail["sha256"] == version.blob_id
    assert {change["model"] for change in event.detail["changes"]} >= {"documents.document"}


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"type_code": "0-0"}, "unknown_type"),
        ({"service_date": timezone.localdate() + timedelta(days=2)}, "service_date_in_future"),
        ({"service_date": date(1980, 2, 28)}, "service_date_before_birth"),
        ({"labels": ["secret"]}, "unknown_label"),
    ],
)
def test_what_breaks_a_rule_is_not_filed(
    clerk: User, patient: Patient, fields: dict[str, Any], code: str
) -> None:
    with pytest.raises(RuleBroken) as refused:
        file(clerk, patient, samples.text_pdf(), **fields)
    assert refused.value.code == code
    assert not Document.objects.filter(patient=patient).exists()
    assert not events("document.filed", patient_id=patient.pk)


@pytest.mark.parametrize("encounter_id", [uuid7(), "../"])
def test_an_encounter_that_is_not_there_is_refused_like_a_chart_that_is_not(
    clerk: User, patient: Patient, encounter_id: Any
) -> None:
    with pytest.raises(NotFound):
        file(clerk, patient, samples.text_pdf(), encounter_id=encounter_id)
    assert not Document.objects.filter(patient=patient).exists()


def test_an_encounter_of_a_chart_that_is_closed_to_her_is_refused_and_noted(
    clerk: User, patient: Patient, browse: Any
) -> None:
    strange = EncounterFactory.create()
    ChartRestriction.objects.create(
        patient=strange.patient, kind=Restriction.PERSON, user=clerk, why="a neighbour", set_by=clerk
    )
    with pytest.raises(Denied):
        file(clerk, patient, samples.text_pdf(), encounter_id=strange.pk)
    form = {"type": "18842-5", "service_date": "2026-03-01", "encounter": strange.pk}
    form["file"] = SimpleUploadedFile("new.pdf", samples.text_pdf(), "application/pdf")
    answer = browse(clerk).post(reverse("documents:upload", args=[patient.pk]), form)
    assert answer.status_code == 403
    [noted] = events("access.denied", patient_id=strange.patient_id)
    assert noted.actor_id == clerk.pk
    assert not Document.objects.filter(patient=patient).exists()


def test_an_encounter_of_another_patient_is_refused_by_the_database_too(
    clerk: User, patient: Patient
) -> None:
    strange = EncounterFactory.create()
    with pytest.raises(RuleBroken):
        file(clerk, patient, samples.text_pdf(), encounter_id=strange.pk)
    document = file(clerk, patient, samples.text_pdf())
    with pytest.raises(DatabaseError), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(encounter=strange)
        connection.check_constraints()


def test_an_inactive_type_is_refused(clerk: User, patient: Patient) -> None:
    DocumentType.objects.filter(code="11502-2").update(is_active=False)
    with pytest.raises(RuleBroken, match="list of document types"):
        file(clerk, patient, samples.text_pdf(), type_code="11502-2")


@pytest.mark.parametrize("data", [b"", b"<html>%PDF-", b"PK\x03\x04zip"])
def test_what_is_no_document_is_not_filed(clerk: User, patient: Patient, data: bytes) -> None:
    with pytest.raises(BadFile):
        file(clerk, patient, data, "scan.pdf")
    assert not Document.objects.filter(patient=patient).exists()


def test_only_records_staff_file(clinician: User, administrator: User, compliance: User) -> None:
    encounter = EncounterFactory.create(attending=clinician)
    for user in (clinician, administrator, compliance):
        with pytest.raises(Denied) as refused:
            file(user, encounter.patient, samples.text_pdf())
        assert refused.value.code == "role"
    with pytest.raises(NotFound):
        services.file_document(
            by=clinician_like_clerk(),
            patient_id=uuid7(),
            file=files.stage([samples.text_pdf()], "a.pdf"),
            type_code="18842-5",
            service_date=date(2026, 1, 1),
        )


def clinician_like_clerk() -> User:
    from accounts.roles import Role
    from tests.factories import make_user

    return make_user(Role.RECORDS_CLERK)


def test_the_same_file_again_is_told_and_filed_only_on_purpose(clerk: User, patient: Patient) -> None:
    data = samples.text_pdf()
    first = file(clerk, patient, data)
    with pytest.raises(WrongMove, match="already in this chart: Discharge summary") as told:
        file(clerk, patient, data)
    assert told.value.code == "already_filed"
    second = file(clerk, patient, data, allow_duplicate=True)
    assert second.pk != first.pk
    assert Blob.objects.filter(sha256=first.current.blob_id).count() == 1  # type: ignore[union-attr]
    other = file(clerk, PatientFactory.create(), data)
    assert other.current is not None


def test_a_full_disk_is_said_and_nothing_is_half_done(clerk: User, patient: Patient) -> None:
    received = files.stage([samples.text_pdf()], "letter.pdf")
    with (
        patch.object(type(vault()), "keep", side_effect=VaultFull("full")),
        pytest.raises(Unavailable) as refused,
    ):
        services.file_document(
            by=clerk, patient_id=patient.pk, file=received, type_code="18842-5", service_date=date(2026, 1, 1)
        )
    assert "storage is full" in refused.value.message
    assert refused.value.status == 503
    assert not Document.objects.filter(patient=patient).exists()
    assert not Job.objects.filter(patient_id=patient.pk).exists()
    received.close()
    assert not received.staged.path.exists()


def test_what_was_filed_cannot_be_changed_or_removed(filed: Document) -> None:
    version = DocumentVersion.objects.get(document=filed)
    other = Blob.objects.create(sha256="0" * 64, size_bytes=1, media_type="application/pdf", key_id="x")
    for change in (
        lambda: DocumentVersion.objects.filter(pk=version.pk).update(blob=other),
        lambda: DocumentVersion.objects.filter(pk=version.pk).update(filename="other.pdf"),
        lambda: DocumentVersion.objects.filter(pk=version.pk).update(filed_at=timezone.now()),
        lambda: Blob.objects.filter(pk=version.blob_id).update(size_bytes=1),
        lambda: Document.objects.filter(pk=filed.pk)._raw_delete("default"),  # type: ignore[attr-defined]
    ):
        with pytest.raises(DatabaseError, match="never changed or removed"), transaction.atomic():
            change()


def test_versions_and_pages_never_part_from_their_patient(filed: Document) -> None:
    stranger = PatientFactory.create()
    with pytest.raises(DatabaseError), transaction.atomic():
        DocumentVersion.objects.filter(document=filed).update(patient=stranger)
        connection.check_constraints()


def test_reading_is_retried_only_after_it_failed(clerk: User, patient: Patient) -> None:
    document = file(clerk, patient, samples.encrypted_pdf("secret"))
    with pytest.raises(WrongMove):
        services.retry_reading(by=clerk, document_id=document.pk)
    work()
    document = services.retry_reading(by=clerk, document_id=document.pk)
    assert document.versions.get().processing == Processing.QUEUED
    assert events("document.reading_retried", about=document)
    assert work() == 1
    assert document.versions.get().processing == Processing.FAILED
