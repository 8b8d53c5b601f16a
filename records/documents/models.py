"""Documents: what was filed, its immutable contents over time, and the pages that were read from them."""

import json
import zlib
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from common.models import BaseModel
from records.documents.labels import Label, LabelNeed, LabelRule, LabelVerdict

__all__ = [
    "FLAG_WORDS",
    "PROCESSING_MOVES",
    "STATUS_MOVES",
    "TEXT_CONFIGURATION",
    "Blob",
    "Document",
    "DocumentStatus",
    "DocumentType",
    "DocumentVersion",
    "Label",
    "LabelNeed",
    "LabelRule",
    "LabelVerdict",
    "Page",
    "Processing",
    "Source",
    "TextSource",
]

TEXT_CONFIGURATION = "english"


class DocumentType(BaseModel):
    """A kind of document, by its LOINC code (rules.md 3.5; FHIR R4 value set c80-doc-typecodes)."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class Blob(models.Model):
    """A file in the vault, by its address. The key that opens it lies in the file's own header, wrapped."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size_bytes = models.BigIntegerField()
    media_type = models.CharField(max_length=60)
    key_id = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="blob_address_is_sha256", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")
            ),
            models.CheckConstraint(name="blob_size_is_not_negative", condition=Q(size_bytes__gte=0)),
        ]

    def __str__(self) -> str:
        return f"Blob {self.sha256[:12]}"


class DocumentStatus(models.TextChoices):
    """FHIR DocumentReferenceStatus."""

    CURRENT = "current", "Current"
    SUPERSEDED = "superseded", "Superseded"
    ENTERED_IN_ERROR = "entered-in-error", "Entered in error"


STATUS_MOVES: dict[str, set[str]] = {
    DocumentStatus.CURRENT: {DocumentStatus.ENTERED_IN_ERROR},
    DocumentStatus.SUPERSEDED: {DocumentStatus.ENTERED_IN_ERROR},
    DocumentStatus.ENTERED_IN_ERROR: set(),
}


class Source(models.TextChoices):
    """How a document came into the house."""

    UPLOAD = "upload", "Uploaded"
    SCAN = "scan", "Scanned"
    API = "api", "Sent by another program"
    IMPORT = "import", "Imported"


class Document(BaseModel):
    """A filed record of one patient. What it says is in its versions."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="documents")
    encounter = models.ForeignKey(
        "patients.Encounter", on_delete=models.PROTECT, related_name="documents", null=True, blank=True
    )
    type = models.ForeignKey(DocumentType, on_delete=models.PROTECT)
    title = models.CharField(max_length=200)
    service_date = models.DateField()
    author = models.CharField(max_length=120, blank=True)
    # The colleague who wrote it, where it matters: psychotherapy notes open to nobody else.
    written_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    status = models.CharField(max_length=20, choices=DocumentStatus, default=DocumentStatus.CURRENT)
    labels = ArrayField(models.CharField(max_length=20, choices=Label), default=list, blank=True)
    source = models.CharField(max_length=10, choices=Source, default=Source.UPLOAD)
    # Looked up by the index of filed_by and filed_at, below.
    filed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    filed_at = models.DateTimeField(default=timezone.now)
    current = models.ForeignKey(
        "DocumentVersion", on_delete=models.PROTECT, related_name="+", null=True, editable=False
    )

    class Meta:
        default_permissions = ()
        permissions = [
            ("view_document", "Can look at documents of charts they may open"),
            ("file_document", "Can file documents"),
            ("correct_document", "Can correct and retract documents"),
            ("download_document", "Can download originals"),
            ("print_document", "Can print documents"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["id", "patient"], name="document_id_and_patient"),
            models.CheckConstraint(
                name="document_labels_are_known", condition=Q(labels__contained_by=list(Label.values))
            ),
        ]
        indexes = [
            models.Index(fields=["patient", "-service_date", "-id"], name="document_timeline"),
            models.Index(fields=["-service_date", "-id"], name="document_newest"),
            models.Index(fields=["filed_by", "-filed_at"], name="document_filed_by"),
        ]

    def __str__(self) -> str:
        return f"Document {self.pk}"  # reaches logs: no titles, no names

    def get_absolute_url(self) -> str:
        """The document's page."""
        return reverse("documents:detail", args=[self.pk])

    @property
    def label_words(self) -> list[str]:
        """The sensitivity labels in words."""
        return [str(Label(label).label) for label in self.labels]


