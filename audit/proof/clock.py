"""The clock that dates the events: a step back or a jump is an event itself (45 CFR 170.210(g))."""

import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from audit.proof import epochs
from audit.services import record

STEP = timedelta(seconds=2)
DRIFT = 0.001  # what NTP may slew away in a second, twice over


@dataclass
class _Seen:
    at: datetime
    ticks: float


_seen: _Seen | None = None


def look() -> timedelta | None:
    """Compare the database's clock with the time that really passed since the last look; tell a step by an event.

    The first look of a process compares with the newest seal: its time cannot lie in the future. Returns how far
    the clock was set (negative: back), or None.
    """
    global _seen  # one clock, one memory of it
    now, ticks = _database_clock(), time.clock_gettime(time.CLOCK_BOOTTIME)
    before, _seen = _seen, _Seen(now, ticks)
    if before is None:
        newest = epochs.last()
        step = now - newest.sealed_at if newest and newest.sealed_at - now > STEP else timedelta()
        since = newest.sealed_at if newest else now
    else:
        passed = timedelta(seconds=ticks - before.ticks)
        step = now - before.at - passed
        since = before.at
        if abs(step) <= max(STEP, passed * DRIFT):
            step = timedelta()
    if not step:
        return None
    with transaction.atomic():
        detail = {"seconds": round(step.total_seconds(), 3), "seen_before": since, "seen_now": now}
        way = "back" if step < timedelta() else "forward"
        record(
            "clock.stepped",
            by=None,
            actor="system:clock",
            reason=f"set {way} by {abs(step.total_seconds()):.0f} s",
            detail={**detail, "host": socket.gethostname()},
        )
    return step


def set_back(from_xid: int, to_xid: int) -> timedelta:
    """How far back the clock was set in these transactions, by the events that tell it: so much may times go wrong."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(-sum((detail->>'seconds')::numeric) filter (where (detail->>'seconds')::numeric < 0), 0)"
            " from audit_event where event = 'clock.stepped' and txid >= %s::text::xid8 and txid < %s::text::xid8",
            [str(from_xid), str(to_xid)],
        )
        return timedelta(seconds=float(cursor.fetchone()[0]))


def _database_clock() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
        return at
