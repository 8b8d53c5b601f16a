"""Seal what is settled: no transaction is open any more that could add an event before it.

Never by event id: ids are drawn before COMMIT, so a smaller one may appear later. Transaction ids below the
snapshot's xmin are all finished, and their rows visible. Writers are never held up.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial

from django.conf import settings
from django.db import connection, transaction

from audit.locks import Busy, waiting_at_most
from audit.proof import epochs, eras, keys, memory
from audit.proof.epochs import FIRST_PREVIOUS, Epoch, Leaves

ADVISORY_LOCK = 0x43485254  # one sealer at a time; a second one leaves at once
MOST_ROWS = 200_000


class OtherCluster(Exception):
    """The chain was written by another database cluster: somebody moved or restored it and has not said so."""


class CutBack(Exception):
    """The chain does not hold what this machine sealed last: seals were removed, made anew, or a backup restored."""


def cluster_now() -> str:
    """The system identifier of the cluster we talk to."""
    with connection.cursor() as cursor:
        cursor.execute("select system_identifier::text from pg_control_system()")
        return str(cursor.fetchone()[0])


def is_only_sealer(*, patience: int = 0) -> bool:
    """Take the sealers' lock until the transaction ends, waiting for it up to `patience` seconds; False when another
    one still holds it.
    """
    with connection.cursor() as cursor:
        cursor.execute("set local synchronous_commit = on")
        if not patience:
            cursor.execute("select pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
            return bool(cursor.fetchone()[0])
    try:
        with waiting_at_most(patience), connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    except Busy:
        return False
    return True


def seal() -> Epoch | None:
    """Seal what has settled since the last epoch; None when there is nothing, or another sealer is at it.

    Raises keys.NoKey, OtherCluster, CutBack.
    """
    key_id = keys.current()
    with transaction.atomic():
        if not is_only_sealer():
            return None
        former, cluster = epochs.last(), cluster_now()
        with connection.cursor() as cursor:
            cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text, clock_timestamp()")
            settled, now = cursor.fetchone()
        if former and (former.next_cluster != cluster or int(settled) < former.next_from_xid):
            raise OtherCluster(
                "The log was sealed by another database cluster than this one: it was moved or restored. If that was"
                " meant, say so with `audit_moved`; docs/operators/proof.md tells how."
            )
        known = memory.remembered()
        if known and not memory.is_in_chain(known):
            raise CutBack(
                f"The chain does not hold seal {known['n']}, which this machine made: seals were removed or made anew,"
                f" or an older backup was restored. Nothing is sealed before {settings.SEAL_MEMORY} is moved away;"
                " docs/operators/proof.md tells what to do first."
            )
        epoch = _seal_up_to(int(settled), now, cluster, key_id, former)
        if epoch:
            transaction.on_commit(partial(memory.keep, epoch))
        return epoch


def oldest_unsealed(newest: Epoch | None) -> datetime | None:
    """The time of the first event that waits for its seal after the newest epoch; None when all are sealed."""
    era = eras.every().current
    with connection.cursor() as cursor:
        cursor.execute(
            "select at from audit_event where txid >= %s::text::xid8 and id > %s order by txid limit 1",
            [str(newest.next_from_xid if newest else 0), era.after_id],
        )
        row = cursor.fetchone()
    return row[0] if row else None


def _seal_up_to(settled: int, now: datetime, cluster: str, key_id: str, former: Epoch | None) -> Epoch | None:
    start, era = former.next_from_xid if former else 0, eras.every().current
    with connection.cursor() as cursor:
        cursor.execute(
            "select txid::text from audit_event where txid >= %s::text::xid8 and txid < %s::text::xid8"
            " and id > %s order by txid offset %s limit 1",
            [str(start), str(settled), era.after_id, MOST_ROWS],
        )
        beyond = cursor.fetchone()
    # A transaction is never cut in two: seal up to the one that went over the limit.
    end = int(beyond[0]) if beyond and int(beyond[0]) > start else settled
    rows = epochs.leaves(start, end, era)
    if not rows:
        return None
    return add(former, rows, from_xid=start, to_xid=end, now=now, cluster=cluster, key_id=key_id)


def add(
    former: Epoch | None,
    rows: Leaves,
    *,
    from_xid: int,
    to_xid: int,
    now: datetime,
    cluster: str,
    key_id: str,
    note: str = "",
) -> Epoch:
    """Sign an epoch over these events, append it to the chain, and give it."""
    epoch = Epoch(
        n=former.n + 1 if former else 1,
        from_xid=from_xid,
        to_xid=to_xid,
        row_count=len(rows),
        total=(former.total if former else 0) + len(rows),
        root=rows.root,
        previous=former.link if former else FIRST_PREVIOUS,
        first_at=rows.first_at,
        last_at=rows.last_at,
        cluster=cluster,
        sealed_at=now,
        key_id=key_id,
        note=note,
    )
    epoch = replace(epoch, signature=keys.sign(key_id, epoch.message))
    _write(epoch, rows.packed)
    return epoch


def _write(epoch: Epoch, leaves: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into audit_epoch (n, from_xid, to_xid, row_count, total, root, previous, first_at, last_at,"
            " cluster, sealed_at, key_id, note, signature)"
            " values (%s, %s::text::xid8, %s::text::xid8, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                epoch.n,
                str(epoch.from_xid),
                str(epoch.to_xid),
                epoch.row_count,
                epoch.total,
                epoch.root,
                epoch.previous,
                epoch.first_at,
                epoch.last_at,
                epoch.cluster,
                epoch.sealed_at,
                epoch.key_id,
                epoch.note,
                epoch.signature,
            ],
        )
        cursor.execute("insert into audit_epoch_leaves (n, leaves) values (%s, %s)", [epoch.n, leaves])
