"""Broken glass, looked at afterwards: list, open, decide; and say so when nobody did in time.

Source: 45 CFR 164.308(a)(1)(ii)(D), review of activity. Every look and every decision is an event.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import HouseEmergency, User
from accounts.services import service_account
from audit.models import Event
from audit.review import access, queries, working_days
from audit.review.models import GlassReview, Outcome
from audit.review.services import cases
from audit.review.services.log import named, titles_of
from audit.services import record
from common.errors import RuleBroken, WrongMove
from common.notices.models import Tone
from common.notices.services import notify
from patients.models import GlassBreak, Patient

RIGHT = "review.review_glass"


@dataclass
class Reviewed:
    """A task as its page shows it."""

    review: GlassReview
    events: list[Event] = field(default_factory=list)
    is_cut: bool = False  # there were more events than shown
    looks: list[queries.Looked] = field(default_factory=list)  # in a house emergency: who opened whose chart
    patients: dict[Any, Patient] = field(default_factory=dict)  # those that the reader may see by name
    titles: dict[str, str] = field(default_factory=dict)


def make_review_of_glass(glass: GlassBreak) -> GlassReview:
    """The task about a glass that was broken this instant, and the word to everybody who reviews.

    Runs in the transaction of the breaking, whose event covers it.
    """
    review = GlassReview.objects.create(
        glass=glass,
        patient_id=glass.patient_id,
        subject_id=glass.user_id,
        is_drill=glass.is_drill,
        due_on=working_days.after(timezone.localdate(glass.opened_at), settings.GLASS_REVIEW_DAYS),
    )
    record(
        "review.glass_opened",
        by=service_account("glass"),
        patient=glass.patient_id,
        about=review,
        reason="the glass was broken",
        detail={"due_on": review.due_on, **_drill(review)},
    )
    _tell(
        review,
        kind="glass.broken",
        text=f"{glass.user.display_name} broke the glass: {glass.reason_label.lower()}. "
        f"Please review by {review.due_on:%d %b %Y}.",
    )
    return review


def make_review_of_emergency(emergency: HouseEmergency) -> GlassReview:
    """The task about an emergency that was confirmed this instant. As make_review_of_glass."""
    review = GlassReview.objects.create(
        emergency=emergency,
        subject_id=emergency.declared_by_id,
        second_id=emergency.confirmed_by_id,
        is_drill=emergency.is_drill,
        due_on=working_days.after(timezone.localdate(emergency.expires_at), settings.GLASS_REVIEW_DAYS),
    )
    record(
        "review.glass_opened",
        by=service_account("glass"),
        about=review,
        reason="the house was opened in an emergency",
        detail={"due_on": review.due_on, **_drill(review)},
    )
    _tell(
        review,
        kind="emergency.confirmed",
        text=f"Emergency access for the house is in force for {emergency.hours} h. Please review what was opened by "
        f"{review.due_on:%d %b %Y}.",
    )
    return review


@transaction.atomic
def list_reviews(*, by: User, rows: Sequence[GlassReview]) -> dict[Any, Patient]:
    """The patients by name of the tasks a list shows; ONE event with their ids. Raises Denied."""
    access.check_may_review_glass(by)
    ids = {row.patient_id for row in rows if row.patient_id}
    record(
        "review.glass_listed",
        by=by,
        patients=ids,
        reason="compliance review",
        detail={"shown": len(rows)},
    )
    return named(by, ids)


@transaction.atomic
def open_review(*, by: User, review_id: Any) -> Reviewed:
    """A task with what was done while the glass was broken, in one question to the log. Raises Denied, NotFound."""
    review = access.get_review_for(by, review_id)
    seen = Reviewed(review)
    if review.glass is not None:
        seen.events, seen.is_cut = queries.while_broken(review.glass)
        seen.titles = titles_of(by, seen.events)
        ids = {review.glass.patient_id}
    elif review.emergency is not None:
        seen.looks, seen.is_cut = queries.opened_in(review.emergency)
        ids = {look.patient_id for look in seen.looks}
    else:  # the table's own rule allows no third kind
        raise AssertionError("A review without its reason")
    seen.patients = named(by, ids)
    record(
        "review.glass_viewed",
        by=by,
        patient=review.patient_id,
        patients=ids if review.emergency_id else None,
        about=review,
        reason="compliance review",
        detail={"events": len(seen.events), "looks": len(seen.looks)},
    )
    return seen


@transaction.atomic
def decide_review(*, by: User, review_id: Any, outcome: str, note: str = "") -> GlassReview:
    """Say how it was; "needs a case" opens one. A decision stands.

    Raises NotFound, Denied (one's own), WrongMove, RuleBroken.
    """
    review = access.get_review_for(by, review_id, lock=True)
    access.check_may_decide(by, review)
    if review.is_decided:
        raise WrongMove("Somebody has decided this already.")
    if outcome not in Outcome.values:
        raise RuleBroken("unknown_outcome", "Choose how it was.", field="outcome")
    note = note.strip()
    if outcome != Outcome.APPROPRIATE and not note:
        raise RuleBroken(
            "note_required", "Say in words what was wrong, or what has to be found out.", field="note"
        )
    review.outcome, review.note = outcome, note
    review.decided_by, review.decided_at = by, timezone.now()
    review.version += 1
    review.save()
    record(
        "review.glass_decided",
        by=by,
        patient=review.patient_id,
        about=review,
        reason=Outcome(outcome).label,
        detail={"outcome": outcome, "subject": review.subject.username, **_drill(review)},
    )
    if outcome == Outcome.CASE and not review.is_drill:
        cases.open_case_of_glass(by=by, review=review)
    return review


@transaction.atomic
def tell_overdue() -> int:
    """Remind everybody who reviews of each task that is past its day, once; returns how many tasks."""
    rows = GlassReview.objects.overdue(timezone.localdate()).filter(overdue_told_at=None)
    late = list(rows.select_for_update(skip_locked=True, of=("self",)).order_by("due_on", "pk")[:200])
    for review in late:
        review.overdue_told_at = timezone.now()
        review.save(update_fields=["overdue_told_at", "updated_at"])
        record(
            "review.glass_overdue",
            by=service_account("glass"),
            patient=review.patient_id,
            about=review,
            reason=f"due on {review.due_on:%d %b %Y}",
            detail=_drill(review),
        )
        _tell(
            review,
            kind="review.glass_overdue",
            text=f"A broken glass was to be reviewed by {review.due_on:%d %b %Y}, and nobody has decided it yet.",
        )
    return len(late)


def _tell(review: GlassReview, *, kind: str, text: str) -> None:
    people = User.objects.holding(RIGHT).exclude(
        pk__in=[review.subject_id, *filter(None, [review.second_id])]
    )
    notify(
        people.values_list("pk", flat=True),
        kind=kind,
        tone=Tone.GLASS,
        text=f"{'DRILL: ' if review.is_drill else ''}{text}",
        url=review.get_absolute_url(),
    )


def _drill(review: GlassReview) -> dict[str, Any]:
    return {"drill": True} if review.is_drill else {}
