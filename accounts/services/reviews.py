"""Verbs on access reviews: open the quarter's, decide about one person, tell who is late."""

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import access, reviewing
from accounts.models import AccessReview, ChangeStatus, Decision, ReviewItem, RoleChange, User
from accounts.services.joining import not_reviewed, quarter_of, take_in
from accounts.services.rows import locked
from accounts.services.users import service_account
from audit.services import record
from common.errors import NotFound, RuleBroken, WrongMove
from common.ids import as_uuid
from common.notices.models import Tone
from common.notices.services import notify


@transaction.atomic
def open_reviews(*, on: date | None = None) -> int:
    """Make what is missing of this quarter's reviews, and tell the managers; returns how many. Safe to run twice.

    Reviews that run take in whoever has come to their manager since.
    """
    day = on or timezone.localdate()
    by = service_account("accounts")
    running = AccessReview.objects.filter(
        quarter_on=quarter_of(day), completed_at=None, manager__is_active=True
    )
    for review in running.select_related("manager").select_for_update(of=("self",)).order_by("pk"):
        take_in(by, review, list(not_reviewed(review.manager, review.quarter_on)))
    managers = User.objects.filter(is_active=True, people_managed__is_active=True).distinct()
    opened = 0
    for manager in managers.exclude(access_reviews__quarter_on=quarter_of(day)).order_by("pk"):
        people = list(not_reviewed(manager, quarter_of(day)))
        if not people:  # all of them are in the review of a manager they had before
            continue
        review, is_new = AccessReview.objects.get_or_create(
            manager=manager,
            quarter_on=quarter_of(day),
            defaults={"due_on": day + timedelta(days=settings.ACCESS_REVIEW_DAYS)},
        )
        if not is_new:  # another worker was faster
            continue
        ReviewItem.objects.bulk_create(ReviewItem(review=review, person=person) for person in people)
        record("access_review.opened", by=by, about=review, detail={"manager": manager.username})
        notify(
            [manager.pk],
            kind="access_review.opened",
            tone=Tone.DUE,
            text=f"Please confirm what your people may do ({review.quarter}), by {review.due_on:%d %b %Y}.",
            url=reverse("accounts:review"),
        )
        opened += 1
    return opened


@transaction.atomic
def decide_item(*, by: User, item_id: Any, keep: list[str], reason: str = "") -> ReviewItem:
    """Confirm somebody's roles, or keep only some of them: what is taken away ends at once.

    A review takes away and never gives. Raises NotFound (not her person), Denied, WrongMove, RuleBroken.
    """
    key = as_uuid(item_id)
    found = ReviewItem.objects.filter(pk=key, review__manager=by).first() if key else None
    if found is None:
        raise NotFound
    person = locked(found.person_id, None)
    access.check_is_not_self(by, person)
    review = AccessReview.objects.select_for_update().get(pk=found.review_id)
    item = ReviewItem.objects.select_for_update().get(pk=found.pk)
    if item.decision:
        raise WrongMove("You have decided about this person already.")
    before = sorted(person.groups.values_list("name", flat=True))
    after = sorted(set(keep))
    if set(after) - set(before):
        raise RuleBroken("roles", "The roles have changed meanwhile. Look again.", field="keep")
    if after != before and not reason.strip():
        raise RuleBroken("reason", "Say why a role is taken away.", field="reason")
    item.decision = _decision(before, after)
    item.before, item.after, item.reason = before, after, reason.strip()
    item.decided_by, item.decided_at = by, timezone.now()
    item.save()
    if after != before:
        RoleChange.objects.create(
            subject=person,
            before=before,
            after=after,
            reason=f"access review: {item.reason}"[:300],
            status=ChangeStatus.APPLIED,
            proposed_by=by,
            decided_at=timezone.now(),
        )
        person.groups.set(Group.objects.filter(name__in=after))
    record(
        f"access_review.{item.decision}",
        by=by,
        about=person,
        reason=item.reason,
        detail={"before": before, "after": after, "review": str(review.pk)},
    )
    if not review.items.filter(decision="", person__is_active=True).exists():
        review.completed_at = timezone.now()
        review.save(update_fields=["completed_at"])
        record("access_review.completed", by=by, about=review)
    return item


def _decision(before: list[str], after: list[str]) -> Decision:
    if before == after:
        return Decision.CONFIRMED
    return Decision.CHANGED if after else Decision.REMOVED


@transaction.atomic
def tell_overdue() -> int:
    """Tell the manager, and once whoever answers for rights, that a review is late; returns how many."""
    late = list(AccessReview.objects.overdue().filter(told_overdue_at=None).select_for_update(of=("self",)))
    oversee = list(User.objects.holding("accounts.approve_role_change").values_list("pk", flat=True))
    for review in late:
        review.told_overdue_at = timezone.now()
        review.save(update_fields=["told_overdue_at"])
        record("access_review.overdue", by=service_account("accounts"), about=review)
        notify(
            [review.manager_id, *oversee],
            kind="access_review.overdue",
            tone=Tone.BAD,
            text=f"The access review of {review.manager.display_name} ({review.quarter}) is overdue.",
            url=reverse("accounts:review"),
        )
    return len(late)


@transaction.atomic
def export_report(*, by: User) -> list[reviewing.Finding]:
    """Dormant and excessive rights, to be taken out as a file. Raises Denied."""
    access.check_may_oversee(by)
    found = reviewing.findings()
    record("rights_report.exported", by=by, detail={"findings": len(found)})
    return found


@transaction.atomic
def view_report(*, by: User) -> list[reviewing.Finding]:
    """Dormant and excessive rights; the look is an event. Raises Denied."""
    access.check_may_oversee(by)
    found = reviewing.findings()
    record("rights_report.viewed", by=by, detail={"findings": len(found)})
    return found
