"""Verbs on passwords."""

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from accounts.services.rows import locked
from audit.services import record
from common.errors import RuleBroken

DEMO_PASSWORD = "chartroom-demo"  # noqa: S105  (public; only where CHARTROOM_DEMO is on)


def set_password(user: User, password: str) -> None:
    """Raises RuleBroken for a password that policy refuses."""
    is_demo_password = settings.DEMO and password == DEMO_PASSWORD
    if not is_demo_password:
        try:
            validate_password(password, user)
        except ValidationError as weak:
            raise RuleBroken("weak_password", " ".join(weak.messages), field="password") from weak
    user.set_password(password)


@transaction.atomic
def change_own_password(*, by: User, old: str, new: str) -> None:
    """Replace one's password. Raises RuleBroken."""
    user = locked(by.pk, None)
    if not user.check_password(old):
        raise RuleBroken("wrong_password", "That is not your present password.", field="old")
    set_password(user, new)
    user.save()
    record("user.password_changed", by=by, about=user)
