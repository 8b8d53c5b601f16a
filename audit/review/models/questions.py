"""Questions to the log that are asked again and again."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils.http import urlencode

from common.models import BaseModel

if TYPE_CHECKING:
    from accounts.models import User


class SavedQuestionQuerySet(models.QuerySet["SavedQuestion"]):
    """Reusable filters."""

    def kept(self) -> "SavedQuestionQuerySet":
        """Not taken off the list."""
        return self.filter(ended_at=None)


class SavedQuestion(BaseModel):
    """What somebody of the compliance office asks often, for herself or the whole office.

    Chart and person are kept by their ids: no name stands here but the question's own. Its period is kept as it was
    chosen, so "the last 7 days" are those before each asking.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+", null=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    conditions = models.JSONField(
        default=dict
    )  # the other fields of the question bar, as they are typed there
    is_shared = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True)

    objects = SavedQuestionQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                "owner", Lower("name"), name="saved_question_named_once", condition=Q(ended_at=None)
            ),
            models.CheckConstraint(name="saved_question_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return f"Saved question {self.pk}"

    def get_absolute_url(self) -> str:
        """The log, asked this; its own address tells no name either."""
        asked = dict(self.conditions)
        if self.patient_id:
            asked["patient"] = str(self.patient_id)
        if self.person:
            asked["actor"] = self.person.username
        return f"{reverse('review:log')}?{urlencode(asked)}"

    def is_of(self, user: "User") -> bool:
        """Whether it is this person's own."""
        return self.owner_id == user.pk
