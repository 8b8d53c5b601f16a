"""Every configured place is told of every sealed event, in sealing order, at least once.

What a place has been told is a row: so many epochs whole, and so many events of the next. It moves on only after the
place has taken a batch; a kill in between sends that batch again, under the same ids. A place that is away is tried
again later and later, a quarter of an hour apart at the most, and holds up no other place and no seal: no transaction
is open while we wait for it.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit.feeds import sending
from audit.models import Event, FeedDelivery
from audit.proof import epochs
from audit.services import record

LOCK = 0x43484644
BATCH = 100
SECONDS_AT_ONCE = 20
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)
GRACE = timedelta(minutes=5)  # so long a place may be away before people are told

logger = logging.getLogger("chartroom.audit")


def deliver() -> None:
    """Tell every configured place what it does not know yet, for some seconds each. Safe to run twice at once."""
    newest = epochs.last()
    if newest is None:
        return
    for destination in settings.FEEDS:
        row = _row_of(destination, newest.n)
        with _mine(destination) as is_mine:
            if is_mine:
                row.refresh_from_db()
                _deliver_to(row, newest.n)


def waiting() -> list[FeedDelivery]:
    """How the configured places stand."""
    return list(FeedDelivery.objects.filter(destination__in=settings.FEEDS).order_by("pk"))


def begin_at(destination: str, since: datetime) -> FeedDelivery:
    """Have a place told again from the first epoch that was sealed at or after `since`; it may get events twice."""
    first = epochs.numbers_sealed_since(since)
    row = _row_of(destination, (epochs.last() or _Nothing).n)
    with transaction.atomic():
        row.last_n, row.place, row.attempts, row.next_try_at = (
            (first[0] - 1 if first else row.last_n),
            0,
            0,
            None,
        )
        row.save()
        record(
            "log.feed_set",
            by=None,
            actor="command",
            reason="by command",
            detail={"destination": destination, "after_epoch": row.last_n},
        )
    return row


class _Nothing:
    n = 0


def _row_of(destination: str, newest: int) -> FeedDelivery:
    """The place's row. A place that is new is told of what is sealed from now on, and the log says since when."""
    row = FeedDelivery.objects.filter(destination=destination).first()
    if row is not None:
        return row
    with transaction.atomic():
        row, is_new = FeedDelivery.objects.get_or_create(destination=destination, defaults={"last_n": newest})
        if is_new:
            detail = {"destination": destination, "after_epoch": newest}
            record("log.feed_started", by=None, actor="system:feeds", reason="by a setting", detail=detail)
    return row


@contextmanager
def _mine(destination: str) -> Iterator[bool]:
    """Whether nobody else tells this place just now. The lock is the session's: it goes with a process that dies."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s, hashtext(%s))", [LOCK, destination])
        is_mine = bool(cursor.fetchone()[0])
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock(%s, hashtext(%s))", [LOCK, destination])


def _deliver_to(row: FeedDelivery, newest: int) -> None:
    if row.next_try_at and row.next_try_at > timezone.now():
        return
    until = time.monotonic() + SECONDS_AT_ONCE
    while row.last_n < newest and time.monotonic() < until:
        events, last_n, place = _next(row.last_n, row.place)
        try:
            if events:
                sending.send(row.destination, events)
        except (OSError, sending.NotDelivered) as error:
            _failed(row, error)
            return
        row.last_n, row.place = last_n, place
        row.delivered += len(events)
        row.last_at, row.error, row.failing_since = timezone.now(), "", None
        row.attempts, row.next_try_at = 0, None
        row.save()


def _failed(row: FeedDelivery, error: Exception) -> None:
    now = timezone.now()
    row.error = str(error)[:300] or type(error).__name__
    row.failing_since = row.failing_since or now
    row.attempts = min(row.attempts + 1, 1000)
    row.next_try_at = now + min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    row.save()
    logger.error("The log cannot be told to %s: %s", row.destination, row.error)


def _next(last_n: int, place: int) -> tuple[list[Event], int, int]:
    """The next batch in sealing order, and where the place stands when it has taken it: (events, epochs, events of the
    next epoch).
    """
    ids: list[int] = []
    first_at: datetime | None = None
    last_at: datetime | None = None
    for epoch in epochs.every(last_n + 1):
        kept = [pk for pk, _ in epochs.kept_leaves(epoch.n)] if epoch.row_count else []
        part = kept[place : place + BATCH - len(ids)]
        if part and epoch.first_at and epoch.last_at:
            ids += part
            first_at = min(first_at or epoch.first_at, epoch.first_at)
            last_at = max(last_at or epoch.last_at, epoch.last_at)
        if place + len(part) < len(kept):
            place += len(part)
            break
        last_n, place = epoch.n, 0
        if len(ids) >= BATCH:
            break
    return _fetch(ids, first_at, last_at), last_n, place


def _fetch(ids: list[int], first_at: datetime | None, last_at: datetime | None) -> list[Event]:
    if not ids:
        return []
    found = {row.pk: row for row in Event.objects.filter(pk__in=ids, at__gte=first_at, at__lte=last_at)}
    gone = [pk for pk in ids if pk not in found]
    if gone:  # archived meanwhile, or taken away: the check of the log says which
        logger.error(
            "%d events that a feed should tell are not in the log, the first is %d.", len(gone), gone[0]
        )
    return [found[pk] for pk in ids if pk in found]
