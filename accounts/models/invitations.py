"""The link by which somebody sets her own password, once."""

from django.db import models
from django.utils import timezone

from accounts.models.people import User
from common.models import BaseModel


class InvitationQuerySet(models.QuerySet["Invitation"]):
    """Reusable filters."""

    def usable(self) -> "InvitationQuerySet":
        """Neither used nor expired, of somebody who may sign in."""
        return self.filter(used_at=None, expires_at__gt=timezone.now(), user__is_active=True)


class Invitation(BaseModel):
    """Shown once to whoever makes it, kept only as its SHA-256. A newer one ends those before it."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = InvitationQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Invitation {self.pk}"

    @property
    def is_usable(self) -> bool:
        """Neither used nor expired."""
        return self.used_at is None and self.expires_at > timezone.now()
