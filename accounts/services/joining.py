"""Who comes to a manager within a quarter joins that quarter's access review, while it runs."""

from collections.abc import Sequence
from datetime import date

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import AccessReview, ReviewItem, User
from audit.services import record
from common.notices.models import Tone
from common.notices.services import notify


def quarter_of(day: date) -> date:
    """The first day of its quarter."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)


def not_reviewed(manager: User, quarter_on: date) -> QuerySet[User]:
    """Her active people whom nobody decides about in this quarter: neither she nor a manager they had before."""
    items = ReviewItem.objects.filter(review__quarter_on=quarter_on)
    return manager.people_managed.filter(is_active=True).exclude(pk__in=items.values("person")).order_by("pk")


def take_in(by: User, review: AccessReview, people: Sequence[User]) -> None:
    """Add people to a (locked) review that runs, and tell its manager."""
    if not people:
        return
    ReviewItem.objects.bulk_create(ReviewItem(review=review, person=person) for person in people)
    names = sorted(person.username for person in people)
    record("access_review.joined", by=by, about=review, detail={"people": names})
    notify(
        [review.manager_id],
        kind="access_review.joined",
        tone=Tone.DUE,
        text=f"Your access review ({review.quarter}) has {len(names)} more to decide about, by"
        f" {review.due_on:%d %b %Y}.",
        url=reverse("accounts:review"),
    )


def join_review(by: User, person: User) -> None:
    """Take somebody who has just got a manager into that manager's review of this quarter, if it runs."""
    if person.manager is None or not person.is_active:
        return
    quarter_on = quarter_of(timezone.localdate())
    running = AccessReview.objects.filter(manager=person.manager, quarter_on=quarter_on, completed_at=None)
    review = running.select_for_update(of=("self",)).first()
    if review is not None:
        take_in(by, review, list(not_reviewed(person.manager, quarter_on).filter(pk=person.pk)))
