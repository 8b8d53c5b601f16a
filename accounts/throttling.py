"""How often somebody may try to sign in. The access log itself is the memory: every host sees it, no restart forgets.

Counted is one name from one address, so that a whole hospital behind one address is never locked out, and nobody is
locked out by what happens elsewhere; besides, one name from anywhere, for guessing that is spread over many addresses
(NIST SP 800-63B 5.2.2 allows at most 100).
"""

import ipaddress
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from audit.services import clean, record
from common.errors import TooMany
from common.words import counted

# How many passwords one process hashes at once, and for how long one more waits. A hash takes a processor for a tenth
# of a second: without this, a flood of attempts would take every thread of the web server, and nobody could work.
_hashing = threading.BoundedSemaphore(settings.SIGN_INS_AT_ONCE)
_queue = threading.BoundedSemaphore(1)
QUEUE_SECONDS = 1.0
FULL = "Many people are signing in just now. Go back and try again in a few seconds."

WINDOW = timedelta(minutes=15)
FAILURES = 5  # of one name from one address, since it last signed in
FAILURES_ANYWHERE = 100  # of one name
CODES = 20  # second factors refused for one name: nobody guesses six digits at this rate
CODES_WINDOW = timedelta(hours=24)
NOTE_EVERY = timedelta(minutes=1)
SECOND_FACTOR = "second factor"  # the reason that a failure of one has in the log

_FAILED = """
select at, coalesce(ip <<= %s::inet, %s::inet is null) as is_from_here from audit_event
where actor_id is null and at > %s and event = 'user.sign_in_failed' and outcome = 'failed'
  and lower(actor) = lower(%s)
order by at desc limit %s
"""
_BEGUN_ANEW = """
with owner as (select id, password_set_at from accounts_user where lower(username) = lower(%s))
select (select max(at) from audit_event where actor_id = (select id from owner)
            and at > %s and event = 'user.signed_in' and coalesce(ip <<= %s::inet, %s::inet is null)),
       (select password_set_at from owner)
"""
_CODES_FAILED = """
select at from audit_event
where actor_id is null and at > %s and event = 'user.sign_in_failed' and outcome = 'failed' and reason = %s
  and lower(actor) = lower(%s)
order by at desc limit %s
"""
_NOTED = """
select exists(select from audit_event where actor_id is null and at > %s and event = 'user.sign_in_failed'
              and outcome = 'denied' and lower(actor) = lower(%s))
"""


@contextmanager
def turn() -> Iterator[None]:
    """Run a block that hashes a password when it is its turn. Raises TooMany at once when the house is full."""
    if not _hashing.acquire(blocking=False):
        if not _queue.acquire(blocking=False):
            raise _full()
        try:
            is_my_turn = _hashing.acquire(timeout=QUEUE_SECONDS)
        finally:
            _queue.release()
        if not is_my_turn:
            raise _full()
    try:
        yield
    finally:
        _hashing.release()


def is_full() -> bool:
    """Whether the next attempt would be refused at once."""
    is_free = _queue.acquire(blocking=False)
    if is_free:
        _queue.release()
    return not is_free


def _full() -> TooMany:
    return TooMany(FULL, wait=3)


def neighbourhood(address: str | None) -> str | None:
    """What counts as one place: an IPv4 address, or the /64 that one subscriber has in IPv6."""
    if address is None:
        return None
    parsed = ipaddress.ip_address(address)
    return address if parsed.version == 4 else str(ipaddress.ip_network(f"{address}/64", strict=False))


def _failures(username: str, place: str | None, since: datetime) -> tuple[list[datetime], list[datetime]]:
    """Times of failures since the name has its password, newest first: from anywhere, and from here since it last
    got in from here.
    """
    with connection.cursor() as cursor:
        cursor.execute(_BEGUN_ANEW, [username, since, place, place])
        success, password_set_at = cursor.fetchone()
        since = max(since, password_set_at or since)
        cursor.execute(_FAILED, [place, place, since, username, FAILURES_ANYWHERE])
        rows = cursor.fetchall()
    here = [at for at, is_from_here in rows if is_from_here and (success is None or at > success)]
    return [at for at, _ in rows], here


def check_may_try(username: str, address: str | None) -> None:
    """Refuse another attempt after too many that failed. Raises TooMany with the seconds to wait.

    Call inside the transaction of the attempt: attempts with one name from one place then go one after the other,
    so that a burst at the same moment does not slip through between the counting and the writing.
    """
    name, place = clean(username, 150), neighbourhood(address)
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sign-in {name.lower()} {place}"]
        )
    anywhere, here = _failures(name, place, now - WINDOW)
    frees_at = None
    if len(here) >= FAILURES:
        frees_at = here[FAILURES - 1] + WINDOW
    if len(anywhere) >= FAILURES_ANYWHERE:
        frees_at = max(anywhere[-1] + WINDOW, frees_at or now)
    if frees_at is not None:
        raise _too_many("attempts with this user name", frees_at - now)


def check_may_try_code(username: str, password_set_at: datetime | None) -> None:
    """Refuse a second factor after too many refused in a day, wherever from, since the password was set.

    Whoever gets this far knows the password; a new one gives its owner her tries back. Raises TooMany.
    """
    now = timezone.now()
    since = max(now - CODES_WINDOW, password_set_at or now - CODES_WINDOW)
    with connection.cursor() as cursor:
        cursor.execute(_CODES_FAILED, [since, SECOND_FACTOR, clean(username, 150), CODES])
        rows = cursor.fetchall()
    if len(rows) >= CODES:
        raise _too_many("codes refused", rows[-1][0] + CODES_WINDOW - now)


def _too_many(what: str, left: timedelta) -> TooMany:
    wait = max(1, round(left.total_seconds()))
    minutes = -(-wait // 60)
    return TooMany(
        f"Too many {what}. Try again in {counted(minutes, 'minute')}; "
        "an administrator can give you a new password meanwhile.",
        wait=wait,
    )


def note_refused(username: str) -> None:
    """Write that an attempt was not even tried, once a minute for a name: refusals must not flood the log."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTED, [timezone.now() - NOTE_EVERY, clean(username, 150)])
        (is_noted,) = cursor.fetchone()
    if not is_noted:
        record("user.sign_in_failed", by=None, actor=username, outcome="denied", reason="throttled")
