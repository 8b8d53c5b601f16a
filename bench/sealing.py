"""Sealing and checking the log: events a second on one core, and what sealing costs the writers.

Limits: verify ≥ 100,000 events a second; with sealing on at most 5 % fewer transactions a second.
"""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event

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
SECONDS = 6.0
ROUNDS = 10
EVERY = 1.0  # seconds between two seals: much more often than the worker's 15

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


def write_for(seconds: float, actor: User) -> int:
    """How many single-event transactions eight writers commit in this time."""
    end = time.monotonic() + seconds
    counts = [0] * WRITERS

    def writer(number: int) -> None:
        while time.monotonic() < end:
            with transaction.atomic():
                services.record("patient.viewed", by=actor, patient=uuid7(), reason="bench")
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def keep_sealing(is_on: Event) -> None:
    """The sealer: a process of its own, as the worker is, at work while `is_on` is set."""
    while is_on.wait():
        sealing.seal()
        time.sleep(EVERY)


@contextmanager
def nobody_seals() -> Iterator[None]:
    """The worker of this installation seals too: while somebody else holds its lock it leaves at once."""
    lock = connection.copy()
    with lock.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [sealing.ADVISORY_LOCK])
    try:
        yield
    finally:
        lock.close()


def seal_the_rest() -> None:
    """Until nothing is left to seal, whoever seals it."""
    while sealed_in_all() < count_of_events():
        if sealing.seal() is None:
            time.sleep(0.05)


def with_and_without(actor: User) -> tuple[list[float], list[float]]:
    """Seconds a transaction, in turns: while nobody seals, and while the sealer is at work beside the writers."""
    off: list[float] = []
    on: list[float] = []
    context = multiprocessing.get_context("spawn")
    is_on = context.Event()
    sealer = context.Process(target=keep_sealing, args=(is_on,), daemon=True)
    sealer.start()
    try:
        write_for(SECONDS, actor)  # warm
        seal_the_rest()
        for turn in range(2 * ROUNDS):  # off on, on off, …: what grows with the table falls on both alike
            if turn % 4 in {0, 3}:
                with nobody_seals():
                    off.append(SECONDS / write_for(SECONDS, actor))
            else:
                before = sealed_in_all()
                is_on.set()
                written = write_for(SECONDS, actor)
                is_on.clear()
                on.append(SECONDS / written)
                if sealed_in_all() - before < written / 2:
                    raise SystemExit("The sealer did not keep up, so this says nothing.")
            seal_the_rest()
    finally:
        sealer.kill()
    return off, on


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
    seal_the_rest()
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
    off, on = with_and_without(actor)
    pairs = [without / beside for without, beside in zip(off, on, strict=True)]
    print("each pair, sealing on against off:", *(f"{pair:.2f}" for pair in pairs))
    verdict.ratio("8 writers, sealing on against off", median(off), median(on), least=0.95)
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
