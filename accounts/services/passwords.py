"""Verbs on passwords."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import access
from accounts.models import User
from accounts.services.rows import locked
from accounts.services.sittings import end_all_sessions
from accounts.services.telling import tell
from audit.services import record
from common.errors import RuleBroken
from common.notices.models import Tone

DEMO_PASSWORD = "chartroom-demo"  # noqa: S105  (public; only where CHARTROOM_DEMO is on)


def set_password(user: User, password: str, *, field: str = "password") -> None:
    """Raises RuleBroken for a password that policy refuses."""
    is_demo_password = settings.DEMO and password == DEMO_PASSWORD
    if not is_demo_password:
        try:
            validate_password(password, user)
        except ValidationError as weak:
            raise RuleBroken("weak_password", " ".join(weak.messages), field=field) from weak
    user.set_password(password)
    user.password_set_at = timezone.now()


@transaction.atomic
def change_own_password(*, by: User, old: str, new: str, session_key: str | None = None) -> User:
    """Replace one's password; browsers signed in elsewhere than under `session_key` are signed out.

    Raises RuleBroken.
    """
    user = locked(by.pk, None)
    if not user.check_password(old):
        raise RuleBroken("wrong_password", "That is not your present password.", field="old")
    if old == new:
        raise RuleBroken("same_password", "That is the password you have. Choose another one.", field="new")
    set_password(user, new, field="new")
    user.must_change_password = False
    user.save()
    ended = end_all_sessions(user, but=session_key)
    record("user.password_changed", by=by, about=user, detail={"sessions_ended": ended})
    tell(user, "account.password", "Your password was changed.", tone=Tone.NEWS)
    return user


@transaction.atomic
def give_password(*, by: User, user_id: UUID, password: str) -> User:
    """Give somebody a password to sign in with once; she must set one of her own then. Sessions and tokens end.

    Raises Denied, RuleBroken.
    """
    from accounts.services.tokens import revoke_all_tokens

    access.check_may_manage_users(by)
    user = locked(user_id, None)
    access.check_is_not_self(by, user)
    if user.is_program:
        raise RuleBroken("no_password", "An interface signs in with tokens only.", field="password")
    set_password(user, password)
    user.must_change_password = True
    user.save()
    ended, revoked = end_all_sessions(user), revoke_all_tokens(by=by, user=user)
    record(
        "user.password_given", by=by, about=user, detail={"sessions_ended": ended, "tokens_revoked": revoked}
    )
    tell(
        user, "account.password", "An administrator gave you a new password; you set your own.", tone=Tone.DUE
    )
    return user
