"""Verbs of signing in and out, by page and by program, and of confirming who one is."""

import time

from django.conf import settings
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest

from accounts import throttling
from accounts.models import ApiToken, User
from accounts.services.tokens import issue_token
from audit import context as audit_context
from audit.services import record
from common.errors import TooMany

CONFIRMED_AT = "confirmed_at"


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
        request.session[CONFIRMED_AT] = int(time.time())
        record("user.signed_in", by=user, about=user)


def recently_confirmed(request: HttpRequest, *, within_seconds: int | None = None) -> bool:
    """Whether whoever sits there signed in, or confirmed who she is, a short while ago (CONFIRM_SECONDS).

    A call by token was never confirmed: nobody sits there.
    """
    limit = settings.CONFIRM_SECONDS if within_seconds is None else within_seconds
    confirmed_at = request.session.get(CONFIRMED_AT)
    return confirmed_at is not None and 0 <= time.time() - confirmed_at <= limit


def confirm(*, request: HttpRequest, by: User, password: str) -> bool:
    """Confirm that `by` still sits there. False when the password is wrong; that is an event. Raises TooMany."""
    if check_password(request=request, username=by.username, password=password) is None:
        return False
    with transaction.atomic():
        record("user.confirmed", by=by, about=by)
        request.session[CONFIRMED_AT] = int(time.time())
    return True


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
