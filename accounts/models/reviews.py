"""The access review: each quarter each manager confirms what their people may do. What was decided is kept for ever."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models.people import User
from common.models import BaseModel
from common.two_persons import two_persons


class Decision(models.TextChoices):
    """What a manager decided about one person's roles."""

    CONFIRMED = "confirmed", "Confirmed"
    CHANGED = "changed", "Some roles taken away"
    REMOVED = "removed", "All roles taken away"


class AccessReviewQuerySet(models.QuerySet["AccessReview"]):
    """Reusable filters."""

    def overdue(self) -> "AccessReviewQuerySet":
        """Not finished, and the day is over."""
        return self.filter(completed_at=None, due_on__lt=timezone.localdate())


class AccessReview(BaseModel):
    """One manager's review of one quarter, named by its first day."""

    manager = models.ForeignKey(User, on_delete=models.PROTECT, related_name="access_reviews")
    quarter_on = models.DateField()
    due_on = models.DateField()
    completed_at = models.DateTimeField(null=True)
    told_overdue_at = models.DateTimeField(null=True)

    objects = AccessReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["manager", "quarter_on"], name="one_access_review_a_quarter")
        ]

    def __str__(self) -> str:
        return f"Access review {self.pk}"

    @property
    def quarter(self) -> str:
        """`4th quarter 2026`."""
        number = (self.quarter_on.month - 1) // 3
        return f"{('1st', '2nd', '3rd', '4th')[number]} quarter {self.quarter_on.year}"

    @property
    def is_overdue(self) -> bool:
        """Not finished, and the day is over."""
        return self.completed_at is None and self.due_on < timezone.localdate()


class ReviewItem(BaseModel):
    """One person in a review: the roles held when it was decided, and those that stay."""

    review = models.ForeignKey(AccessReview, on_delete=models.PROTECT, related_name="items")
    person = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10, choices=Decision, blank=True)
    before = ArrayField(models.CharField(max_length=150), default=list)
    after = ArrayField(models.CharField(max_length=150), default=list)
    reason = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            two_persons("review_item_takes_two", asked="person", decided="decided_by"),
            models.UniqueConstraint(fields=["review", "person"], name="one_item_per_person_and_review"),
            models.CheckConstraint(
                name="review_item_is_decided_whole",
                condition=Q(decision="", decided_by=None, decided_at=None)
                | (~Q(decision="") & Q(decided_by__isnull=False, decided_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"Review item {self.pk}"
