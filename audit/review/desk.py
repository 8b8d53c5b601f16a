"""What the compliance officer finds at her desk: what is new, what runs out, what nothing explains, how the proof is.

Reads only, a fixed number of them, each over an index or over days that are counted. No patient is named.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from audit.proof import epochs, sealing
from audit.proof.epochs import Epoch
from audit.review import access, case_access, counting, proof, signoff_queries
from audit.review.describing import Line
from audit.review.models import Case, DayPerson, DayState, GlassReview, LogCheck
from common.words import counted

SHOWN = 8
SEAL_IS_LATE = timedelta(minutes=10)
CHECK_IS_OLD = timedelta(days=2)
LONGEST_AWAY = timedelta(days=31)


@dataclass(frozen=True)
class Clock:
    """Something that runs out on a day."""

    words: str
    url: str
    due_on: date

    @property
    def days_left(self) -> int:
        """Negative when it is over."""
        return (self.due_on - timezone.localdate()).days


@dataclass(frozen=True)
class Proof:
    """How the proof of the log stands."""

    has_key: bool
    seal: Epoch | None
    check: LogCheck | None
    standing: LogCheck | None  # what a check found and no later one of as much took back
    waiting_since: datetime | None  # the first event without a seal
    stamping: proof.Stamping | None

    @property
    def is_sealing(self) -> bool:
        """Nothing has waited for its seal for long; where nothing happens, nothing waits."""
        return self.waiting_since is None or timezone.now() - self.waiting_since < SEAL_IS_LATE

    @property
    def is_checked(self) -> bool:
        """The last check is no older than two days."""
        return self.check is not None and timezone.now() - self.check.at < CHECK_IS_OLD

    @property
    def is_whole(self) -> bool:
        """Nothing bad that was found still stands; so it is before the first check."""
        return self.standing is None


@dataclass
class Unexplained:
    """The newest counted day: its accesses, and whose of them nothing explains."""

    day: date
    accesses: int
    unexplained: int | None
    people: list[tuple[User | None, DayPerson]] = field(default_factory=list)


def proof_state() -> Proof:
    """The key, the newest seal, the last check, what waits, the time-stamps. Eleven reads at most."""
    check, newest = LogCheck.objects.order_by("-at", "-pk").first(), epochs.last()
    return Proof(
        proof.has_key(),
        newest,
        check,
        proof.standing() if check else None,
        sealing.oldest_unsealed(newest),
        proof.stamping(),
    )


def last_visit(user: User) -> datetime | None:
    """When she was here last before today; None for somebody who was not within a month."""
    today = counting.bounds(timezone.localdate())[0]
    seen = Event.objects.filter(
        actor_id=user.pk, event="home.viewed", at__lt=today, at__gt=today - LONGEST_AWAY
    )
    return seen.order_by("-at").values_list("at", flat=True).first()


def news(user: User, since: datetime) -> list[tuple[str, int, str]]:
    """What has come since then: (words, how many, where). Three reads at most."""
    found = []
    if user.has_perm("review.work_alerts"):
        alerts = access.alerts_visible_to(user).filter(created_at__gte=since).count()
        found.append(("alerts", alerts, reverse("review:watch")))
    if user.has_perm(case_access.RIGHT):
        cases = case_access.visible_to(user).filter(created_at__gte=since).count()
        found.append(("cases", cases, reverse("review:case-list")))
    if user.has_perm("review.review_glass"):
        glass = GlassReview.objects.filter(created_at__gte=since).count()
        found.append(("glass broken", glass, reverse("review:glass-list")))
    return found


def clocks(user: User) -> list[Clock]:
    """What runs out, the first first: breaches to be told, reviews of activity, broken glass. Three reads at most."""
    found = []
    if user.has_perm(case_access.RIGHT):
        running = (
            case_access.visible_to(user).with_clock().select_related("notice").order_by("discovered_on", "pk")
        )
        for case in running[: SHOWN * 2]:
            if due := case.next_due_on:
                words = "breach to be told" if case.is_decided else "to be decided, or told as a breach"
                found.append(Clock(f"Case {case.number}: {words}", case.get_absolute_url(), due))
    if user.has_perm("review.sign_reviews"):
        for row in signoff_queries.to_sign()[:SHOWN]:
            found.append(Clock(f"Review of activity, {row.period}", row.get_absolute_url(), row.due_on))
    if user.has_perm("review.review_glass"):
        late = GlassReview.objects.overdue(timezone.localdate()).aggregate(all=Count("pk"))["all"]
        if late:
            words = f"{counted(late, 'review')} of broken glass"
            found.append(Clock(words, reverse("review:glass-list"), timezone.localdate() - timedelta(days=1)))
    return sorted(found, key=lambda clock: clock.due_on)[:SHOWN]


def open_cases(user: User) -> list[Case]:
    """Her own cases first, then the others, the earliest discovered first. One read."""
    if not user.has_perm(case_access.RIGHT):
        return []
    rows = case_access.visible_to(user).unfinished().select_related("subject", "assigned_to", "notice")
    return list(
        rows.annotate(mine=Count("pk", filter=Q(assigned_to=user))).order_by("-mine", "discovered_on", "pk")[
            :SHOWN
        ]
    )


def newest_day() -> Unexplained | None:
    """The newest counted day, with those whose accesses nothing explains, most first. Three reads."""
    state = DayState.objects.exclude(counted_at=None).order_by("-day").first()
    if state is None:
        return None
    known = None if state.explained is None else state.accesses - state.explained
    found = Unexplained(state.day, state.accesses, known)
    rows = list(
        DayPerson.objects.filter(day=state.day)
        .filter(Q(unexplained__gt=0) | Q(contradicted__gt=0))
        .order_by("-unexplained", "-contradicted", "actor_id")[:SHOWN]
    )
    people = User.objects.in_bulk([row.actor_id for row in rows])
    found.people = [(people.get(row.actor_id), row) for row in rows]
    return found


def today() -> dict[str, int]:
    """Today's events, people and refusals. One read."""
    start = counting.bounds(timezone.localdate())[0]
    numbers: dict[str, int] = Event.objects.filter(at__gte=start).aggregate(
        events_today=Count("pk"),
        people_today=Count("actor_id", distinct=True),
        refused_today=Count("pk", filter=Q(outcome="denied")),
    )
    return numbers


def refusals(user: User) -> list[Line]:
    """The latest refusals of the last week. One read. Raises Denied."""
    access.check_may_view_log(user)
    week = Event.objects.filter(at__gt=timezone.now() - timedelta(days=7), outcome="denied")
    return [Line(event, None) for event in week.order_by("-at")[:SHOWN]]


def at_desk(user: User) -> dict[str, Any]:
    """Everything of the page. Raises Denied."""
    access.check_may_view_log(user)
    visited = last_visit(user)
    since = visited or counting.bounds(timezone.localdate() - timedelta(days=1))[0]
    return {
        "since": since,
        "was_here": visited is not None,
        "news": news(user, since),
        "proof": proof_state(),
        "clocks": clocks(user),
        "cases": open_cases(user),
        "works_on_cases": user.has_perm(case_access.RIGHT),
        "newest_day": newest_day(),
        **today(),
    }
