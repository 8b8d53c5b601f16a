"""A release: the package that was built and sent; and the ledger that says so for ever."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.ids import uuid7
from common.models import BaseModel
from common.two_persons import two_persons
from records.release.kinds import Kind

from .requests import RecordRequest


class ReleaseStatus(models.TextChoices):
    """Where a release is. `building` is what the page says of a queued one whose job runs."""

    QUEUED = "queued", "Waiting to be built"
    READY = "ready", "Ready to send"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Could not be built"
    WITHDRAWN = "withdrawn", "Withdrawn before it was sent"


MOVES: dict[str, set[str]] = {
    ReleaseStatus.QUEUED: {ReleaseStatus.READY, ReleaseStatus.FAILED},
    ReleaseStatus.READY: {ReleaseStatus.DELIVERED, ReleaseStatus.WITHDRAWN},
}
_LIVE = ["queued", "ready", "delivered"]
_FINISHED = ["ready", "delivered", "withdrawn"]


class Release(BaseModel):
    """One package for one request, kept byte for byte as it was sent."""

    request = models.ForeignKey(RecordRequest, on_delete=models.PROTECT, related_name="releases")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=12, choices=ReleaseStatus, default=ReleaseStatus.QUEUED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    package = models.ForeignKey("documents.Blob", on_delete=models.PROTECT, null=True, related_name="+")
    pages = models.PositiveIntegerField(default=0)
    manifest = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    built_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    delivered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    delivered_how = models.CharField(max_length=12, blank=True)
    tracking = models.CharField(max_length=80, blank=True)
    needs_approval = models.BooleanField(default=False)  # as the limit stood when it was built
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True)

    class Meta:
        permissions = [
            ("build_release", "Can have a release built"),
            ("send_release", "Can send a release"),
            ("approve_release", "Can agree to a large release of somebody else"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["request"], name="one_live_release_per_request", condition=Q(status__in=_LIVE)
            ),
            models.CheckConstraint(
                name="release_has_a_package_exactly_when_finished",
                condition=Q(status__in=_FINISHED, package__isnull=False, built_at__isnull=False, pages__gt=0)
                | (~Q(status__in=_FINISHED) & Q(package=None, built_at=None)),
            ),
            models.CheckConstraint(
                name="release_is_delivered_exactly_when_it_has_a_time",
                condition=Q(status="delivered", delivered_at__isnull=False, delivered_by__isnull=False)
                | (~Q(status="delivered") & Q(delivered_at=None, delivered_by=None)),
            ),
            two_persons("release_takes_two", asked="asked_by", decided="approved_by"),
            models.CheckConstraint(
                name="release_is_approved_exactly_when_it_has_a_time",
                condition=Q(approved_at=None, approved_by=None)
                | Q(approved_at__isnull=False, approved_by__isnull=False),
            ),
            models.CheckConstraint(
                name="large_release_is_delivered_only_when_approved",
                condition=~Q(status="delivered") | Q(needs_approval=False) | Q(approved_by__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["request", "-created_at"], name="release_of_request")]

    def __str__(self) -> str:
        return f"Release {self.pk}"

    @property
    def waits_for_approval(self) -> bool:
        """Whether somebody who did not prepare it has still to agree."""
        return self.status == ReleaseStatus.READY and self.needs_approval and self.approved_by_id is None

    @property
    def sha256(self) -> str:
        """The hash of the package, which is its address; empty while there is none."""
        return self.package_id or ""


class DisclosureQuerySet(models.QuerySet["Disclosure"]):
    """Reusable filters."""

    def in_accounting(self) -> "DisclosureQuerySet":
        """What an accounting of disclosures lists: not what 45 CFR 164.528(a)(1) leaves out (AOD-02)."""
        return self.filter(is_in_accounting=True)


class Disclosure(models.Model):
    """One line of the ledger, written by the database's clock and never changed (45 CFR 164.528(b)(2)).

    The application may only read and insert here; `at` is not among the columns that it may write.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    disclosed_on = models.DateField()
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    request = models.ForeignKey(RecordRequest, on_delete=models.PROTECT, related_name="disclosures")
    release = models.OneToOneField(Release, on_delete=models.PROTECT, related_name="disclosure")
    kind = models.CharField(max_length=24, choices=Kind)
    recipient_name = models.CharField(max_length=250)
    recipient_address = models.CharField(max_length=300, blank=True)
    description = models.CharField(max_length=1000)
    purpose = models.CharField(max_length=300)
    how = models.CharField(max_length=12)
    release_sha256 = models.CharField(max_length=64)
    pages = models.PositiveIntegerField()
    is_in_accounting = models.BooleanField()
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = DisclosureQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["patient", "-at"], name="disclosure_of_patient")]

    def __str__(self) -> str:
        return f"Disclosure {self.pk}"
