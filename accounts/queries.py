"""Reads about users and tokens."""

from uuid import UUID

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.urls import reverse

from accounts import access
from accounts.models import ApiToken, BrowserSession, HouseEmergency, Identity, RoleChange, User
from accounts.openwork import Work
from common.errors import NotFound, RuleBroken


def own_tokens(user: User) -> QuerySet[ApiToken]:
    """One's own tokens that are not revoked, newest first; expired ones stay to be seen."""
    return ApiToken.objects.filter(user=user, revoked_at=None).order_by("-created_at")


def token_of(user: User, pk: UUID) -> ApiToken:
    """One of one's own tokens, or NotFound."""
    token = ApiToken.objects.filter(user=user, pk=pk).first()
    if token is None:
        raise NotFound
    return token


def active_user_named(username: str) -> User | None:
    """The active person of this name, whatever the case, for work to be given to; None when nobody has it."""
    return User.objects.people().filter(username__iexact=username, is_active=True).first()


def person_named(username: str) -> User:
    """Somebody who works here, by her user name in any case. Raises RuleBroken at the field."""
    person = User.objects.people().filter(username__iexact=username).first()
    if person is None:
        raise RuleBroken("username", "Nobody here has this user name.", field="username")
    return person


def emergency_roles() -> QuerySet[Group]:
    """The roles that an emergency can open every chart to: those whose work opens charts, but not every one."""
    opening = Permission.objects.filter(content_type__app_label="patients")
    every = opening.filter(codename="open_every_chart")
    rows = Group.objects.filter(permissions__in=opening.filter(codename="view_chart"))
    return rows.exclude(permissions__in=every).select_related("hospital_role").order_by("name")


def standing_emergencies() -> list[HouseEmergency]:
    """Those that wait for their second person or are in force, a real one before a drill."""
    rows = HouseEmergency.objects.in_force() | HouseEmergency.objects.waiting()
    found = rows.select_related("declared_by", "confirmed_by").prefetch_related("roles")
    return list(found.order_by("is_drill"))


def user_for(by: User, pk: UUID) -> User:
    """Somebody who can sign in, for whoever manages users. Raises Denied, NotFound."""
    access.check_may_manage_users(by)
    person = User.objects.people().with_roles().filter(pk=pk).first()
    if person is None:
        raise NotFound
    return person


def second_factors_of(user: User) -> QuerySet[Authenticator]:
    """The app and the keys of this person, oldest first."""
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(user=user)
    return rows.exclude(type=Authenticator.Type.RECOVERY_CODES).order_by("pk")


def sittings_of(user: User) -> QuerySet[BrowserSession]:
    """Where this person is signed in, the place used last first."""
    return BrowserSession.objects.of(user)


def people_managed(person: User) -> Work:
    """Whose rights she confirms."""
    return Work("People whose manager this is", person.people_managed.filter(is_active=True).count())


def changes_proposed(person: User) -> Work:
    """Her proposals that nobody has decided."""
    count = RoleChange.objects.waiting().filter(proposed_by=person).count()
    return Work("Changes of rights that wait", count, reverse("accounts:role-changes"))


def is_identity_of(user: User, issuer: str, subject: str) -> bool:
    """Whether this subject is this person."""
    return Identity.objects.filter(user=user, issuer=issuer, subject=subject).exists()


def has_identity(user: User) -> bool:
    """Whether this person's account is connected to single sign-on."""
    return Identity.objects.filter(user=user).exists()


def program_for(by: User, pk: UUID) -> User:
    """An interface's account, for whoever manages users. Raises Denied, NotFound."""
    access.check_may_manage_users(by)
    program = User.objects.programs().with_roles().filter(pk=pk).first()
    if program is None:
        raise NotFound
    return program
