"""Reads about cases; lists take what `case_access` allows."""

from datetime import timedelta

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.openwork import Work
from audit.review import clocks
from audit.review.models import Case, CaseQuerySet, CaseStatus, GlassReview, Outcome


def work_list(rows: CaseQuerySet, *, show: str = "", mine: User | None = None) -> QuerySet[Case]:
    """Cases with what a list shows. `show`: empty for what is not finished, `decided`, `closed`."""
    if show == "closed":
        rows = rows.filter(status=CaseStatus.CLOSED)
    elif show == "decided":
        rows = rows.filter(status=CaseStatus.DECIDED)
    else:
        rows = rows.unfinished()
    if mine is not None:
        rows = rows.filter(assigned_to=mine)
    return rows.select_related("subject", "assigned_to", "notice")


def counts(rows: CaseQuerySet) -> dict[str, int]:
    """How many are not finished, how many nobody has, how many clocks end within a fortnight or are over. One query."""
    soon = timezone.localdate() - timedelta(days=clocks.NOTICE_DAYS - 14)
    late = timezone.localdate() - timedelta(days=clocks.NOTICE_DAYS)
    undecided = Q(status=CaseStatus.OPEN)
    counted: dict[str, int] = rows.unfinished().aggregate(
        waiting=Count("pk"),
        unassigned=Count("pk", filter=Q(assigned_to=None)),
        soon=Count("pk", filter=undecided & Q(discovered_on__lte=soon, discovered_on__gte=late)),
        over=Count("pk", filter=undecided & Q(discovered_on__lt=late)),
    )
    return counted


def without_case(user: User) -> QuerySet[GlassReview]:
    """Reviews of glass that ended in "needs a case" and have none, and are not about this person."""
    rows = GlassReview.objects.filter(outcome=Outcome.CASE, opened_case=None, is_drill=False)
    return rows.exclude(subject=user).exclude(second=user).select_related("subject").order_by("decided_at")


def case_of_glass(rows: CaseQuerySet, review: GlassReview) -> Case | None:
    """The case that a review of glass led to, if the reader may see it."""
    return rows.filter(glass_review=review).first()


def cases_of(person: User) -> Work:
    """What an administrator is told about the cases in this person's hands: how many, no more."""
    count = Case.objects.unfinished().filter(assigned_to=person).count()
    return Work("cases of the compliance office", count, reverse("review:case-list"))
