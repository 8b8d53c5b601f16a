"""Count the log by day, for reports: each day of the hospital's calendar once nothing can be added to it.

An event bears the time at which it was written, and becomes visible when its transaction ends, later. A day is settled
when every transaction that was open when it was first seen to be over has ended. Made again, a day comes out the same;
one that holds fewer events than were counted (its month lies elsewhere, or something is wrong) is never made smaller.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from audit.explaining import ACCESS_ACTIONS, Access, Standing, explain, standing_of
from audit.models import Event
from audit.review.models import DayCount, DayPerson, DayState

ADVISORY_LOCK = 0x434E5444  # one counts at a time; a second one leaves at once
MOST_DAYS = 62  # counted in one go
LOOK_AGAIN = 8  # days whose totals are compared with the log on each run
EXPLAINED_BACK = 35  # days back that accesses are explained: later the house knows other things than it did
PIECE = 25_000
USUAL_WAIT = timedelta(minutes=5)  # from an event to its seal
TAKEN = ("print", "copy", "export", "disclose")

# Somebody, no job, had one chart open: as `Access.of` tells it.
IS_ACCESS = (
    "(actor_id is not null and patient_id is not null and outcome = 'success'"
    " and action = any(%(accesses)s) and actor not like 'system:%%')"
)
_COUNT = f"""
insert into review_daycount (day, role, event, action, outcome, is_access, count)
select %(day)s, array_to_string(roles::text[], ','), event, min(action), outcome, {IS_ACCESS}, count(*)
from audit_event where at >= %(start)s and at < %(end)s
group by 2, 3, 5, 6
"""  # noqa: S608
_PEOPLE = f"""
insert into review_dayperson (day, actor_id, accesses, refused, taken)
select %(day)s, actor_id, count(*) filter (where {IS_ACCESS}), count(*) filter (where outcome = 'denied'),
    count(*) filter (where outcome = 'success' and action = any(%(taken)s))
from audit_event where at >= %(start)s and at < %(end)s and actor_id is not null and actor not like 'system:%%'
group by actor_id
"""  # noqa: S608
_TOTALS = f"""
select count(*), count(*) filter (where {IS_ACCESS}), count(distinct actor_id) filter (where {IS_ACCESS}),
    count(distinct patient_id) filter (where {IS_ACCESS})
from audit_event where at >= %(start)s and at < %(end)s
"""  # noqa: S608
_WAITED = """
select greatest(first_at, %(start)s), sealed_at from audit_epoch
where sealed_at > %(start)s and first_at < %(end)s and sealed_at - first_at > %(usual)s order by first_at
"""
# `offset 0`: PostgreSQL would look for the first one among all events in the order of their time.
_UNSEALED = """
select min(at) from (
    select at from audit_event where txid >= (
        select coalesce(max(to_xid::text::bigint), 0)::text::xid8 from audit_epoch
        where n = (select max(n) from audit_epoch)
    ) offset 0
) unsealed where at < %(end)s
"""


def bounds(day: date) -> tuple[datetime, datetime]:
    """The first instant of a day in the hospital's time zone, and of the next: 23 or 25 hours where clocks change."""
    first = timezone.make_aware(datetime.combine(day, time.min))
    return first, timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def _parameters(day: date) -> dict[str, Any]:
    start, end = bounds(day)
    return {
        "day": day,
        "start": start,
        "end": end,
        "accesses": sorted(ACCESS_ACTIONS),
        "taken": list(TAKEN),
        "usual": USUAL_WAIT,
    }


def _snapshot() -> tuple[int, int]:
    """The oldest transaction still open, and this one: whatever began to write before it has a smaller number."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_current_xact_id()::text")
        (own,) = cursor.fetchone()
        cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text")
        return int(cursor.fetchone()[0]), int(own)


def first_day() -> date | None:
    """The day of the log's oldest event; None of an empty log."""
    at = Event.objects.order_by("at").values_list("at", flat=True).first()
    return timezone.localdate(at) if at else None


def count_days() -> int:
    """Count every day that is over and settled and not counted yet, the oldest first; returns how many.

    Each day is a transaction of its own: while one is open nothing is sealed, and no month leaves the log. Safe to run
    at any time, and by two at once.
    """
    with transaction.atomic():
        if not _is_alone():
            return 0
        _see_days()
    counted = 0
    while counted < MOST_DAYS and _count_next():
        counted += 1
    with transaction.atomic():
        if _is_alone():
            _look_again()
    return counted


