"""What somebody must do on a page before she may work: a password of her own, the second factor that her role needs."""

from accounts.models import User
from common.errors import Denied


def check_may_work(user: User, *, is_vouched_for: bool = False) -> None:
    """Raise Denied for somebody who must first set a password of her own, or add a second factor.

    `is_vouched_for`: somebody else stands for her second factor.
    """
    if user.must_change_password:
        raise Denied(
            "Sign in on the page first and set a password of your own.", code="password_change_required"
        )
    if user.needs_second_factor and not user.has_second_factor and not is_vouched_for:
        raise Denied(
            "Your role needs a second factor. Sign in on the page first and add one.",
            code="second_factor_required",
        )
