"""Who may ask the log."""

from accounts.models import User
from common.errors import Denied


def check_may_view_log(user: User) -> None:
    """Compliance officers only: an event can name any patient and any colleague."""
    if not user.has_perm("review.view_log"):
        raise Denied("Only the compliance office reads the access log.", rule="role")


def check_may_export_log(user: User) -> None:
    """Compliance officers only."""
    check_may_view_log(user)
    if not user.has_perm("review.export_log"):
        raise Denied("Your role does not take the access log out of Chartroom.", rule="role")


def check_may_view_chart_access(user: User) -> None:
    """Compliance officers and records supervisors, for a chart that they may open."""
    if not user.has_perm("review.view_chart_access"):
        raise Denied("Your role does not see who looked at a chart.", rule="role")
