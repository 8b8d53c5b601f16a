"""One very full month of the log: sealed, checked, asked, archived, given up by the table, and put back.

Limits: verify ≥ 100,000 events a second; a chart's question on it ≤ 50 ms p50; no step takes memory that grows with the
month (≤ 600 MB more than at the start: an epoch of 200,000 events is held at a time).

The month lies eleven years back, so that the retention rule lets it go. BENCH_EVENTS says how full it is (default
2000000; each million takes about 1 GB in the table, its write-ahead log and its file).
"""
# ruff: noqa: E501  (statements read best as they are)

import os
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from _measure import Verdict, in_turns, median, setup_django

setup_django()

from django.conf import settings  # noqa: E402
from django.db import connections, transaction  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from accounts.services import service_account  # noqa: E402
from audit.archiving import services  # noqa: E402
from audit.archiving.months import Month  # noqa: E402
from audit.models import Event  # noqa: E402
from audit.proof import epochs, eras, keys, sealing, verifying  # noqa: E402
from audit.review import keyset  # noqa: E402
from audit.review.questions import Question, branches, count  # noqa: E402

T = TypeVar("T")
EVENTS = int(os.environ.get("BENCH_EVENTS", "2000000"))
AT_ONCE = 200_000
CHARTS = max(1_000, EVENTS // 100)
MONTH = Month(datetime.now(UTC).year - 11, 6)

FILL = """
insert into audit_event (at, event, action, actor_id, actor, roles, session, patient_id, object_type, object_id, purpose,
    reason, outcome, channel, ip, request_id, detail)
select %(from)s + %(each)s * n, 'patient.viewed', 'view', %(actor)s, %(name)s, %(roles)s, substr(md5((n / 40)::text), 1, 16),
    ('00000000-0000-7000-8000-' || lpad(to_hex(mod(n * 7919, %(charts)s)), 12, '0'))::uuid, 'patients.patient',
    '00000000-0000-7000-8000-' || lpad(to_hex(mod(n * 7919, %(charts)s)), 12, '0'), 'TREAT', 'attending: encounter E-' || n,
    'success', 'web', '127.0.0.1', substr(md5(n::text), 1, 16), null
from generate_series(%(first)s::bigint, %(last)s::bigint) n
"""


def memory() -> float:
    """The most that this process has held so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def timed_step(words: str, work: Callable[[], T]) -> tuple[T, float]:
    """Do it, and say how long it took, how many events a second that is, and how much memory it wanted.

    Gives what came of it, and the seconds.
    """
    before, started = memory(), time.perf_counter()
    result = work()
    took = time.perf_counter() - started
    said(words, took, memory() - before)
    return result, took


def said(words: str, seconds: float, megabytes: float) -> None:
    """A line about one step."""
    print(
        f"{words}: {seconds:,.0f} s, {EVENTS / seconds:,.0f} a second, {megabytes:,.0f} MB more", flush=True
    )


def empty_log(cursor: Any) -> None:
    """What the instance has written so far: nothing may be sealed before the month was."""
    tables = ("audit_event", "audit_epoch_leaves", "audit_epoch")
    cursor.execute(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_event'::regclass"
    )
    parts = [name for (name,) in cursor.fetchall()]
    for table in (*tables, *parts):
        cursor.execute(f"alter table {table} disable trigger user")
    for table in tables:
        cursor.execute(f"delete from {table}")
    for table in (*tables, *parts):
        cursor.execute(f"alter table {table} enable trigger user")


def fill_and_seal(actor: User) -> None:
    """The month as it went by: each part of it written and sealed at its time, by the owner of the tables.

    The worker's own sealer is kept out meanwhile, for it would seal with today's date.
    """
    each = (MONTH.end - MONTH.start - timedelta(seconds=60)) / EVENTS
    values = {"from": MONTH.start, "each": each, "actor": actor.pk, "name": actor.username, "charts": CHARTS}
    written = sealed = 0.0
    before, former, era = memory(), None, eras.every().current
    with transaction.atomic(), connections["owner"].cursor() as cursor:
        if not sealing.is_only_sealer(patience=60):
            raise SystemExit("The worker does not let go of the log.")
        empty_log(cursor)
        settings.SEAL_MEMORY.unlink(missing_ok=True)  # else the sealer rightly misses what it sealed
        cursor.execute(
            f"create table {MONTH.table} partition of audit_event for values from (%s) to (%s)",
            [MONTH.start, MONTH.end],
        )
        for first in range(0, EVENTS, AT_ONCE):
            last = min(EVENTS, first + AT_ONCE) - 1
            started = time.perf_counter()
            cursor.execute(FILL, {**values, "roles": [Role.CLINICIAN.value], "first": first, "last": last})
            cursor.execute(f"select max(txid)::text::bigint + 1 from {MONTH.table}")
            until = cursor.fetchone()[0]
            written += time.perf_counter() - started
            started = time.perf_counter()
            since = former.next_from_xid if former else 0
            former = sealing.add(
                former,
                epochs.leaves(since, until, era),
                from_xid=since,
                to_xid=until,
                now=MONTH.start + each * last + timedelta(seconds=30),
                cluster=sealing.cluster_now(),
                key_id=keys.current(),
            )
            sealed += time.perf_counter() - started
    said(f"{MONTH} written", written, 0)
    said("sealed", sealed, memory() - before)
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"vacuum analyze {MONTH.table}")


def check() -> verifying.Result:
    """The whole log; raises when it is not whole."""
    result = verifying.verify()
    if not result.ok:
        raise SystemExit(f"The log is not whole: {result.first_bad}")
    return result


def ask_of(chart: int) -> int:
    """A page of what was done to one chart in that month, newest first, and how much there is."""
    patient = UUID(f"00000000-0000-7000-8000-{chart:012x}")
    question = Question(patient=patient, since=MONTH.start, until=MONTH.end)
    rows = keyset.fetch(branches(question), question.order, backwards=False, edge=None, limit=51)
    return len(rows) and count(question)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        settings.LOG_ARCHIVE = folder
        verdict = Verdict()
        start = memory()
        fill_and_seal(service_account("bench"))
        result, took = timed_step("verified", check)
        verdict.amount("microseconds to verify an event", 1e6 * took / result.checked, "µs", most=10)
        asked = iter(range(1, CHARTS))
        times = in_turns({"chart": lambda: ask_of(next(asked))}, rounds=100, warm=5)["chart"]
        verdict.amount("a chart's events of the month, p50", median(times) * 1000, "ms", most=50)
        row, _ = timed_step("archived", lambda: services.archive(MONTH))
        print(
            f"its file has {row.size_bytes / 1e6:,.0f} MB, {row.size_bytes / EVENTS:.0f} bytes an event",
            flush=True,
        )
        if Event.objects.filter(at__gte=MONTH.start, at__lt=MONTH.end).exists():
            raise SystemExit("The table still has the month.")
        timed_step("verified without it", check)
        timed_step("put back", lambda: services.attach(MONTH))
        timed_step("verified again", check)
        verdict.amount("memory of the process, more than at its start", memory() - start, "MB", most=600)
        return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
