"""The event table as Django sees it: to be read only. Rows are written by `audit.services.record`."""

from datetime import datetime
from uuid import UUID

from auditlog.models import AbstractLogEntry
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Func, Q, Value
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from audit import catalogue
from audit.fieldchanges import FieldChangeManager
from audit.rolenames import RoleNames


class _UtcDay(Func):
    """The day of an instant, in UTC, as the index by person has it."""

    template = "date_trunc('day', %(expressions)s at time zone 'UTC')"
    output_field = models.DateTimeField()


def of_person(actor_id: UUID, since: datetime | None = None, until: datetime | None = None) -> Q:
    """The events of one person, from `since` until before `until`: the days among them are what the index has."""
    condition = Q(actor_id=actor_id)
    if since:
        condition &= Q(GreaterThanOrEqual(_UtcDay("at"), _UtcDay(Value(since))), at__gte=since)
    if until:
        condition &= Q(LessThanOrEqual(_UtcDay("at"), _UtcDay(Value(until))), at__lt=until)
    return condition


class Event(models.Model):
    """One thing somebody did, saw, or was refused. Written once, never changed (45 CFR 170.315(d)(2)(iv))."""

    id = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    event = models.TextField()
    action = models.TextField()
    actor_id = models.UUIDField(null=True)
    actor = models.TextField()
    roles = RoleNames()
    session = models.TextField()
    patient_id = models.UUIDField(null=True)
    patient_ids = ArrayField(models.UUIDField(), null=True)
    object_type = models.TextField()
    object_id = models.TextField()
    purpose = models.TextField()
    reason = models.TextField()
    outcome = models.TextField()
    channel = models.TextField()
    ip = models.GenericIPAddressField(null=True)
    request_id = models.TextField()
    detail = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = "audit_event"

    def __str__(self) -> str:
        return f"Event {self.pk} {self.event}"

    @property
    def words(self) -> str:
        """What happened, in plain past-tense words."""
        try:
            return catalogue.kind_of(self.event).words
        except LookupError:  # a kind that a former version wrote
            return self.event


class FieldChange(AbstractLogEntry):
    """Stands where django-auditlog wants its table: nothing is stored, differences go into the event."""

    objects = FieldChangeManager()

    class Meta:
        managed = False
        db_table = "audit_no_such_table"

    def __str__(self) -> str:
        return "FieldChange"


class FeedDelivery(models.Model):
    """How far another system has been told of the log's events, and what went wrong there last.

    `last_n` epochs whole and `place` events of the next; `delivered` counts what was taken, repetitions too.
    """

    destination = models.CharField(max_length=300, unique=True)
    last_n = models.BigIntegerField(default=0)
    place = models.BigIntegerField(default=0)
    delivered = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="feed_fails_with_an_error",
                condition=Q(error="", failing_since=None) | (~Q(error="") & Q(failing_since__isnull=False)),
            )
        ]

    def __str__(self) -> str:
        return f"The log to {self.destination}"


class CheckpointDelivery(models.Model):
    """How far a place outside this machine has been told of the chain of seals, and what went wrong there last."""

    destination = models.CharField(max_length=300, unique=True)
    last_n = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="delivery_fails_with_an_error",
                condition=Q(error="", failing_since=None) | (~Q(error="") & Q(failing_since__isnull=False)),
            )
        ]

    def __str__(self) -> str:
        return f"Checkpoints to {self.destination}"
