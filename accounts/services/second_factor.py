"""Verbs on second factors: an authenticator app, security keys, recovery codes."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts import access, authenticators
from accounts.authenticators import TYPES
from accounts.models import User
from accounts.services.telling import tell
from audit.services import record
from common.errors import NotFound, RuleBroken
from common.notices.models import Tone

WRONG_CODE = (
    "This code is not right, or was used already. Wait for the next one. If codes keep being refused, the clock of the"
    " phone is wrong: let it set its time by itself."
)
NOT_ANSWERED = "The security key did not answer as it should. Try again."


def _first_codes(user: User) -> list[str]:
    """Recovery codes for somebody who has none yet; nothing for somebody who has."""
    if Authenticator.objects.filter(user=user, type=TYPES.RECOVERY_CODES).exists():
        return []
    return authenticators.new_recovery_codes(user)


def _added(user: User, row: Authenticator, words: str) -> list[str]:
    row.save()
    codes = _first_codes(user)
    record(
        "second_factor.added", by=user, about=user, detail={"kind": row.type, "recovery_codes": len(codes)}
    )
    tell(
        user,
        "account.second_factor",
        f"{words} was added to your account as a second factor.",
        tone=Tone.GOOD,
    )
    return codes


@transaction.atomic
def add_app(*, by: User, secret: str, code: str) -> list[str]:
    """Add an authenticator app that shows the right code now. Returns recovery codes, if these are the first.

    Raises RuleBroken.
    """
    by = User.objects.select_for_update().get(pk=by.pk)
    if Authenticator.objects.filter(user=by, type=TYPES.TOTP).exists():
        raise RuleBroken(
            "one_app", "You have an authenticator app already. Remove that one first.", field="code"
        )
    app = authenticators.app_with(by, secret, code)
    if app is None:
        raise RuleBroken("wrong_code", WRONG_CODE, field="code")
    return _added(by, app, "An authenticator app")


@transaction.atomic
def add_key(*, by: User, name: str, credential: Any) -> list[str]:
    """Add a security key that answered the challenge. Returns recovery codes, if these are the first.

    Raises RuleBroken.
    """
    by = User.objects.select_for_update().get(pk=by.pk)
    key = authenticators.new_key(by, name, credential)
    if key is None:
        raise RuleBroken("key_not_answered", NOT_ANSWERED)
    return _added(by, key, f"The security key “{name}”")


@transaction.atomic
def make_recovery_codes(*, by: User) -> list[str]:
    """New recovery codes; those there were are void. Raises RuleBroken for somebody without a second factor."""
    by = User.objects.select_for_update().get(pk=by.pk)
    if not by.has_second_factor:
        raise RuleBroken("no_second_factor", "Recovery codes stand in for a second factor. Add one first.")
    codes = authenticators.new_recovery_codes(by)
    record("recovery_codes.made", by=by, about=by, detail={"count": len(codes)})
    tell(
        by, "account.recovery_codes", "New recovery codes were made for your account; the old ones are void."
    )
    return codes


@transaction.atomic
def remove_second_factor(*, by: User, authenticator_id: int) -> None:
    """Remove one's app or one of one's keys; recovery codes go with the last. Raises NotFound, RuleBroken."""
    user = User.objects.select_for_update().get(pk=by.pk)
    rows = Authenticator.objects.filter(user=user).exclude(type=TYPES.RECOVERY_CODES)
    row = rows.filter(pk=authenticator_id).first()
    if row is None:
        raise NotFound
    is_last = rows.count() == 1
    if is_last and user.needs_second_factor:
        raise RuleBroken(
            "second_factor_needed", "Your role needs a second factor. Add another one before you remove this."
        )
    kind, name = row.type, str(row)
    row.delete()
    if is_last:
        Authenticator.objects.filter(user=user).delete()
    record("second_factor.removed", by=by, about=user, detail={"kind": kind, "name": name})
    tell(
        user,
        "account.second_factor",
        f"A second factor was removed from your account: {name}.",
        tone=Tone.DUE,
    )


@transaction.atomic
def reset_second_factor(*, by: User, user_id: Any) -> User:
    """Remove all second factors of somebody who lost them; her sessions end. Raises Denied, NotFound."""
    from accounts.services.sittings import end_all_sessions

    access.check_may_manage_users(by)
    user = User.objects.people().select_for_update(of=["self"]).filter(pk=user_id).first()
    if user is None:
        raise NotFound
    access.check_is_not_self(by, user)
    removed, _ = Authenticator.objects.filter(user=user).delete()
    if removed:
        end_all_sessions(user)
        record("second_factor.removed", by=by, about=user, detail={"kind": "all"}, reason="lost")
        tell(user, "account.second_factor", "An administrator removed your second factors.", tone=Tone.DUE)
    return user
