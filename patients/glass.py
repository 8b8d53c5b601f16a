"""The glass that somebody breaks to open a chart outside her care: for a reason, for a limited time, watched.

Whether it is open is decided by the clock alone: no job has to run for a chart to close again.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from common.models import BaseModel

FRESH_SECONDS = 60  # so long ago, at most, whoever breaks it has said who she is


class GlassReason(models.TextChoices):
    """Why a chart outside one's care is opened. Never rename a value: it is in the log for ever."""

    EMERGENCY = "emergency", "Emergency treatment"
    COVERING = "covering", "Covering for a colleague"
    CONSULT = "consult", "Asked to see the patient, not entered yet"
    ARRIVING = "arriving", "The patient is on the way to my unit"
    PATIENT = "patient", "The patient asks me to look"
    OTHER = "other", "Something else"


class GlassBreakQuerySet(models.QuerySet["GlassBreak"]):
    """Reusable filters."""

    def standing(self) -> "GlassBreakQuerySet":
        """Not ended by anybody and not written off as run out; the clock may have closed them all the same."""
        return self.filter(ended_at=None)

    def open_at(self, moment: datetime | Any) -> "GlassBreakQuerySet":
        """Open at that instant: from the one it was broken at until just before the one it runs out at."""
        return self.standing().filter(opened_at__lte=moment, expires_at__gt=moment)

    def open(self) -> "GlassBreakQuerySet":
        """Open now, by the database's clock."""
        return self.open_at(Now())

    def run_out(self) -> "GlassBreakQuerySet":
        """Closed by the clock and not yet written off."""
        return self.standing().filter(expires_at__lte=Now())

    def real(self) -> "GlassBreakQuerySet":
        """Those that open a chart: a drill opens nothing."""
        return self.filter(is_drill=False)


class GlassBreak(BaseModel):
    """One person opened one chart outside her care. Kept for ever; a second one begins when this one has ended."""

    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="glass")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason_code = models.CharField(max_length=12, choices=GlassReason)
    reason = models.CharField(max_length=400)
    opened_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )  # None beside an end: the clock
    is_drill = models.BooleanField(default=False)
    session = models.CharField(max_length=16, blank=True)  # the digest that its events carry

    objects = GlassBreakQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [
            ("break_glass", "Can break the glass: open a chart outside her care for a limited time"),
            ("end_any_glass", "Can end a colleague's broken glass"),
            ("search_outside_care", "Can look for people outside her care by name, birth date and number"),
        ]
        constraints = [
            models.CheckConstraint(name="glass_says_why", condition=~Q(reason="")),
            models.CheckConstraint(name="glass_has_an_end", condition=Q(expires_at__gt=F("opened_at"))),
            models.CheckConstraint(
                name="glass_is_ended_by_somebody_or_by_the_clock",
                condition=Q(ended_at=None, ended_by=None)
                | Q(ended_by__isnull=False, ended_at__gte=F("opened_at"), ended_at__lte=F("expires_at"))
                | Q(ended_by=None, ended_at=F("expires_at")),
            ),
            models.UniqueConstraint(
                fields=["user", "patient", "is_drill"],
                name="glass_stands_once_a_person_and_chart",
                condition=Q(ended_at=None),
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="glass_standing", condition=Q(ended_at=None)),
            models.Index(fields=["patient", "-opened_at"], name="glass_of_a_chart"),
        ]

    def __str__(self) -> str:
        return f"Glass {self.pk}"  # reaches logs: neither reason nor names

    @property
    def until(self) -> datetime:
        """When it closed or will close."""
        return self.ended_at or self.expires_at

    @property
    def is_over(self) -> bool:
        """Whether it is closed, for words on a page: rules ask the database's clock."""
        return self.until <= timezone.now()

    @property
    def reason_label(self) -> str:
        """The kind of reason in words."""
        return GlassReason(self.reason_code).label

    @property
    def why(self) -> str:
        """`Emergency treatment: called to bed 12`, for the log and whoever reviews it."""
        return f"{self.reason_label}: {self.reason}"
