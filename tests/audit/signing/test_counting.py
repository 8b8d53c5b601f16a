"""The days are counted as the log holds them, once nothing can be added; and never wrong silently."""

import threading
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import LazySettings
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.explaining import ACCESS_ACTIONS, Access
from audit.models import Event
from audit.review import counting
from audit.review.models import DayCount, DayPerson, DayState
from audit.services import record
from common.ids import uuid7
from tests.audit.breaking import break_explainer
from tests.audit.signing.making import at_noon, count_everything, happened
from tests.factories import make_user


def directly(day: date) -> dict[tuple[Any, ...], int]:
    """The same counts, by asking the log event by event."""
    start, end = counting.bounds(day)
    found: dict[tuple[Any, ...], int] = {}
    for event in Event.objects.filter(at__gte=start, at__lt=end):
        key = (event.event, ",".join(event.roles), event.outcome, Access.of(event) is not None)
        found[key] = found.get(key, 0) + 1
    return found


def counted(day: date) -> dict[tuple[Any, ...], int]:
    rows = DayCount.objects.filter(day=day)
    return {(row.event, row.role, row.outcome, row.is_access): row.count for row in rows}


def test_every_day_comes_out_as_the_log_holds_it(busy: date) -> None:
    count_everything()
    days = list(DayState.objects.order_by("day"))
    assert [state.day for state in days] == [busy + timedelta(days=step) for step in range(len(days))]
    assert days[-1].day == timezone.localdate() - timedelta(days=1) == counting.complete_until()
    for state in days[::7] + days[1::13]:
        assert counted(state.day) == directly(state.day)
        start, end = counting.bounds(state.day)
        events = Event.objects.filter(at__gte=start, at__lt=end)
        looks = events.filter(action__in=ACCESS_ACTIONS, outcome="success", patient_id__isnull=False)
        assert (state.events, state.accesses) == (events.count(), looks.count())
        assert state.people == looks.values("actor_id").distinct().count() == 2
        people = dict(looks.values_list("actor_id").annotate(all=Count("pk")))
        assert {row.actor_id: row.accesses for row in DayPerson.objects.filter(day=state.day)} == people


def test_what_jobs_did_is_no_access_of_anybody(past: None) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    robot = make_user(Role.SERVICE, username="system:test")
    happened(at_noon(yesterday), robot, patient=uuid7())
    count_everything()
    state = DayState.objects.get(day=yesterday)
    assert (state.events, state.accesses, state.people) == (1, 0, 0)
    assert not DayPerson.objects.exists()


def test_counting_again_changes_nothing(busy: date) -> None:
    count_everything()
    before = (list(DayCount.objects.order_by("pk").values()), list(DayState.objects.order_by("day").values()))
    assert counting.count_days() == 0
    state = DayState.objects.get(day=busy)
    counting._count(state)
    same = list(
        DayCount.objects.filter(day=busy).order_by("event", "role").values_list("event", "role", "count")
    )
    assert same == [
        (row["event"], row["role"], row["count"])
        for row in sorted(before[0], key=lambda row: (row["event"], row["role"]))
        if row["day"] == busy
    ]
    assert len(before[1]) == DayState.objects.count()


def test_today_is_not_counted(past: None, clerk: User) -> None:
    happened(at_noon(timezone.localdate()), clerk, patient=uuid7())
    assert counting.count_days() == 0
    assert counting.complete_until() is None


def test_a_day_with_late_events_is_counted_anew(busy: date, nosy: User) -> None:
    """The clock was set back, and something was written into yesterday."""
    count_everything()
    yesterday = timezone.localdate() - timedelta(days=1)
    before = DayState.objects.get(day=yesterday)
    happened(at_noon(yesterday, 99), nosy, patient=uuid7())
    counting.count_days()
    after = DayState.objects.get(day=yesterday)
    assert (after.events, after.accesses) == (before.events + 1, before.accesses + 1)
    assert counted(yesterday) == directly(yesterday)


def test_a_day_that_lost_events_is_not_made_smaller_and_says_so(busy: date) -> None:
    """Its month lies elsewhere, or somebody removed them."""
    count_everything()
    yesterday = timezone.localdate() - timedelta(days=1)
    DayState.objects.filter(day=yesterday).update(events=1000)
    kept = counted(yesterday)
    counting.count_days()
    state = DayState.objects.get(day=yesterday)
    assert (state.is_short, state.events) == (True, 1000)
    assert counted(yesterday) == kept
    DayState.objects.filter(day=yesterday).update(events=sum(kept.values()))
    counting.count_days()
    assert not DayState.objects.get(day=yesterday).is_short


def test_a_gap_ends_what_is_complete(busy: date) -> None:
    count_everything()
    DayState.objects.filter(day=busy + timedelta(days=9)).update(counted_at=None)
    assert counting.complete_until() == busy + timedelta(days=8)
    DayState.objects.filter(day=busy).update(counted_at=None)
    assert counting.complete_until() is None


