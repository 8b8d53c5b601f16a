"""What every table of ours starts from."""

from django.db import models

from common.ids import uuid7


class BaseModel(models.Model):
    """A row with an opaque id, its times, and a version that tells whether somebody was faster."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class Once(models.Model):
    """A form or API call that was sent with a key of its own: the second one gets the first one's answer.

    The unique row is inserted before the work, in the work's own transaction: a second click waits in the
    database until the first has committed, then reads what came of it. Nothing is done twice.
    """

    id = models.BigAutoField(primary_key=True)
    user_id = models.UUIDField()
    key = models.CharField(max_length=100)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.TextField(default="")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user_id", "key"], name="once_per_user_and_key")]
        indexes = [models.Index(fields=["created_at"], name="once_created_at")]

    def __str__(self) -> str:
        return f"Once {self.pk}"
