"""Verbs of signing in and out, by page and by program, and of confirming who one is.

A password alone signs nobody in who has a second factor: the browser's session then holds only who waits, until a code
or a security key has been taken too.
"""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest

from accounts import authenticators, sessions, throttling
from accounts.backends import RoleBackend
from accounts.models import ApiToken, User
from accounts.services.drafts import drafts_of
from accounts.services.first_steps import check_may_work
from accounts.services.telling import tell
from accounts.services.tokens import issue_token
from accounts.sessions import CONFIRMED_AT
from audit import context as audit_context
from audit.services import record
from common.errors import TooMany
from common.notices.models import Tone

BACKEND = "accounts.backends.RoleBackend"
WAITING = "waiting"
FACTOR_ELSEWHERE = "factor_elsewhere"  # single sign-on vouches for a second factor
WAITING_SECONDS = 600


def check_password(*, request: HttpRequest | None, username: str, password: str) -> User | None:
    """The active user whose name and password these are, or None; a failure is an event.

    Raises TooMany after too many failures. A name nobody has takes the same time as a wrong password: the same
    questions are asked of the database, and a password is hashed either way.
    """
    with throttling.turn():
        return _tried(username, lambda: _with_password(request, username, password))


def _tried(username: str, attempt: Callable[[], User | None]) -> User | None:
    """Make an attempt that throttling allows, in one transaction with the event it writes."""
    try:
        with transaction.atomic():
            throttling.check_may_try(username, audit_context.current().ip)
            return attempt()
    except TooMany:
        throttling.note_refused(username)
        raise


def _with_password(request: HttpRequest | None, username: str, password: str) -> User | None:
    known = User.objects.filter(username__iexact=username).first()
    user = auth.authenticate(request, username=username, password=password)
    if isinstance(user, User):
        if known is not None and known.password != user.password:
            record("user.password_changed", by=user, about=user, reason="hashed by a newer method")
        return user
    _failed(username, known, "credentials")
    return None


def _failed(username: str, known: User | None, reason: str) -> None:
    record("user.sign_in_failed", by=None, actor=username, about=known, outcome="failed", reason=reason)


def arrive(*, request: HttpRequest, user: User, after: str, means: str = "password") -> bool:
    """Sign in whoever was recognised by `means`; False when a second factor is still to come.

    Nothing but the wait is kept then, in a session with a fresh key.
    """
    if not user.has_second_factor:
        sign_in(request=request, user=user, means=[means])
        return True
    request.session.flush()
    request.session[WAITING] = {
        "user": str(user.pk),
        "at": int(time.time()),
        "after": after,
        "means": means,
        "hash": user.get_session_auth_hash(),
    }
    return False


def who_waits(request: HttpRequest) -> tuple[User, str] | None:
    """Who waits in this browser for her second factor, and where she wants to go; None after ten minutes."""
    waiting = request.session.get(WAITING)
    if not waiting or not 0 <= time.time() - waiting["at"] <= WAITING_SECONDS:
        return None
    user = RoleBackend().get_user(waiting["user"])
    if user is None or waiting["hash"] != user.get_session_auth_hash():
        return None
    return user, waiting["after"]


def finish_sign_in(*, request: HttpRequest, user: User, code: str = "", credential: Any = None) -> bool:
    """Sign in who waits, with a code or a key's answer. False when it is not hers; that is an event.

    Raises TooMany.
    """
    means = request.session[WAITING]["means"]

    def attempt() -> User | None:
        taken = _second_factor(user, code, credential)
        if taken is None:
            return None
        sign_in(request=request, user=user, means=[means, taken])
        return user

    return _tried(user.username, attempt) is not None


