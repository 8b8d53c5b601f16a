"""A request for records: who asks, for whom, on what ground, and what shall go."""

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from common.models import BaseModel
from records.release.kinds import Kind, KindRule, rule_of

SOON_DAYS = 7


class RequestStatus(models.TextChoices):
    """Where a request is."""

    RECEIVED = "received", "In work"
    BUILDING = "building", "Package being built"
    READY = "ready", "Ready to send"
    DELIVERED = "delivered", "Delivered"
    CANCELED = "canceled", "Canceled"


MOVES: dict[str, set[str]] = {
    RequestStatus.RECEIVED: {RequestStatus.BUILDING, RequestStatus.CANCELED},
    RequestStatus.BUILDING: {RequestStatus.READY, RequestStatus.RECEIVED},
    RequestStatus.READY: {RequestStatus.DELIVERED, RequestStatus.RECEIVED, RequestStatus.CANCELED},
}


class Channel(models.TextChoices):
    """How a request came in."""

    MAIL = "mail", "Mail"
    FAX = "fax", "Fax"
    IN_PERSON = "in_person", "In person"
    PHONE = "phone", "Telephone"
    EMAIL = "email", "E-mail"
    PORTAL = "portal", "Patient portal"
    API = "api", "Another system"


class DeliveryMethod(models.TextChoices):
    """How the copies shall go."""

    DOWNLOAD = "download", "Secure download"
    MAIL = "mail", "Mail"
    FAX = "fax", "Fax"
    PICKUP = "pickup", "Picked up"
    EMAIL = "email", "E-mail"
    PORTAL = "portal", "Patient portal"


class DeliveryFormat(models.TextChoices):
    """In what form."""

    ELECTRONIC = "electronic", "Electronic (PDF)"
    PAPER = "paper", "Paper"


class RecordRequestQuerySet(models.QuerySet["RecordRequest"]):
    """Reusable filters."""

    def open(self) -> "RecordRequestQuerySet":
        """Still to be answered."""
        return self.exclude(status__in=[RequestStatus.DELIVERED, RequestStatus.CANCELED])

    def due_before(self, day: date) -> "RecordRequestQuerySet":
        """To be answered before `day`."""
        return self.filter(due_on__lt=day)


