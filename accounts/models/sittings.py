"""Browsers signed in, and what somebody had typed when the screen went blank."""

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils import timezone

from accounts.models.people import User
from common.models import BaseModel


class BrowserSessionQuerySet(models.QuerySet["BrowserSession"]):
    """Reusable filters."""

    def of(self, user: User) -> "BrowserSessionQuerySet":
        """Where this person is signed in, the place used last first."""
        return self.filter(user=user, expire_date__gt=timezone.now()).order_by("-seen_at", "number")


class BrowserSession(AbstractBaseSession):
    """A browser's session: Django's row, and whose it is, so that she can see it and end it.

    `accounts.sessions.SessionStore` fills the columns from the session itself. A row that is gone is a session that has
    ended; what happened in it is in the log.
    """

    # Names it to people; the key would open it. Not unique: a session that changes its key has two rows for a moment.
    number = models.UUIDField(null=True, db_index=True)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="browser_sessions")
    address = models.GenericIPAddressField(null=True)
    device = models.CharField(max_length=80, blank=True)
    started_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)

    objects = BaseSessionManager.from_queryset(BrowserSessionQuerySet)()  # type: ignore[misc]

    def __str__(self) -> str:
        return f"Browser session {self.number}"


class Draft(BaseModel):
    """What somebody had typed into the forms of a page when it went blank: hers alone, sealed, for some hours."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=500)
    sealed = models.TextField()
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "path"], name="draft_one_for_a_page")]
        indexes = [models.Index(fields=["expires_at"], name="draft_expires_at")]
