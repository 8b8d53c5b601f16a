"""The review of activity that the law asks for, signed: what was looked at, how sampled, found, decided.

Source: 45 CFR 164.308(a)(1)(ii)(D). One a month, one a quarter. What is signed stays; its hash stands in the log.
"""

from datetime import date, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from audit.review.models.cases import SAYS_SOMETHING
from common.models import BaseModel

ORDINALS = ("1st", "2nd", "3rd", "4th")


class PeriodKind(models.TextChoices):
    """How long a review looks back."""

    MONTH = "month", "Month"
    QUARTER = "quarter", "Quarter"


class LookedAt(models.TextChoices):
    """Lists that a review can have looked at."""

    LOG = "log", "the access log"
    ALERTS = "alerts", "alerts of the watch"
    UNEXPLAINED = "unexplained", "accesses that nothing explains"
    GLASS = "glass", "broken glass"
    DENIALS = "denials", "refusals"
    EXPORTS = "exports", "exports, prints and disclosures"
    SIGN_IN = "sign_in", "failed sign-ins"
    CASES = "cases", "cases"
    PROOF = "proof", "the proof of the log"


class SignOffQuerySet(models.QuerySet["SignOff"]):
    """Reusable filters."""

    def unsigned(self) -> "SignOffQuerySet":
        """Still to be done."""
        return self.filter(signed_at=None)

    def overdue(self, today: date) -> "SignOffQuerySet":
        """Still to be done after their last day."""
        return self.unsigned().filter(due_on__lt=today)


class SignOff(BaseModel):
    """The review of one month or quarter: a task until it is signed, a record for ever after."""

    kind = models.CharField(max_length=8, choices=PeriodKind)
    starts_on = models.DateField()
    ends_on = models.DateField()  # its last day
    due_on = models.DateField()
    overdue_told_at = models.DateTimeField(null=True)
    seed = models.CharField(max_length=64, blank=True)
    pool_size = models.PositiveIntegerField(default=0)  # drawn by chance
    population = models.PositiveBigIntegerField(default=0)  # accesses of the period that could be drawn
    left_out = models.PositiveBigIntegerField(default=0)  # those of whoever drew: nobody reviews her own
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    drawn_at = models.DateTimeField(null=True)
    looked_at = models.JSONField(default=list)
    found = models.TextField(max_length=8000, blank=True)
    decided = models.TextField(max_length=8000, blank=True)
    numbers = models.JSONField(default=dict)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    signed_at = models.DateTimeField(null=True)
    digest = models.CharField(max_length=64, blank=True)

    objects = SignOffQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        permissions = [("sign_reviews", "Can do and sign the review of activity")]
        constraints = [
            models.UniqueConstraint(fields=["kind", "starts_on"], name="sign_off_once_a_period"),
            models.CheckConstraint(
                name="sign_off_ends_after_it_begins", condition=Q(ends_on__gt=models.F("starts_on"))
            ),
            models.CheckConstraint(
                name="sign_off_is_drawn_whole",
                condition=Q(seed="", drawn_by=None, drawn_at=None)
                | (~Q(seed="") & Q(drawn_by__isnull=False, drawn_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="sign_off_is_signed_whole",
                condition=Q(signed_by=None, signed_at=None, digest="")
                | (
                    Q(signed_by__isnull=False, signed_at__isnull=False, drawn_at__isnull=False)
                    & Q(found__regex=SAYS_SOMETHING, decided__regex=SAYS_SOMETHING)
                    & ~Q(digest="")
                ),
            ),
        ]
        indexes = [models.Index(fields=["-starts_on", "kind", "id"], name="sign_off_newest")]

    def __str__(self) -> str:
        return f"Sign-off {self.pk}"

    def get_absolute_url(self) -> str:
        """The review."""
        return reverse("review:signoff", args=[self.pk])

    @property
    def period(self) -> str:
        """`November 2026`, `4th quarter 2026`."""
        if self.kind == PeriodKind.MONTH:
            return f"{self.starts_on:%B %Y}"
        return f"{ORDINALS[(self.starts_on.month - 1) // 3]} quarter {self.starts_on.year}"

    @property
    def is_signed(self) -> bool:
        """Whether it is done."""
        return self.signed_at is not None

    @property
    def is_overdue(self) -> bool:
        """Not done after its last day."""
        return not self.is_signed and self.due_on < timezone.localdate()


class SignOffVerdict(models.TextChoices):
    """What somebody thinks of a drawn access."""

    FINE = "fine", "In order"
    QUESTION = "question", "To be questioned"


class DrawnAccess(models.Model):
    """One access of a review's sample."""

    sign_off = models.ForeignKey(SignOff, on_delete=models.PROTECT, related_name="sample")
    position = models.PositiveIntegerField()
    event_id = models.BigIntegerField()
    at = models.DateTimeField()
    actor_id = models.UUIDField()
    patient_id = models.UUIDField()
    event = models.TextField()
    standing = models.CharField(max_length=12)  # as the explainers said when it was drawn
    explanation = models.TextField(blank=True)
    verdict = models.CharField(max_length=8, choices=SignOffVerdict, blank=True)
    note = models.TextField(max_length=1000, blank=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["sign_off", "position"], name="drawn_at_one_place"),
            models.UniqueConstraint(fields=["sign_off", "event_id"], name="drawn_once"),
            models.CheckConstraint(
                name="drawn_question_says_what",
                condition=~Q(verdict="question") | Q(note__regex=SAYS_SOMETHING),
            ),
        ]

    def __str__(self) -> str:
        return f"Drawn access {self.pk}"


def quarter_of(day: date) -> date:
    """The first day of the quarter that this day lies in."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def end_of(kind: str, starts_on: date) -> date:
    """The last day of the month or quarter that begins on this day."""
    months = 1 if kind == PeriodKind.MONTH else 3
    index = starts_on.year * 12 + starts_on.month - 1 + months
    return date(index // 12, index % 12 + 1, 1) - timedelta(days=1)
