"""Seal what is settled: no transaction is open any more that could add an event before it.

Never by event id: ids are drawn before COMMIT, so a smaller one may appear later. Transaction ids below the
snapshot's xmin are all finished, and their rows visible. Writers are never held up.
"""

from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction

from audit.proof import epochs, keys, merkle
from audit.proof.epochs import FIRST_PREVIOUS, LEAF, LEAVES, Epoch

ADVISORY_LOCK = 0x43485254  # one sealer at a time; a second one leaves at once
MOST_ROWS = 200_000


class CounterBehind(Exception):
    """The database's transaction counter is below the last seal: it was restored into a new cluster."""


def seal() -> Epoch | None:
    """Seal what has settled since the last epoch; None when there is nothing, or another sealer is at it.

    Raises keys.NoKey, CounterBehind.
    """
    key_id = keys.current()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("set local synchronous_commit = on")
            cursor.execute("select pg_try_advisory_xact_lock(%s)", [ADVISORY_LOCK])
            if not cursor.fetchone()[0]:
                return None
            cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text, clock_timestamp()")
            settled, now = cursor.fetchone()
            cursor.execute("select system_identifier::text from pg_control_system()")
            cluster = str(cursor.fetchone()[0])
        return _seal_up_to(int(settled), now, cluster, key_id)


def _seal_up_to(settled: int, now: datetime, cluster: str, key_id: str) -> Epoch | None:
    former = epochs.last()
    start = former.to_xid if former else 0
    if former and settled < start:
        raise CounterBehind(
            f"Transactions are numbered {settled} now, but the log is sealed up to {start}. The database was restored"
            " into a new cluster: docs/operators/proof.md says how to go on."
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "select txid::text from audit_event where txid >= %s::text::xid8 and txid < %s::text::xid8"
            " order by txid offset %s limit 1",
            [str(start), str(settled), MOST_ROWS],
        )
        beyond = cursor.fetchone()
        # A transaction is never cut in two: seal up to the one that went over the limit.
        end = int(beyond[0]) if beyond and int(beyond[0]) > start else settled
        cursor.execute(LEAVES, [str(start), str(end)])
        rows = [(int(pk), bytes(leaf), at) for pk, leaf, at in cursor.fetchall()]
    if not rows:
        return None
    epoch = Epoch(
        n=former.n + 1 if former else 1,
        from_xid=start,
        to_xid=end,
        row_count=len(rows),
        total=(former.total if former else 0) + len(rows),
        root=merkle.root([leaf for _, leaf, _ in rows]),
        previous=former.link if former else FIRST_PREVIOUS,
        first_at=min(at for _, _, at in rows),
        last_at=max(at for _, _, at in rows),
        cluster=cluster,
        sealed_at=now,
        key_id=key_id,
        note="",
    )
    epoch = replace(epoch, signature=keys.sign(key_id, epoch.message))
    _write(epoch, b"".join(LEAF.pack(pk, leaf) for pk, leaf, _ in rows))
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
