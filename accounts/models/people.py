"""People who sign in, the accounts of programs, and roles."""

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from accounts.models.emergencies import InForce
from accounts.roles import PURPOSE, PURPOSES, Role
from common.ids import uuid7
from common.models import BaseModel


class RoleWords(NamedTuple):
    """What people read of a role, and the purpose of use that its work has."""

    label: str
    purpose: str


class UserQuerySet(models.QuerySet["User"]):
    """Reusable filters."""

    def with_roles(self) -> "UserQuerySet":
        """With the roles each holds and their words, in one more query however many people."""
        roles = Group.objects.select_related("hospital_role")
        return self.prefetch_related(models.Prefetch("groups", queryset=roles))

    def holding(self, right: str) -> "UserQuerySet":
        """Active people, service accounts left out, to whom a role gives this right."""
        app_label, codename = right.split(".")
        roles = Group.objects.filter(
            permissions__codename=codename, permissions__content_type__app_label=app_label
        )
        held = User.groups.through.objects.filter(user=models.OuterRef("pk"), group__in=roles)
        return self.people().filter(models.Exists(held), is_active=True)

    def people(self) -> "UserQuerySet":
        """Everybody but service accounts, the house's own and those of interfaces."""
        return self.filter(is_program=False).exclude(groups__name=Role.SERVICE)

    def programs(self) -> "UserQuerySet":
        """The accounts of interfaces, which an administrator made."""
        return self.filter(is_program=True)


class UserManager(BaseUserManager["User"]):
    """Finds users by name without regard to case."""

    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def people(self) -> UserQuerySet:
        """Everybody but service accounts."""
        return self.get_queryset().people()

    def programs(self) -> UserQuerySet:
        """The accounts of interfaces."""
        return self.get_queryset().programs()

    def with_roles(self) -> UserQuerySet:
        """With the roles each holds and their words."""
        return self.get_queryset().with_roles()

    def holding(self, right: str) -> UserQuerySet:
        """Active people to whom a role gives this right."""
        return self.get_queryset().holding(right)

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
    last_day = models.DateField(null=True)  # after it nobody signs in with this name
    deactivated_at = models.DateTimeField(null=True, editable=False)
    manager = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="people_managed")
    password_set_at = models.DateTimeField(null=True, editable=False)
    must_change_password = models.BooleanField(default=False)
    is_program = models.BooleanField(default=False, editable=False)  # an interface: tokens only, no password
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_name_unique_whatever_case"),
            models.CheckConstraint(name="user_is_no_superuser", condition=models.Q(is_superuser=False)),
            models.CheckConstraint(
                name="user_is_not_her_own_manager",
                condition=models.Q(manager=None) | ~models.Q(manager=models.F("pk")),
            ),
        ]
        permissions = [
            ("manage_users", "Can add, change and deactivate users"),
            ("view_system", "Can see the state of the system"),
            ("manage_roles", "Can make, change and retire roles"),
            ("approve_role_change", "Can agree to a role change of somebody else"),
            ("view_rights", "Can see who can do what"),
            ("stop_users", "Can stop somebody's access at once"),
        ]

    def __str__(self) -> str:
        return self.username

    @cached_property
    def role_names(self) -> list[str]:
        """Names of the roles held, sorted. One query, or none when groups were prefetched."""
        return sorted(group.name for group in self.groups.all())

    @cached_property
    def role_words(self) -> dict[str, RoleWords]:
        """The words of each role held. No query for the roles of the house, nor for people read `with_roles()`."""
        words = {}
        for group in sorted(self.groups.all(), key=lambda group: group.name):
            if group.name in Role.values:
                words[group.name] = RoleWords(Role(group.name).label, PURPOSE[Role(group.name)])
            elif own := getattr(group, "hospital_role", None):
                words[group.name] = RoleWords(own.label, own.purpose)
        return words

    @property
    def role_labels(self) -> list[str]:
        """The roles in words."""
        return [words.label for words in self.role_words.values()]

    @property
    def default_purpose(self) -> str:
        """The purpose of use that this person's work has when a request names none."""
        return next((words.purpose for words in self.role_words.values()), "HOPERAT")

    @cached_property
    def rights(self) -> frozenset[str]:
        """Everything the roles held allow; nothing for somebody deactivated."""
        return frozenset(self.get_all_permissions())

    def keep_rights(self, names: Iterable[str]) -> None:
        """Have no rights but these of the ones that the roles allow: for a request by a token with scopes."""
        kept = self.rights & frozenset(names)
        vars(self).update(rights=kept, _group_perm_cache=set(kept), _perm_cache=set(kept))

    @cached_property
    def has_second_factor(self) -> bool:
        """Whether an authenticator app or a security key stands beside the password."""
        from allauth.mfa.models import Authenticator

        return bool(Authenticator.objects.filter(user=self).exclude(type="recovery_codes").exists())

    @cached_property
    def needs_second_factor(self) -> bool:
        """Whether one of the roles held asks for a second factor. The demonstration asks nobody."""
        if settings.DEMO:
            return False
        asking = set(settings.SECOND_FACTOR_ROLES)
        return any(
            group.name in asking or "all" in asking or getattr(group, "needs_second_factor", False)
            for group in self.groups.annotate(
                needs_second_factor=models.F("hospital_role__needs_second_factor")
            )
        )

    def get_absolute_url(self) -> str:
        """The administrator's page about this person."""
        return reverse("accounts:user", args=[self.pk])

    @cached_property
    def house_emergency(self) -> InForce | None:
        """The emergency in force for the house, as the sign-in backend found it with the person; else None."""
        return None

    @property
    def display_name(self) -> str:
        """The name colleagues know."""
        return self.name or self.username


class HospitalRole(BaseModel):
    """A role that the hospital made itself: its words and rules, beside the group that carries its rights.

    Never deleted: retired, when nobody holds it any more. The group's name is its lasting name in the log.
    """

    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="hospital_role")
    label = models.CharField(max_length=60)
    description = models.CharField(max_length=300)
    purpose = models.CharField(max_length=20, choices=PURPOSES)
    needs_second_factor = models.BooleanField(default=False)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("label"), name="hospital_role_label_unique_whatever_case"),
            models.CheckConstraint(
                name="hospital_role_purpose_is_known", condition=models.Q(purpose__in=list(PURPOSES))
            ),
        ]

    def __str__(self) -> str:
        return f"Hospital role {self.pk}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("accounts:role", args=[self.group.name])
