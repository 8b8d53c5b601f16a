"""The tokens of programs that act for somebody."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models.people import User
from accounts.rights import words_of
from common.models import BaseModel


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Reusable filters."""

    def usable(self) -> "ApiTokenQuerySet":
        """Neither expired nor revoked, of a user who is active."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True).exclude(
            user__last_day__lt=timezone.localdate()
        )


class Voucher(models.TextChoices):
    """Who stands for the second factor of a token's owner where she has none here."""

    NOBODY = "", "nobody"
    PROVIDER = "provider", "single sign-on vouched for it when the token was made"
    OPERATOR = "operator", "made on the command line by whoever runs Chartroom"


class ApiToken(BaseModel):
    """A bearer token: shown once when made, kept only as its SHA-256."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80, blank=True)
    scopes = ArrayField(
        models.CharField(max_length=100), null=True
    )  # of its owner's rights; null: all of them
    vouched_by = models.CharField(max_length=8, choices=Voucher, default=Voucher.NOBODY, blank=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    objects = ApiTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"API token {self.pk}"

    @property
    def is_usable(self) -> bool:
        """Neither expired nor revoked."""
        return self.revoked_at is None and self.expires_at > timezone.now()

    @property
    def scope_words(self) -> str:
        """What it may, in words."""
        if self.scopes is None:
            return "everything its owner may"
        return ", ".join(words_of(name) for name in self.scopes) or "nothing"
