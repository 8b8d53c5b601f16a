"""People who sign in, and the tokens of programs that act for them."""

from functools import cached_property

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.roles import PURPOSE, Role
from common.ids import uuid7
from common.models import BaseModel


class UserQuerySet(models.QuerySet["User"]):
    """Reusable filters."""

    def people(self) -> "UserQuerySet":
        """Everybody but service accounts."""
        return self.exclude(groups__name=Role.SERVICE)


class UserManager(BaseUserManager["User"]):
    """Finds users by name without regard to case."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def people(self) -> UserQuerySet:
        """Everybody but service accounts."""
        return self.get_queryset().people()

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user of that name, whatever the case. Raises User.DoesNotExist."""
        return self.get(username__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in, or a service account. Never deleted: deactivated (their events stay theirs)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username = models.CharField(
        max_length=60,
        unique=True,
        validators=[RegexValidator(r"^[\w.@+-]+\Z", "Letters, digits and . @ + - _ only.")],
    )
    name = models.CharField(max_length=120, help_text="As colleagues write it, with the title.")
    email = models.EmailField(blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_name_unique_whatever_case"),
            models.CheckConstraint(name="user_is_no_superuser", condition=models.Q(is_superuser=False)),
        ]
        permissions = [
            ("manage_users", "Can add, change and deactivate users"),
            ("view_system", "Can see the state of the system"),
        ]

    def __str__(self) -> str:
        return self.username

    @cached_property
    def role_names(self) -> list[str]:
        """Names of the roles held, sorted. One query, or none when groups were prefetched."""
        return sorted(group.name for group in self.groups.all())

    def has_role(self, *roles: str) -> bool:
        """Whether the user is active and holds one of `roles`."""
        return self.is_active and any(role in self.role_names for role in roles)

    @property
    def role_labels(self) -> list[str]:
        """The roles in words."""
        return [Role(name).label if name in Role.values else name for name in self.role_names]

    @property
    def default_purpose(self) -> str:
        """The purpose of use that this person's work has when a request names none."""
        return next((PURPOSE[Role(name)] for name in self.role_names if name in Role.values), "HOPERAT")

    @property
    def display_name(self) -> str:
        """The name colleagues know."""
        return self.name or self.username


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Reusable filters."""

    def usable(self) -> "ApiTokenQuerySet":
        """Neither expired nor revoked, of a user who is active."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now(), user__is_active=True)


class ApiToken(BaseModel):
    """A bearer token: shown once when made, kept only as its SHA-256."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80, blank=True)
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
