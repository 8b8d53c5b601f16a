"""Work that must not be lost: a row with a lease. The message in the broker is only a doorbell."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from common.models import BaseModel


class JobStatus(models.TextChoices):
    """Where a job is."""

    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class JobQuerySet(models.QuerySet["Job"]):
    """Reusable filters."""

    def unfinished(self) -> "JobQuerySet":
        """Queued or running."""
        return self.filter(status__in=[JobStatus.QUEUED, JobStatus.RUNNING])

    def takeable(self) -> "JobQuerySet":
        """Queued, or running under a lease that has lapsed."""
        lapsed = Q(status=JobStatus.RUNNING, lease_until__lt=timezone.now())
        return self.filter(Q(status=JobStatus.QUEUED) | lapsed)

    def in_trouble(self) -> "JobQuerySet":
        """Failed in the last week, or waiting for more than five minutes."""
        now = timezone.now()
        stuck = Q(status=JobStatus.QUEUED, created_at__lt=now - timedelta(minutes=5))
        return self.filter(Q(status=JobStatus.FAILED, updated_at__gt=now - timedelta(days=7)) | stuck)


class Job(BaseModel):
    """One piece of background work. `args` and `steps` hold ids and small facts, never a patient's data."""

    kind = models.CharField(max_length=60)
    args = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=JobStatus, default=JobStatus.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    text = models.CharField(max_length=200, blank=True)
    error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    steps = models.JSONField(default=dict)
    context = models.JSONField(default=dict)
    created_by = models.UUIDField(null=True)
    patient_id = models.UUIDField(null=True)
    about_type = models.CharField(max_length=60, blank=True)
    about_id = models.CharField(max_length=40, blank=True)
    published_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    worker = models.CharField(max_length=120, blank=True)
    finished_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["created_at"],
                name="job_unfinished",
                condition=Q(status__in=["queued", "running"]),
            ),
            models.Index(fields=["about_type", "about_id"], name="job_about"),
        ]
        constraints = [
            models.CheckConstraint(
                name="job_runs_exactly_while_leased",
                condition=Q(status="running", lease_until__isnull=False, lease_token__isnull=False)
                | (~Q(status="running") & Q(lease_until=None, lease_token=None)),
            )
        ]

    def __str__(self) -> str:
        return f"Job {self.kind} {self.pk}"

    @property
    def is_unfinished(self) -> bool:
        """Whether a page should ask again."""
        return self.status in {JobStatus.QUEUED, JobStatus.RUNNING}

    @property
    def fraction(self) -> float:
        """Progress from 0 to 1."""
        if self.status == JobStatus.DONE:
            return 1.0
        return min(self.done / self.total, 1.0) if self.total else 0.0

    @property
    def percent(self) -> int:
        """Progress from 0 to 100."""
        return round(self.fraction * 100)

    @property
    def progress_text(self) -> str:
        """What it does now, in words for the person who waits."""
        if self.status == JobStatus.FAILED:
            return self.error
        if self.status == JobStatus.DONE:
            return self.text or "Done."
        if self.status == JobStatus.QUEUED and self.published_at is None:
            return "Waiting: the work queue does not answer just now. This will start by itself when it does."
        if self.status == JobStatus.QUEUED:
            return "Waiting for its turn."
        return self.text or "Working."


class Heartbeat(models.Model):
    """When a part of the house was last seen alive."""

    name = models.CharField(max_length=40, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @property
    def is_fresh(self) -> bool:
        """Seen within three sweeps."""
        limit = timedelta(seconds=3 * settings.JOB_SWEEP_SECONDS + 15)
        return self.seen_at > timezone.now() - limit