def test_a_mark_of_another_cluster_is_made_anew(busy: date, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log was moved to a server whose transactions are numbered from the start."""
    with monkeypatch.context() as patched:
        patched.setattr(counting, "_snapshot", lambda: (50, 50))
        DayState.objects.create(day=busy, mark="999999")
        assert counting.count_days() == 0
    assert DayState.objects.get(day=busy).mark == "50"
    count_everything()
    assert DayState.objects.get(day=busy).counted_at


def test_each_day_is_a_transaction_of_its_own(busy: date, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sealed while one is open, and days that were missed are many."""
    count, seen = counting._count, []

    def noted(state: DayState) -> None:
        seen.append(connection.savepoint_ids[-1])
        count(state)

    monkeypatch.setattr(counting, "_count", noted)
    monkeypatch.setattr(counting, "MOST_DAYS", 5)
    assert counting.count_days() == 5
    assert len(set(seen)) == 5


def test_what_is_not_sealed_is_found_without_reading_the_log(busy: date) -> None:
    """The first one by time would be looked for among all that are sealed, day by day."""
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        cursor.execute(f"explain {counting._UNSEALED}", counting._parameters(busy))
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond: (txid >=" in plan
    assert "_pkey on audit_event" not in plan


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 8), 23), (date(2026, 11, 1), 25), (date(2026, 11, 2), 24)]
)
def test_days_are_the_hospitals_own(day: date, hours: int, settings: LazySettings) -> None:
    """Where clocks change a day has 23 or 25 hours."""
    settings.TIME_ZONE = "America/New_York"
    with timezone.override(ZoneInfo("America/New_York")):
        start, end = counting.bounds(day)
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=hours)


def test_accesses_are_explained_once_and_by_person(busy: date, nosy: User) -> None:
    count_everything()
    yesterday = timezone.localdate() - timedelta(days=1)
    assert counting.explain_newest_day() == yesterday
    state = DayState.objects.get(day=yesterday)
    people = list(DayPerson.objects.filter(day=yesterday))
    assert state.explained is not None
    unexplained = sum((row.unexplained or 0) + (row.contradicted or 0) for row in people)
    assert state.explained + unexplained == state.accesses
    hers = next(row for row in people if row.actor_id == nosy.pk)
    assert hers.unexplained == 1
    assert counting.explain_newest_day() == yesterday - timedelta(days=1)
    DayState.objects.update(explained=0)
    assert counting.explain_newest_day() is None


def test_a_day_is_not_explained_half_blind(busy: date, monkeypatch: pytest.MonkeyPatch) -> None:
    count_everything()
    with monkeypatch.context() as broken:
        break_explainer(broken, "division by zero in one row")
        assert counting.explain_newest_day() is None
    assert not DayState.objects.exclude(explained=None).exists()
    assert not DayPerson.objects.exclude(unexplained=None).exists()
    assert counting.explain_newest_day() == timezone.localdate() - timedelta(days=1)


def test_days_long_gone_are_not_explained_with_what_is_known_today(busy: date) -> None:
    count_everything()
    days = set()
    while day := counting.explain_newest_day():
        days.add(day)
    assert min(days) == timezone.localdate() - timedelta(days=counting.EXPLAINED_BACK)


def test_how_long_the_proof_was_down(past: None, clerk: User) -> None:
    """No key, no seal: from five minutes after the event until the day ends."""
    yesterday = timezone.localdate() - timedelta(days=1)
    happened(at_noon(yesterday), clerk, patient=uuid7())
    count_everything()
    state = DayState.objects.get(day=yesterday)
    end = counting.bounds(yesterday)[1]
    assert state.late_seconds == (end - at_noon(yesterday) - counting.USUAL_WAIT).total_seconds()


@pytest.mark.committed
@pytest.mark.usefixtures("committed")
def test_an_open_transaction_keeps_the_day_from_being_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its events bear yesterday's time and are not to be seen yet. 'Yesterday' is today, seen from tomorrow."""
    today = timezone.localdate()
    monkeypatch.setattr(
        counting.timezone, "localdate", lambda *given: _localdate(*given) if given else tomorrow
    )
    tomorrow = today + timedelta(days=1)
    by = make_user(Role.RECORDS_CLERK)
    DayState.objects.filter(day__gte=today).delete()
    DayState.objects.create(day=today - timedelta(days=1), mark="0", counted_at=timezone.now())
    written, may_end = threading.Event(), threading.Event()

    def slow() -> None:
        with transaction.atomic():
            record("patient.viewed", by=by, patient=uuid7())
            written.set()
            may_end.wait(30)
        connection.close()

    worker = threading.Thread(target=slow)
    worker.start()
    try:
        assert written.wait(30)
        for _ in range(3):
            assert counting.count_days() == 0
        assert DayState.objects.get(day=today).counted_at is None
    finally:
        may_end.set()
        worker.join()
    for _ in range(200):
        if counting.count_days():
            break
        threading.Event().wait(0.1)
    state = DayState.objects.get(day=today)
    assert state.counted_at
    assert counted(today) == directly(today)
    assert DayPerson.objects.get(day=today, actor_id=by.pk).accesses == 1
    DayState.objects.filter(day__gte=today - timedelta(days=1)).delete()


_localdate = timezone.localdate


@pytest.mark.committed
@pytest.mark.usefixtures("committed")
def test_two_at_once_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [counting.ADVISORY_LOCK])
        found: list[int] = []

        def other() -> None:
            found.append(counting.count_days())
            connection.close()

        worker = threading.Thread(target=other)
        worker.start()
        worker.join(30)
    assert found == [0]


def test_the_filter_of_sql_is_the_one_of_the_code(busy: date) -> None:
    """One rule written twice, held together here."""
    start, end = counting.bounds(busy)
    rows = Event.objects.filter(at__gte=start, at__lt=end)
    by_code = {event.pk for event in rows if Access.of(event)}
    by_query = {access.event_id for piece in counting.accesses_of(busy) for access in piece}
    with connection.cursor() as cursor:
        cursor.execute(
            f"select id from audit_event where at >= %(start)s and at < %(end)s and {counting.IS_ACCESS}",
            {"start": start, "end": end, "accesses": sorted(ACCESS_ACTIONS)},
        )
        assert {row[0] for row in cursor.fetchall()} == by_code == by_query
