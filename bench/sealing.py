"""Sealing and checking the log: events a second on one core, and what sealing costs the writers.

Limits: verify ≥ 100,000 events a second; with sealing on at most 5 % fewer transactions a second.
"""

import threading
import time

from _measure import Verdict, median, setup_django

setup_django()

from django.db import connection, transaction  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.services import service_account  # noqa: E402
from audit import services  # noqa: E402
from audit.proof import epochs, sealing, verifying  # noqa: E402
from common.ids import uuid7  # noqa: E402

EVENTS = 300_000
BATCH = 5_000
WRITERS = 8
SECONDS = 4.0
ROUNDS = 3

FILL = """
insert into audit_event (event, action, actor_id, actor, roles, session, patient_id, object_type, object_id, purpose,
    reason, outcome, channel, ip, request_id, detail)
select 'patient.viewed', 'view', %s, %s, %s, repeat('0', 16), gen_random_uuid(), 'patients.patient',
    gen_random_uuid()::text, 'TREAT', 'attending: encounter E-' || n, 'success', 'web', '127.0.0.1',
    substr(md5(n::text), 1, 16), null
from generate_series(1, %s) n
"""


def fill(actor: User) -> None:
    """Events of a plausible size, some thousand a transaction."""
    for _ in range(EVENTS // BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(FILL, [actor.pk, actor.username, actor.role_names, BATCH])


def write_for(seconds: float, actor: User, *, seal: bool) -> int:
    """How many single-event transactions eight writers commit in this time, with or without a sealer beside them."""
    end = time.monotonic() + seconds
    counts = [0] * WRITERS

    def writer(number: int) -> None:
        while time.monotonic() < end:
            with transaction.atomic():
                services.record("patient.viewed", by=actor, patient=uuid7(), reason="bench")
            counts[number] += 1
        connection.close()

    def sealer() -> None:
        while time.monotonic() < end:
            sealing.seal()
            time.sleep(1)
        connection.close()

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
    if seal:
        threads.append(threading.Thread(target=sealer))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def sealed_in_all() -> int:
    """How many events the chain holds."""
    newest = epochs.last()
    return newest.total if newest else 0


def count_of_events() -> int:
    """How many events there are."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from audit_event")
        return int(cursor.fetchone()[0])


def main() -> int:
    actor = service_account("bench")
    fill(actor)
    before = sealed_in_all()
    started = time.perf_counter()
    while sealed_in_all() < count_of_events():  # the worker's own sealer may be at it too
        if sealing.seal() is None:
            time.sleep(0.05)
    took = time.perf_counter() - started
    sealed = sealed_in_all() - before
    print(f"sealed {sealed} events in {took:.1f} s: {sealed / took:,.0f} a second")
    started = time.perf_counter()
    result = verifying.verify()
    took = time.perf_counter() - started
    if not result.ok:
        raise SystemExit(f"The log is not whole: {result.first_bad}")
    rate = result.checked / took
    print(f"verified {result.checked} events in {took:.1f} s: {rate:,.0f} a second")
    with connection.cursor() as cursor:
        cursor.execute(
            "select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'audit_event'::regclass"
        )
        size = int(cursor.fetchone()[0])
    leaves = epochs.LEAF.size
    verdict = Verdict()
    verdict.amount("microseconds to verify an event", 1e6 / rate, "µs", most=10)
    verdict.amount(
        "bytes an event, table, indexes and kept leaf", size / count_of_events() + leaves, "B", most=500
    )
    off: list[int] = []
    on: list[int] = []
    for _ in range(ROUNDS):
        off.append(write_for(SECONDS, actor, seal=False))
        on.append(write_for(SECONDS, actor, seal=True))
    verdict.ratio(
        "8 writers, sealing on against off",
        median([1 / n for n in off]),
        median([1 / n for n in on]),
        least=0.95,
    )
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
