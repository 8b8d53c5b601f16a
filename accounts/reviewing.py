"""Reads for access reviews, and the report of rights that nobody uses or nobody should have together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from accounts import rights
from accounts.models import AccessReview, ReviewItem, User
from accounts.services.joining import quarter_of

# Rights that one person should not hold together, and why.
CONFLICTS = (
    (
        "accounts.manage_users",
        "review.view_log",
        "gives rights, and reads the log that watches over it",
    ),
    (
        "accounts.manage_roles",
        "patients.open_every_chart",
        "makes roles, and opens every chart",
    ),
)

_USED = """
select actor_id, array_agg(distinct event) from audit_event
where at > %s and outcome = 'success' and actor_id = any(%s::uuid[]) and event = any(%s)
group by actor_id
"""


@dataclass(frozen=True)
class Finding:
    """One thing about one person that somebody should look at."""

    person: User
    kind: str
    words: str


def open_items(manager: User) -> QuerySet[ReviewItem]:
    """Whom she has still to decide about, the oldest review first."""
    rows = ReviewItem.objects.filter(review__manager=manager, decision="", person__is_active=True)
    return rows.select_related("review", "person").order_by("review__quarter_on", "person__name", "pk")


def left_out(manager: User) -> list[tuple[User, str]]:
    """Her people who are not in this quarter's review of hers, each with a sentence why not. Three queries."""
    quarter_on = quarter_of(timezone.localdate())
    items = ReviewItem.objects.filter(review__quarter_on=quarter_on).select_related("review__manager")
    hers = AccessReview.objects.filter(manager=manager, quarter_on=quarter_on).first()
    people = manager.people_managed.filter(is_active=True).order_by("name", "pk")
    elsewhere = {item.person_id: item for item in items.filter(person__in=people)}
    found = []
    for person in people:
        item = elsewhere.get(person.pk)
        if item and item.review.manager_id == manager.pk:
            continue
        found.append((person, _why_left_out(item, hers)))
    return found


def _why_left_out(item: ReviewItem | None, hers: AccessReview | None) -> str:
    if item is not None:
        name = item.review.manager.display_name
        decided = "decided already" if item.decision else "decides"
        return f"{name}, who was the manager when the quarter's review began, {decided}."
    if hers is not None and hers.completed_at:
        return "You had finished this quarter's review when you became the manager: the next one asks you."
    return "Your review of this quarter is opened within a few hours."


def decided_items(manager: User) -> QuerySet[ReviewItem]:
    """What she decided lately."""
    rows = ReviewItem.objects.filter(review__manager=manager).exclude(decision="")
    return rows.select_related("review", "person").order_by("-decided_at", "-pk")[:50]


def reviews() -> QuerySet[AccessReview]:
    """Every review with how far it is, those that are open and due first."""
    left = Count("items", filter=Q(items__decision="", items__person__is_active=True))
    rows = AccessReview.objects.select_related("manager").annotate(people=Count("items"), left=left)
    return rows.order_by("-quarter_on", "due_on", "pk")


def count_overdue() -> int:
    """How many reviews are late."""
    return AccessReview.objects.overdue().count()


def without_manager() -> int:
    """How many active people nobody confirms."""
    return User.objects.people().filter(is_active=True, manager=None).count()


def findings() -> list[Finding]:
    """Dormant people, sensitive rights unused, and combinations that should not be. Four queries."""
    since = timezone.now() - timedelta(days=settings.DORMANT_DAYS)
    people = list(
        User.objects.people()
        .filter(is_active=True)
        .with_roles()
        .prefetch_related("groups__permissions__content_type")
        .annotate(token_used_at=Max("tokens__last_used_at"))
        .order_by("name", "pk")
    )
    used = _events_of(people, since)
    found: list[Finding] = []
    for person in people:
        held = _rights_of(person)
        dormant = _dormant(person, since)
        if dormant:
            found.append(Finding(person, "dormant", dormant))
        elif person.created_at < since:
            found += [
                Finding(person, "unused", f"{right.words}: not used for {settings.DORMANT_DAYS} days")
                for right in rights.all_rights()
                if right.name in held and right.traces and not used.get(person.pk, set()) & set(right.traces)
            ]
        found += [
            Finding(person, "conflict", f"One person {why}")
            for one, other, why in CONFLICTS
            if {one, other} <= held
        ]
    return found


def _rights_of(person: User) -> frozenset[str]:
    return rights.known(
        f"{row.content_type.app_label}.{row.codename}"
        for group in person.groups.all()
        for row in group.permissions.all()
    )


def _dormant(person: User, since: datetime) -> str:
    seen = [at for at in (person.last_login, person.token_used_at) if at]  # type: ignore[attr-defined]
    if not seen:
        return "Has never signed in" if person.created_at < since else ""
    return f"Not signed in for {(timezone.now() - max(seen)).days} days" if max(seen) < since else ""


def _events_of(people: Sequence[User], since: datetime) -> dict[object, set[str]]:
    """Which of the events that show a right in use each person wrote since then."""
    names = sorted({name for right in rights.all_rights() for name in right.traces})
    with connection.cursor() as cursor:
        cursor.execute(_USED, [since, [str(person.pk) for person in people], names])
        return {actor: set(events) for actor, events in cursor.fetchall()}
