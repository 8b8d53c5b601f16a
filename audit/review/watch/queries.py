"""Reads of the watch's pages, over alerts that `access` has restricted."""

from datetime import date

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from audit.review.models import Alert, AlertQuerySet, AlertState, WatchRun
from audit.review.watch.gathering import Week

ORDERING = ("-score", "pk")
TOP = 100


def alerts_of(alerts: AlertQuerySet, week: Week, state: str = "") -> QuerySet[Alert]:
    """The alerts of a week, with their people; the list puts the weightiest first."""
    rows = alerts.of_week(week.week_on).select_related("subject", "decided_by")
    return rows.filter(state=state) if state in AlertState.values else rows


def counts_of(alerts: AlertQuerySet, week: Week) -> dict[str, int]:
    """How many alerts of the week are in which state, and in all. One query."""
    counted = alerts.of_week(week.week_on).aggregate(
        all=Count("pk"), **{state: Count("pk", filter=Q(state=state)) for state in AlertState.values}
    )
    return {name: int(number) for name, number in counted.items()}


def run_of(week: Week) -> WatchRun | None:
    """The last look at this week."""
    return WatchRun.objects.filter(week_on=week.week_on).first()


def newest_week() -> Week:
    """The newest week that was looked at; this one, before the first look."""
    newest: date | None = WatchRun.objects.order_by("-week_on").values_list("week_on", flat=True).first()
    return Week.of(newest or timezone.localdate())
