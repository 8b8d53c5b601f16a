"""What somebody has to be told and may read when she has time: a job's result, a change to her account."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.models import BaseModel


class Tone(models.TextChoices):
    """What the sign beside a notice says: the meanings of the house's colours."""

    GOOD = "good", "Done"
    BAD = "bad", "Failed"
    DUE = "due", "Needs you"
    GLASS = "glass", "Glass broken"
    NEWS = "act", "For your information"


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Reusable filters."""

    def of(self, user_id: object) -> "NoticeQuerySet":
        """This person's."""
        return self.filter(recipient=user_id)

    def unread(self) -> "NoticeQuerySet":
        """Not read yet."""
        return self.filter(read_at=None)


class Notice(BaseModel):
    """One sentence for one person, with a link to what it is about.

    It is mail between the house and a colleague, no part of any chart: the sentence names no patient, the row holds no
    patient's id, and the page behind the link asks for itself who may see it. So it needs neither guard nor event.
    """

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=60)
    tone = models.CharField(max_length=8, choices=Tone, default=Tone.NEWS)
    text = models.CharField(max_length=600)
    url = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["recipient", "-created_at", "-id"], name="notice_newest_first"),
            models.Index(fields=["recipient"], name="notice_unread", condition=Q(read_at=None)),
        ]
        constraints = [
            models.CheckConstraint(
                name="notice_leads_to_a_page_of_ours",
                condition=Q(url="") | (Q(url__startswith="/") & ~Q(url__startswith="//")),
            )
        ]

    def __str__(self) -> str:
        return f"Notice {self.kind} {self.pk}"

    @property
    def is_read(self) -> bool:
        """Whether she has read it."""
        return self.read_at is not None
