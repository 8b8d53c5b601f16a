"""Filing a document, and having it read again."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import context
from audit.services import record
from common.errors import RuleBroken, WrongMove, check_move
from common.jobs.services import enqueue
from patients import access as patient_access
from patients.models import Encounter, Patient, PatientStatus
from records.documents import access, files, queries
from records.documents.models import (
    PROCESSING_MOVES,
    Document,
    DocumentType,
    DocumentVersion,
    Label,
    Processing,
    Source,
)
from records.documents.names import display_name
from records.documents.sniffing import kind_of
from records.documents.uploads import VaultUpload

READ_JOB = "documents.read"


@transaction.atomic
def file_document(
    *,
    by: User,
    patient_id: Any,
    file: VaultUpload,
    type_code: str,
    service_date: date,
    encounter_id: Any = None,
    title: str = "",
    author: str = "",
    labels: Sequence[str] = (),
    source: str = Source.UPLOAD,
    allow_duplicate: bool = False,
) -> Document:
    """File a received file into a chart; a job then reads its pages.

    Raises NotFound, Denied, BadFile, RuleBroken, WrongMove("already_filed") for content that this chart already
    has (unless `allow_duplicate`), and Unavailable when the storage is full. Rule SCN-2: no document reaches a
    chart without patient, type and service date.
    """
    patient, decision = patient_access.get_for(by, patient_id, lock=True)
    access.check_may_file(by, patient)
    kind = kind_of(file.staged.head, file.staged.size_bytes)
    document_type = _type(type_code)
    _check_chart(patient, service_date)
    encounter = _encounter(by, patient, encounter_id)
    unknown = sorted(set(labels) - set(Label.values))
    if unknown:
        raise RuleBroken("unknown_label", f"There is no label {unknown[0]}.", field="labels")
    earlier = queries.same_content(patient, file.sha256)
    if earlier is not None and not allow_duplicate:
        raise _already_filed(earlier, may_know=bool(access.viewable(by, [earlier.document])))
    blob = files.keep(file.staged, kind.media_type)
    document = Document.objects.create(
        patient=patient,
        encounter=encounter,
        type=document_type,
        title=title.strip()[:200] or document_type.name,
        service_date=service_date,
        author=author.strip()[:120],
        labels=sorted(set(labels)),
        source=source,
        filed_by=by,
    )
    version = DocumentVersion.objects.create(
        document=document,
        patient=patient,
        blob=blob,
        filename=display_name(file.name),
        filed_by=by,
        filed_at=document.filed_at,
    )
    document.current = version
    document.save(update_fields=["current"])
    record(
        "document.filed",
        by=by,
        patient=patient.pk,
        about=document,
        reason=str(decision),
        detail={"sha256": blob.sha256, "bytes": blob.size_bytes, "kind": kind.words, "version": 1},
    )
    _have_read(by, version)
    return document


@transaction.atomic
def retry_reading(*, by: User, document_id: Any) -> Document:
    """Have the failed pages of a document read again. Raises NotFound, Denied, WrongMove."""
    document, decision = access.get_for(by, document_id, lock=True)
    access.check_may_retry(by, document)
    version = DocumentVersion.objects.select_for_update().filter(document=document).latest("number")
    check_move(PROCESSING_MOVES, version.processing, Processing.QUEUED)
    version.processing = Processing.QUEUED
    version.error = ""
    version.save(update_fields=["processing", "error", "updated_at"])
    record(
        "document.reading_retried",
        by=by,
        patient=document.patient_id,
        about=document,
        reason=str(decision),
        detail={"version": version.number},
    )
    _have_read(by, version)
    return document


def _have_read(by: User, version: DocumentVersion) -> None:
    enqueue(
        READ_JOB,
        by_id=by.pk,
        about=version,
        patient_id=version.patient_id,
        args={"version": str(version.pk)},
        context=context.current().as_json(),
    )


def _type(code: str) -> DocumentType:
    found = DocumentType.objects.filter(code=code, is_active=True).first()
    if found is None:
        raise RuleBroken("unknown_type", "Choose a type from the list of document types.", field="type")
    return found


def _check_chart(patient: Patient, service_date: date) -> None:
    if patient.status == PatientStatus.MERGED:
        raise RuleBroken("chart_merged", "This chart was merged into another one. File into that one.")
    if service_date > timezone.localdate():
        raise RuleBroken(
            "service_date_in_future", "The service date lies in the future.", field="service_date"
        )
    if patient.birth_date and service_date < patient.birth_date:
        raise RuleBroken(
            "service_date_before_birth",
            "The service date lies before the patient's birth.",
            field="service_date",
        )


def _encounter(by: User, patient: Patient, encounter_id: Any) -> Encounter | None:
    if not encounter_id:
        return None
    encounter, _ = patient_access.get_encounter_for(by, encounter_id)
    if encounter.patient_id != patient.pk:
        raise RuleBroken(
            "unknown_encounter", "That encounter is not one of this patient's.", field="encounter"
        )
    return encounter


def _already_filed(earlier: DocumentVersion, *, may_know: bool) -> WrongMove:
    document = earlier.document
    if not may_know:
        return WrongMove(
            "This very file is already in this chart, under a label that is not open to you.",
            code="already_filed",
            field="file",
        )
    return WrongMove(
        f"This very file is already in this chart: {document.title}, service date {document.service_date:%d %b %Y}, "
        f"filed on {timezone.localtime(earlier.filed_at):%d %b %Y}. File it again only if that is meant.",
        code="already_filed",
        field="file",
    )
