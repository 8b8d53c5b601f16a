"""Broken glass, to be looked at and decided."""

from datetime import date
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from common.models import BaseModel

if TYPE_CHECKING:
    from accounts.models import User


class Outcome(models.TextChoices):
    """What a review came to (an empty one: not decided yet)."""

    APPROPRIATE = "appropriate", "Appropriate"
    VIOLATION = "violation", "Against the rules"
    CASE = "case", "Needs a case"


class GlassReviewQuerySet(models.QuerySet["GlassReview"]):
    """Reusable filters."""

    def undecided(self) -> "GlassReviewQuerySet":
        """Still to be looked at."""
        return self.filter(outcome="")

    def overdue(self, today: date) -> "GlassReviewQuerySet":
        """Undecided after the last day to decide."""
        return self.undecided().filter(due_on__lt=today)


class GlassReview(BaseModel):
    """Somebody broke the glass, or the house was opened in an emergency: one task until its outcome is decided.

    Made in the transaction of what it is about. Nobody reviews her own: `subject` and `second` may not decide.
    """

    glass = models.OneToOneField(
        "patients.GlassBreak", on_delete=models.PROTECT, related_name="review", null=True
    )
    emergency = models.OneToOneField(
        "accounts.HouseEmergency", on_delete=models.PROTECT, related_name="review", null=True
    )
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+", null=True)
    subject = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    is_drill = models.BooleanField(default=False)
    due_on = models.DateField()
    overdue_told_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=Outcome, blank=True)
    note = models.TextField(max_length=2000, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    decided_at = models.DateTimeField(null=True)

    objects = GlassReviewQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [("review_glass", "Can review broken glass and decide whether it was appropriate")]
        constraints = [
            models.CheckConstraint(
                name="review_is_about_a_glass_or_an_emergency",
                condition=Q(glass__isnull=False, emergency=None, patient__isnull=False)
                | Q(glass=None, emergency__isnull=False, patient=None),
            ),
            models.CheckConstraint(
                name="review_is_decided_by_somebody_at_some_time",
                condition=Q(outcome="", decided_by=None, decided_at=None)
                | (~Q(outcome="") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="review_is_not_of_ones_own",
                condition=Q(decided_by=None)
                | (~Q(decided_by=F("subject")) & (Q(second=None) | ~Q(decided_by=F("second")))),
            ),
            models.CheckConstraint(
                name="review_that_blames_says_why",
                condition=Q(outcome__in=["", "appropriate"]) | ~Q(note=""),
            ),
        ]
        indexes = [
            models.Index(fields=["due_on", "id"], name="glass_review_undecided", condition=Q(outcome="")),
            models.Index(fields=["-decided_at", "-id"], name="glass_review_decided"),
        ]

    def __str__(self) -> str:
        return f"Glass review {self.pk}"

    def get_absolute_url(self) -> str:
        """The task."""
        return reverse("review:glass", args=[self.pk])

    @property
    def is_decided(self) -> bool:
        """Whether somebody has said how it was."""
        return bool(self.outcome)

    @property
    def is_overdue(self) -> bool:
        """Undecided after its last day."""
        return not self.is_decided and self.due_on < timezone.localdate()

    def is_of(self, user: "User") -> bool:
        """Whether this person's own deed is to be looked at."""
        return user.pk in {self.subject_id, self.second_id}