def _second_factor(user: User, code: str, credential: Any = None) -> str | None:
    """The method that took the code or the key's answer; None is an event, and its owner is told."""
    throttling.check_may_try_code(user.username, user.password_set_at)
    if credential is not None:
        taken = "webauthn" if authenticators.takes_key(user, credential) else None
    else:
        taken = authenticators.takes_code(user, code)
    if taken is None:
        _failed(user.username, user, throttling.SECOND_FACTOR)
        tell(
            user,
            "account.code_refused",
            "Somebody gave your password, or what stands for it, and then a wrong second factor. If it was not you,"
            " change your password now and tell the administrator.",
            tone=Tone.DUE,
        )
    elif taken == authenticators.TYPES.RECOVERY_CODES:
        left = authenticators.recovery_codes_left(user)
        record("recovery_codes.used", by=user, about=user, detail={"left": left})
        tell(
            user,
            "account.recovery_codes",
            f"A recovery code of yours was used; {left} are left.",
            tone=Tone.DUE,
        )
    return taken


def sign_in(*, request: HttpRequest, user: User, means: list[str] | None = None) -> None:
    """Start a browser session with a fresh key (no fixation)."""
    with transaction.atomic():
        request.session.pop(WAITING, None)
        auth.login(request, user, backend=BACKEND)
        sessions.begin(request, at=int(time.time()))
        if kept := drafts_of(user):
            request.session[sessions.DRAFTS] = kept
        record("user.signed_in", by=user, about=user, detail={"means": means or ["password"]})


def recently_confirmed(request: HttpRequest, *, within_seconds: int | None = None) -> bool:
    """Whether whoever sits there signed in, or confirmed who she is, a short while ago (CONFIRM_SECONDS).

    A call by token was never confirmed: nobody sits there.
    """
    limit = settings.CONFIRM_SECONDS if within_seconds is None else within_seconds
    confirmed_at = request.session.get(CONFIRMED_AT)
    return confirmed_at is not None and 0 <= time.time() - confirmed_at <= limit


def confirm(
    *, request: HttpRequest, by: User, password: str = "", code: str = "", credential: Any = None
) -> bool:
    """Confirm that `by` still sits there: by her password, a code, or a key's answer. False when it is not hers.

    A failure is an event. Raises TooMany.
    """

    def attempt() -> User | None:
        if password:
            user = _with_password(request, by.username, password)
        else:
            user = by if _second_factor(by, code, credential) else None
        if user is not None:  # in this transaction: a code that was taken is a change, and wants its event
            note_confirmed(request, by=by)
        return user

    with throttling.turn():
        return _tried(by.username, attempt) is not None


def note_confirmed(request: HttpRequest, *, by: User) -> None:
    """Remember in the session that `by` has just shown who she is."""
    with transaction.atomic():
        record("user.confirmed", by=by, about=by)
        request.session[CONFIRMED_AT] = int(time.time())


def sign_in_program(*, username: str, password: str, otp: str = "") -> tuple[str, ApiToken] | None:
    """A token for a program that knows a person's name and password, and her second factor if she has one.

    None when they do not belong together, whichever of them it was: an answer that tells a missing code from a wrong
    password would tell a stranger that the password is right. Raises TooMany, and Denied for somebody whose first
    step must be on a page: a new password, or a second factor that the role needs.
    """

    issued: list[tuple[str, ApiToken]] = []

    def attempt() -> User | None:
        user = _with_password(None, username, password)
        if user is None:
            return None
        if user.has_second_factor and not otp:
            _failed(username, user, "no code")
            return None
        if user.has_second_factor and _second_factor(user, otp) is None:
            return None
        check_may_work(user)
        text, token = issue_token(by=user, user=user, label="sign-in by program")
        record("user.signed_in", by=user, about=user, detail={"token": token.pk})
        issued.append((text, token))
        return user

    with throttling.turn():
        _tried(username, attempt)
    return issued[0] if issued else None


def end_session(request: HttpRequest, *, reason: str = "") -> None:
    """Sign the browser out and forget its session. `reason`: idle, too long, switch; nothing for her own wish."""
    user = request.user
    if not isinstance(user, User):
        return
    with transaction.atomic():
        is_timed_out = reason in {"idle", "too long"}
        record("user.timed_out" if is_timed_out else "user.signed_out", by=user, about=user, reason=reason)
        auth.logout(request)
