"""Reads about users and tokens."""

from uuid import UUID

from allauth.mfa.models import Authenticator
from django.db.models import QuerySet

from accounts import access
from accounts.models import ApiToken, BrowserSession, User
from common.errors import NotFound


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
    """Somebody active of this name, whatever the case, for work to be given to; None when nobody has it."""
    return User.objects.filter(username__iexact=username, is_active=True).first()


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
