"""Reads about reviews of activity."""

from datetime import date

from django.db.models import Count, Q, QuerySet

from audit.review.models import SignOff


def to_sign() -> QuerySet[SignOff]:
    """Those that are still to be done, the earliest due first."""
    return SignOff.objects.unsigned().order_by("due_on", "pk")


def signed() -> QuerySet[SignOff]:
    """Those that are done, with who signed them."""
    return SignOff.objects.exclude(signed_at=None).select_related("signed_by")


def count_due(today: date) -> dict[str, int]:
    """How many are to be done, and how many of them are past their day. One query."""
    counted: dict[str, int] = SignOff.objects.unsigned().aggregate(
        waiting=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=today))
    )
    return counted