class Processing(models.TextChoices):
    """How far the reading of a version is (API.md)."""

    QUEUED = "queued", "Waiting to be read"
    RUNNING = "running", "Being read"
    DONE = "done", "Read"
    FAILED = "failed", "Could not be read"


PROCESSING_MOVES: dict[str, set[str]] = {
    Processing.QUEUED: {Processing.RUNNING, Processing.FAILED},
    Processing.RUNNING: {Processing.RUNNING, Processing.DONE, Processing.FAILED},
    Processing.FAILED: {Processing.QUEUED},
    Processing.DONE: set(),
}


class DocumentVersion(BaseModel):
    """One state of a document's contents. The file and who filed it never change: the database refuses it."""

    document = models.ForeignKey(Document, on_delete=models.PROTECT, related_name="versions")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(default=1)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    filename = models.CharField(max_length=130)
    filed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    filed_at = models.DateTimeField(default=timezone.now)
    processing = models.CharField(max_length=10, choices=Processing, default=Processing.QUEUED)
    error = models.CharField(max_length=500, blank=True)
    page_count = models.PositiveIntegerField(null=True)
    flags = ArrayField(models.CharField(max_length=20), default=list)
    text_confidence = models.FloatField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["document", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["id", "patient"], name="version_id_and_patient"),
            models.CheckConstraint(name="version_number_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="version_says_why_it_failed", condition=~Q(processing="failed") | ~Q(error="")
            ),
        ]
        indexes = [models.Index(fields=["patient", "blob"], name="version_patient_blob")]

    def __str__(self) -> str:
        return f"Version {self.pk}"

    @property
    def is_being_read(self) -> bool:
        """Whether its pages are still to come."""
        return self.processing in {Processing.QUEUED, Processing.RUNNING}

    @property
    def flag_words(self) -> list[str]:
        """What else the file holds, in words."""
        return [FLAG_WORDS[flag] for flag in self.flags if flag in FLAG_WORDS]


FLAG_WORDS = {
    "damaged": "The file is damaged; what could be recovered is shown.",
    "javascript": "The file holds JavaScript. It is never run here; the original keeps it.",
    "attachments": "The file holds other files inside it. They are in the original only.",
    "form": "The file is a form; fields are shown as they were filled in.",
    "xfa": "The file is an Adobe XFA form, which may look different there.",
    "encrypted": "The file carries restrictions of its sender.",
    "signed": "The file carries an electronic signature, which the original keeps.",
}


class TextSource(models.TextChoices):
    """Where a page's text comes from."""

    LAYER = "layer", "The file's own text"
    OCR = "ocr", "Read from the picture"
    SUPPLIED = "supplied", "Supplied with the document"
    BLANK = "blank", "Blank page"
    NONE = "none", "Not readable"


class Page(BaseModel):
    """One page of a version as the viewer shows it, or the sentence that says why it cannot be shown."""

    of = models.ForeignKey(DocumentVersion, on_delete=models.PROTECT, related_name="pages")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    view = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+", null=True)
    thumbnail = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+", null=True)
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=10, choices=TextSource)
    text = models.TextField(blank=True)
    text_vector = models.GeneratedField(
        expression=SearchVector("text", config=TEXT_CONFIGURATION),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    confidence = models.FloatField(null=True)
    packed_words = models.BinaryField(default=bytes)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["of", "number"], name="page_number_once"),
            models.CheckConstraint(name="page_number_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="page_is_shown_or_says_why",
                condition=Q(view__isnull=False, thumbnail__isnull=False, error="")
                | (Q(view=None, thumbnail=None) & ~Q(error="")),
            ),
        ]
        indexes = [
            GinIndex(F("text_vector"), name="page_text_vector"),
        ]

    def __str__(self) -> str:
        return f"Page {self.pk}"

    @property
    def words(self) -> list[list[Any]]:
        """[text, left, top, right, bottom] of each word, in ten-thousandths of the picture."""
        return json.loads(zlib.decompress(bytes(self.packed_words))) if self.packed_words else []

    @staticmethod
    def pack(words: list[list[Any]]) -> bytes:
        """Words as they are stored."""
        return zlib.compress(json.dumps(words, ensure_ascii=False, separators=(",", ":")).encode())
