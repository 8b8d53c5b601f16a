"""Verbs on people: sign in and out, tokens, users. Each writes its event."""

import hashlib
import secrets
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import access, throttling
from accounts.models import ApiToken, User
from accounts.roles import Role
from audit import context as audit_context
from audit.services import record
from common.errors import RuleBroken, Stale, TooMany

TOKEN_PREFIX = "cr_"  # noqa: S105  (lets secret scanners recognise one)


def check_password(*, request: HttpRequest | None, username: str, password: str) -> User | None:
    """The active user whose name and password these are, or None; a failure is an event.

    Raises TooMany after too many failures. A name nobody has takes the same time as a wrong password: the same
    questions are asked of the database, and a password is hashed either way.
    """
    try:
        with transaction.atomic():
            throttling.check_may_try(username, audit_context.current().ip)
            known = User.objects.filter(username__iexact=username).first()
            user = auth.authenticate(request, username=username, password=password)
            if isinstance(user, User):
                if known is not None and known.password != user.password:
                    record("user.password_changed", by=user, about=user, reason="hashed by a newer method")
                return user
            record(
                "user.sign_in_failed",
                by=None,
                actor=username,
                about=known,
                outcome="failed",
                reason="credentials",
            )
    except TooMany:
        throttling.note_refused(username)
        raise
    return None


def sign_in(*, request: HttpRequest, user: User) -> None:
    """Start a browser session with a fresh key (no fixation)."""
    with transaction.atomic():
        auth.login(request, user)
        record("user.signed_in", by=user, about=user)


def sign_in_program(*, username: str, password: str) -> tuple[str, ApiToken] | None:
    """A token for a program that knows a person's name and password; None when they do not belong together.

    Raises TooMany.
    """
    user = check_password(request=None, username=username, password=password)
    if user is None:
        return None
    with transaction.atomic():
        text, token = issue_token(by=user, user=user, label="sign-in by program")
        record("user.signed_in", by=user, about=user, detail={"token": token.pk})
    return text, token


def end_session(request: HttpRequest, *, idle: bool = False) -> None:
    """Sign the browser out and forget its session."""
    user = request.user
    if not isinstance(user, User):
        return
    with transaction.atomic():
        record("user.timed_out" if idle else "user.signed_out", by=user, about=user)
        auth.logout(request)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def issue_token(*, by: User, user: User, label: str = "", hours: int | None = None) -> tuple[str, ApiToken]:
    """Make a token; its text is returned once and never kept."""
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        digest=_digest(text),
        label=label,
        expires_at=timezone.now() + timedelta(hours=hours or settings.TOKEN_HOURS),
    )
    record("token.issued", by=by, about=token, detail={"user": user.username, "expires_at": token.expires_at})
    return text, token


@transaction.atomic
def revoke_token(*, by: User, token: ApiToken) -> None:
    """End a token at once. One's own, or anybody's for whoever manages users. Raises Denied."""
    access.check_may_revoke(by, token)
    token = ApiToken.objects.select_for_update().get(pk=token.pk)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record("token.revoked", by=by, about=token, detail={"user": token.user.username})


def usable_token(text: str) -> ApiToken | None:
    """The usable token of this text with its user and roles (two queries), or None."""
    if not text.startswith(TOKEN_PREFIX):
        return None
    tokens = ApiToken.objects.usable().select_related("user").prefetch_related("user__groups")
    return tokens.filter(digest=_digest(text)).first()


def note_token_use(token: ApiToken) -> None:
    """Remember the minute of the last use. Not a change of the record, so no event: a bulk update on purpose."""
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())


def service_account(name: str) -> User:
    """The account that background work of this name acts as; made when first asked for."""
    username = f"system:{name}"
    found = User.objects.prefetch_related("groups").filter(username=username).first()
    if found:
        return found
    with transaction.atomic():
        user, is_new = User.objects.get_or_create(
            username=username, defaults={"name": f"Chartroom ({name})", "password": "!"}
        )
        if is_new:
            user.groups.add(Group.objects.get(name=Role.SERVICE))
            record("user.created", by=user, about=user, reason="service account")
    return User.objects.prefetch_related("groups").get(pk=user.pk)


@transaction.atomic
def create_user(
    *, by: User | None, username: str, name: str, password: str, roles: list[str], email: str = ""
) -> User:
    """Add a person. `by=None` is the command line (first administrator). Raises Denied, RuleBroken."""
    if by is not None:
        access.check_may_manage_users(by)
    unknown = set(roles) - set(Role.values) | ({Role.SERVICE.value} & set(roles))
    if unknown or not roles:
        raise RuleBroken("unknown_role", "Choose at least one of the roles.", field="roles")
    if User.objects.filter(username__iexact=username).exists():
        raise RuleBroken("username_taken", "Somebody has this user name already.", field="username")
    user = User(username=username, name=name, email=email)
    _set_password(user, password)
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    record("user.created", by=by, actor="command", about=user, detail={"roles": sorted(roles)})
    return user


def _set_password(user: User, password: str) -> None:
    """Raises RuleBroken for a password that policy refuses."""
    is_demo_password = settings.DEMO and password == DEMO_PASSWORD
    if not is_demo_password:
        try:
            validate_password(password, user)
        except ValidationError as weak:
            raise RuleBroken("weak_password", " ".join(weak.messages), field="password") from weak
    user.set_password(password)


DEMO_PASSWORD = "chartroom-demo"  # noqa: S105  (public; only where CHARTROOM_DEMO is on)


def _locked(user_id: UUID, seen_version: int | None) -> User:
    user = User.objects.select_for_update().get(pk=user_id)
    if seen_version is not None and user.version != seen_version:
        raise Stale
    user.version += 1
    return user


@transaction.atomic
def change_user(
    *, by: User, user_id: UUID, name: str, email: str, roles: list[str], seen_version: int | None = None
) -> User:
    """Change a person's name, address and roles. Nobody changes her own roles. Raises Denied, Stale, RuleBroken."""
    access.check_may_manage_users(by)
    user = _locked(user_id, seen_version)
    if set(roles) != set(user.role_names):
        access.check_is_not_self(by, user)
        if not roles or set(roles) - set(Role.values):
            raise RuleBroken("unknown_role", "Choose at least one of the roles.", field="roles")
    before = user.role_names
    user.name, user.email = name, email
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    record("user.changed", by=by, about=user, detail={"roles_before": before, "roles_after": sorted(roles)})
    return User.objects.get(pk=user.pk)


@transaction.atomic
def set_active(*, by: User, user_id: UUID, is_active: bool) -> User:
    """Deactivate (ends sessions at their next request, and tokens) or activate. Raises Denied."""
    access.check_may_manage_users(by)
    user = _locked(user_id, None)
    access.check_is_not_self(by, user)
    if user.is_active != is_active:
        user.is_active = is_active
        user.save()
        record("user.activated" if is_active else "user.deactivated", by=by, about=user)
    return user


@transaction.atomic
def change_own_password(*, by: User, old: str, new: str) -> None:
    """Replace one's password. Raises RuleBroken."""
    user = _locked(by.pk, None)
    if not user.check_password(old):
        raise RuleBroken("wrong_password", "That is not your present password.", field="old")
    _set_password(user, new)
    user.save()
    record("user.password_changed", by=by, about=user)


@transaction.atomic
def list_users(*, by: User) -> list[User]:
    """Everybody who can sign in, by name; the look is an event. Raises Denied."""
    access.check_may_manage_users(by)
    users = list(User.objects.people().prefetch_related("groups").order_by("username"))
    record("user.list_viewed", by=by, detail={"count": len(users)})
    return users
