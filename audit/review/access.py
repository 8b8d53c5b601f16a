"""Who may ask the log."""

from typing import Any

from django.db.models import Q

from accounts.models import User
from audit.review.models import Alert, AlertQuerySet, GlassReview, SavedQuestion, SavedQuestionQuerySet
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


def check_may_work_alerts(user: User) -> None:
    """Compliance officers only."""
    if not user.has_perm("review.work_alerts"):
        raise Denied("Only the compliance office works the alerts of the watch.", rule="role")


def check_may_change_watch(user: User) -> None:
    """Compliance officers only."""
    if not user.has_perm("review.change_watch"):
        raise Denied("Only the compliance office says what the watch looks for.", rule="role")


def alerts_visible_to(user: User) -> AlertQuerySet:
    """Every alert but those about herself: nobody learns that she is watched, or works on it (MON-5)."""
    if not user.has_perm("review.work_alerts"):
        return Alert.objects.none()
    return Alert.objects.not_about(user)


def get_alert_for(user: User, alert_id: Any, *, lock: bool = False) -> Alert:
    """One alert with its people. Raises Denied, NotFound (one about herself, too)."""
    check_may_work_alerts(user)
    key = as_uuid(alert_id)
    rows = alerts_visible_to(user).select_related("subject", "decided_by")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    alert = rows.filter(pk=key).first() if key else None
    if alert is None:
        raise NotFound
    return alert


def check_may_decide_alert(user: User, alert: Alert) -> None:
    """Nobody decides about herself (MON-5); the table refuses it too."""
    check_may_work_alerts(user)
    if alert.subject_id == user.pk:
        raise Denied(
            "Somebody else must decide about what you did yourself.",
            patient_id=alert.patient_id,
            about=alert,
            rule="one's own",
        )


def saved_visible_to(user: User) -> SavedQuestionQuerySet:
    """One's own kept questions and those that colleagues of the office share."""
    if not user.has_perm("review.view_log"):
        return SavedQuestion.objects.none()
    return SavedQuestion.objects.kept().filter(Q(owner=user) | Q(is_shared=True))


def get_saved_for(user: User, question_id: Any, *, lock: bool = False) -> SavedQuestion:
    """One kept question. Raises Denied, NotFound."""
    check_may_view_log(user)
    key = as_uuid(question_id)
    rows = saved_visible_to(user).select_related("person")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    saved = rows.filter(pk=key).first() if key else None
    if saved is None:
        raise NotFound
    return saved


def check_may_end_saved(user: User, saved: SavedQuestion) -> None:
    """Whoever kept it."""
    check_may_view_log(user)
    if saved.owner_id != user.pk:
        raise Denied("Only whoever kept this question takes it off the list.", about=saved, rule="owner")
