"""Taking over documents whose pages were read elsewhere: a migration from another system, the
demonstration.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import User
from audit.services import record
from patients import access as patient_access
from records.documents import access, files
from records.documents.models import (
    Blob,
    Document,
    DocumentType,
    DocumentVersion,
    Page,
    Processing,
    Source,
    TextSource,
)
from records.documents.names import display_name


@dataclass(frozen=True)
class KeptFile:
    """A file that is in the vault already."""

    sha256: str
    size_bytes: int
    media_type: str
    key_id: str

    def as_row(self) -> Blob:
        return Blob(
            sha256=self.sha256, size_bytes=self.size_bytes, media_type=self.media_type, key_id=self.key_id
        )


@dataclass(frozen=True)
class ReadPage:
    """One page as its reader gave it: pictures, text, and the words' boxes in ten-thousandths of the
    picture.
    """

    view: KeptFile
    thumbnail: KeptFile
    width: int
    height: int
    text: str
    words: list[list[Any]] = field(default_factory=list)
    source: str = TextSource.SUPPLIED


@dataclass(frozen=True)
class ReadDocument:
    """A document that comes with its pages."""

    original: KeptFile
    filename: str
    type_code: str
    title: str
    service_date: date
    pages: Sequence[ReadPage]
    author: str = ""
    encounter_id: UUID | None = None
    labels: Sequence[str] = ()
    written_by_id: UUID | None = None


@transaction.atomic
def import_read_documents(*, by: User, patient_id: Any, documents: Sequence[ReadDocument]) -> list[Document]:
    """File documents that were read elsewhere into one chart, each with its event; no job follows.

    For whole charts at once: rows are written in bulk, so field differences are not in the events; the
    events name each file by its hash. The files must be in the vault. Raises NotFound, Denied, Unavailable for a file
    that is not there, KeyError for an unknown type.
    """
    patient, decision = patient_access.get_for(by, patient_id, lock=True)
    access.check_may_file(by, patient)
    types = {row.code: row for row in DocumentType.objects.filter(is_active=True)}
    blobs: dict[str, Blob] = {}
    filed: list[Document] = []
    versions: list[DocumentVersion] = []
    pages: list[Page] = []
    for given in documents:
        document = Document(
            patient=patient,
            encounter_id=given.encounter_id,
            type=types[given.type_code],
            title=given.title[:200],
            service_date=given.service_date,
            author=given.author[:120],
            labels=sorted(set(given.labels)),
            written_by_id=given.written_by_id,
            source=Source.IMPORT,
            filed_by=by,
        )
        version = DocumentVersion(
            document=document,
            patient=patient,
            blob_id=given.original.sha256,
            filename=display_name(given.filename),
            filed_by=by,
            processing=Processing.DONE,
            page_count=len(given.pages),
        )
        blobs[given.original.sha256] = given.original.as_row()
        for number, page in enumerate(given.pages, 1):
            blobs[page.view.sha256] = page.view.as_row()
            blobs[page.thumbnail.sha256] = page.thumbnail.as_row()
            pages.append(_page(version, number, page))
        filed.append(document)
        versions.append(version)
    files.check_kept(blobs)
    Blob.objects.bulk_create(blobs.values(), ignore_conflicts=True)
    Document.objects.bulk_create(filed)
    DocumentVersion.objects.bulk_create(versions)
    for document, version in zip(filed, versions, strict=True):
        document.current = version
    Document.objects.bulk_update(filed, ["current"])
    Page.objects.bulk_create(pages)
    for document, version in zip(filed, versions, strict=True):
        record(
            "document.filed",
            by=by,
            patient=patient.pk,
            about=document,
            reason=str(decision),
            detail={
                "sha256": version.blob_id,
                "version": 1,
                "pages": version.page_count,
                "read": "elsewhere",
            },
        )
    return filed


def _page(version: DocumentVersion, number: int, page: ReadPage) -> Page:
    return Page(
        of=version,
        patient_id=version.patient_id,
        number=number,
        view_id=page.view.sha256,
        thumbnail_id=page.thumbnail.sha256,
        width=page.width,
        height=page.height,
        source=page.source,
        text=page.text,
        packed_words=Page.pack(page.words),
    )
