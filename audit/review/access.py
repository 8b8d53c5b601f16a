"""Who may ask the log."""

from typing import Any

from accounts.models import User
from audit.review.models import GlassReview
from common.errors import Denied, NotFound
from common.ids import as_uuid


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


def check_may_review_glass(user: User) -> None:
    """Compliance officers only."""
    if not user.has_perm("review.review_glass"):
        raise Denied("Only the compliance office reviews broken glass.", rule="role")


def check_may_decide(user: User, review: GlassReview) -> None:
    """Nobody reviews her own (MON-5); the table refuses it too."""
    check_may_review_glass(user)
    if review.is_of(user):
        raise Denied(
            "Somebody else must review what you did yourself.",
            patient_id=review.patient_id,
            about=review,
            rule="one's own",
        )


def get_review_for(user: User, review_id: Any, *, lock: bool = False) -> GlassReview:
    """One task, with the glass or emergency it is about. Raises Denied, NotFound."""
    check_may_review_glass(user)
    key = as_uuid(review_id)
    rows = GlassReview.objects.select_related(
        "glass__user", "glass__ended_by", "subject", "second", "decided_by"
    )
    rows = rows.select_related("emergency__ended_by")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    review = rows.filter(pk=key).first() if key else None
    if review is None:
        raise NotFound
    return review