class RecordRequest(BaseModel):
    """Somebody's request for copies of a patient's record."""

    number = models.CharField(max_length=20, unique=True, editable=False)
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="record_requests")
    kind = models.CharField(max_length=24, choices=Kind)
    requester_name = models.CharField(max_length=120)
    requester_organization = models.CharField(max_length=120, blank=True)
    requester_address = models.CharField(max_length=300, blank=True)
    requester_phone = models.CharField(max_length=40, blank=True)
    requester_email = models.EmailField(blank=True)
    requester_fax = models.CharField(max_length=40, blank=True)
    purpose = models.CharField(max_length=300)
    received_on = models.DateField()
    channel = models.CharField(max_length=12, choices=Channel)
    scope = models.JSONField(default=dict)  # from, to (ISO days), types (LOINC codes), everything
    delivery_method = models.CharField(max_length=12, choices=DeliveryMethod)
    delivery_format = models.CharField(max_length=12, choices=DeliveryFormat)
    status = models.CharField(max_length=12, choices=RequestStatus, default=RequestStatus.RECEIVED)
    due_on = models.DateField()
    due_rule = models.CharField(max_length=40)
    assigned_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    logged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=300, blank=True)

    objects = RecordRequestQuerySet.as_manager()

    class Meta:
        permissions = [
            ("view_request", "Can see requests for records"),
            ("log_request", "Can log a request for records"),
            ("edit_request", "Can change a request and its evidence"),
            ("view_disclosures", "Can see what was disclosed from a chart"),
            ("view_wall", "Can see the department's queues and who has what"),
        ]
        constraints = [
            models.CheckConstraint(
                name="request_is_closed_exactly_when_it_has_a_time",
                condition=Q(status__in=["delivered", "canceled"], closed_at__isnull=False)
                | (~Q(status__in=["delivered", "canceled"]) & Q(closed_at=None)),
            ),
            models.CheckConstraint(
                name="request_is_due_after_it_came", condition=Q(due_on__gte=F("received_on"))
            ),
            models.UniqueConstraint(fields=["id", "patient"], name="request_id_and_patient"),
        ]
        indexes = [
            models.Index(
                fields=["due_on", "id"],
                name="request_open_by_due_day",
                condition=~Q(status__in=["delivered", "canceled"]),
            ),
            models.Index(fields=["due_on", "id"], name="request_by_due_day"),
            models.Index(fields=["patient", "-received_on"], name="request_of_patient"),
            models.Index(fields=["assigned_to", "due_on"], name="request_assigned"),
        ]

    def __str__(self) -> str:
        return f"Record request {self.pk}"  # reaches logs: no names

    def get_absolute_url(self) -> str:
        """The request's page."""
        return reverse("release:detail", args=[self.pk])

    @property
    def rule(self) -> KindRule:
        """The row of the decision table that this request falls under."""
        return rule_of(self.kind)

    @property
    def is_open(self) -> bool:
        return self.status not in {RequestStatus.DELIVERED, RequestStatus.CANCELED}

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_on < timezone.localdate()

    @property
    def is_due_soon(self) -> bool:
        """Within a week, and not yet late."""
        return self.is_open and 0 <= self.days_left <= SOON_DAYS

    @property
    def days_left(self) -> int:
        """Days until the last day; negative when it has passed."""
        return (self.due_on - timezone.localdate()).days

    @property
    def requester_short(self) -> str:
        """For lists: the organization, or the person who has none."""
        return self.requester_organization or self.requester_name

    @property
    def kind_word(self) -> str:
        """For lists: `Court order`."""
        return self.kind.replace("_", " ").capitalize()

    @property
    def requester_title(self) -> str:
        """`Corinne Oakley, Redfern & Oakley LLP`."""
        return ", ".join(part for part in (self.requester_name, self.requester_organization) if part)


class EvidenceKind(models.TextChoices):
    """What a piece of paper on file proves."""

    AUTHORIZATION = "authorization", "Authorization"
    IDENTITY = "identity", "Identity checked"
    AUTHORITY = "authority", "Authority of a representative or official"
    ASSURANCE = "assurance", "Satisfactory assurance"
    ORDER = "order", "Order of a court"
    EXTENSION_LETTER = "extension_letter", "Letter that extends the time"
    REQUEST_LETTER = "request_letter", "The request as it came"
    OTHER = "other", "Something else"


class Evidence(BaseModel):
    """Something on file that lets a request be answered; `blob` is a scan of it."""

    request = models.ForeignKey(RecordRequest, on_delete=models.PROTECT, related_name="evidence")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=EvidenceKind)
    fields = models.JSONField(default=dict)
    blob = models.ForeignKey(
        "documents.Blob", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    filename = models.CharField(max_length=130, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name_plural = "evidence"
        indexes = [models.Index(fields=["request", "kind", "-created_at"], name="evidence_of_request")]

    def __str__(self) -> str:
        return f"Evidence {self.pk}"


class SelectedDocument(BaseModel):
    """One document that shall go, in the version that was looked at, at its place in the package."""

    request = models.ForeignKey(RecordRequest, on_delete=models.PROTECT, related_name="selected")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    document = models.ForeignKey("documents.Document", on_delete=models.PROTECT, related_name="+")
    document_version = models.ForeignKey(
        "documents.DocumentVersion", on_delete=models.PROTECT, related_name="+"
    )
    position = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "document"], name="document_selected_once"),
        ]
        indexes = [models.Index(fields=["request", "position"], name="selected_in_order")]

    def __str__(self) -> str:
        return f"Selected document {self.pk}"