def _is_alone() -> bool:
    """Whether nobody else counts; the lock goes with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _count_next() -> bool:
    """Count the oldest day that can be; False when there is none, or somebody else counts."""
    if not _is_alone():
        return False
    oldest, own = _snapshot()
    for state in DayState.objects.filter(counted_at=None).order_by("day")[:MOST_DAYS]:
        if int(state.mark) > own:  # of another database cluster: the log was moved
            state.mark = str(own)
            state.save(update_fields=["mark"])
        elif int(state.mark) < oldest:
            _count(state)
            return True
    return False


def _see_days() -> None:
    """A row for each day that is over, with the newest transaction that may have written into it."""
    newest = DayState.objects.aggregate(newest=Max("day"))["newest"]
    start = newest + timedelta(days=1) if newest else first_day()
    if start is None:
        return
    _, own = _snapshot()
    yesterday = timezone.localdate() - timedelta(days=1)
    days = [start + timedelta(days=step) for step in range((yesterday - start).days + 1)]
    DayState.objects.bulk_create([DayState(day=day, mark=str(own)) for day in days])


def _count(state: DayState) -> None:
    asked = _parameters(state.day)
    DayCount.objects.filter(day=state.day).delete()
    DayPerson.objects.filter(day=state.day).delete()
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, asked)
        cursor.execute(_PEOPLE, asked)
        cursor.execute(_TOTALS, asked)
        state.events, state.accesses, state.people, state.charts = cursor.fetchone()
    state.late_seconds = _late_seconds(asked)
    state.explained, state.is_short, state.counted_at = None, False, timezone.now()
    state.save()


def _late_seconds(asked: dict[str, Any]) -> int:
    """How long of this day events waited for their seal beyond the usual: what the proof was down."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITED, asked)
        spells = [(first, sealed) for first, sealed in cursor.fetchall()]
        cursor.execute(_UNSEALED, asked)
        (unsealed,) = cursor.fetchone()
    if unsealed is not None:
        spells.append((max(unsealed, asked["start"]), asked["end"]))
    total, reached = timedelta(), asked["start"]
    for first, sealed in sorted(spells):
        begins, ends = max(first + USUAL_WAIT, reached), min(sealed, asked["end"])
        if ends > begins:
            total += ends - begins
            reached = ends
    return int(total.total_seconds())


def _look_again() -> None:
    """Compare the totals of the last days with the log: a clock that was set back may have added to one."""
    for state in DayState.objects.exclude(counted_at=None).order_by("-day")[:LOOK_AGAIN]:
        check_day(state)


def check_day(state: DayState) -> bool:
    """Whether the log holds what was counted of this day. More: it is counted anew. Fewer: that is told, and kept."""
    start, end = bounds(state.day)
    now = Event.objects.filter(at__gte=start, at__lt=end).count()
    if now > state.events:
        _count(state)
        return False
    if (now < state.events) != state.is_short:
        state.is_short = now < state.events
        state.save(update_fields=["is_short"])
    return not state.is_short


def complete_until() -> date | None:
    """The last day up to which every day is counted; None when none is."""
    gap = DayState.objects.filter(counted_at=None).order_by("day").values_list("day", flat=True).first()
    if gap:
        return gap - timedelta(days=1) if DayState.objects.filter(day__lt=gap).exists() else None
    newest: date | None = DayState.objects.aggregate(newest=Max("day"))["newest"]
    return newest


def access_of_row(row: Sequence[Any]) -> Access:
    """A row of id, at, event, actor_id, patient_id, object_type, object_id, reason, roles, session."""
    event_id, at, event, actor_id, patient_id, object_type, object_id, reason, roles, session = row
    return Access(
        event_id, at, event, actor_id, patient_id, object_type, object_id, reason, tuple(roles), session
    )


def accesses_of(day: date) -> Iterator[Sequence[Access]]:
    """The accesses of people on this day, some thousand at a time."""
    start, end = bounds(day)
    rows = Event.objects.filter(
        at__gte=start, at__lt=end, outcome="success", action__in=ACCESS_ACTIONS, patient_id__isnull=False
    )
    rows = rows.exclude(actor_id=None).exclude(actor__startswith="system:").order_by("at", "id")
    columns = rows.values_list(
        "id",
        "at",
        "event",
        "actor_id",
        "patient_id",
        "object_type",
        "object_id",
        "reason",
        "roles",
        "session",
    )
    piece: list[Access] = []
    for row in columns.iterator(PIECE):
        piece.append(access_of_row(row))
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


@dataclass
class Known:
    """What is known of some accesses by person: how many nothing explains, how many something speaks against."""

    explained: int
    unexplained: Counter[Any]
    contradicted: Counter[Any]


def known_of(accesses: Sequence[Access]) -> Known | None:
    """Ask every explainer about these accesses; None when one of them could not be asked."""
    known = Known(0, Counter(), Counter())
    answers = explain(accesses)
    if answers.missing:
        return None
    for access in accesses:
        standing = standing_of(answers.get(access.event_id, []))
        if standing is Standing.EXPLAINED:
            known.explained += 1
        elif standing is Standing.CONTRADICTED:
            known.contradicted[access.actor_id] += 1
        else:
            known.unexplained[access.actor_id] += 1
    return known


def explain_newest_day() -> date | None:
    """Explain the accesses of the newest counted day that was not asked about yet; that day, or None.

    None also when an explainer could not be asked: the day is tried again, rather than counted wrong.
    """
    since = timezone.localdate() - timedelta(days=EXPLAINED_BACK)
    with transaction.atomic():
        state = (
            DayState.objects.select_for_update(skip_locked=True)
            .filter(explained=None, day__gte=since)
            .exclude(counted_at=None)
            .order_by("-day")
            .first()
        )
        if state is None:
            return None
        explained, unexplained, contradicted = 0, Counter[Any](), Counter[Any]()
        for piece in accesses_of(state.day):
            known = known_of(piece)
            if known is None:
                return None
            explained += known.explained
            unexplained += known.unexplained
            contradicted += known.contradicted
        people = list(DayPerson.objects.filter(day=state.day))
        for person in people:
            person.unexplained = unexplained[person.actor_id]
            person.contradicted = contradicted[person.actor_id]
        DayPerson.objects.bulk_update(people, ["unexplained", "contradicted"], batch_size=500)
        state.explained = min(explained, state.accesses)
        state.save(update_fields=["explained"])
        return state.day
