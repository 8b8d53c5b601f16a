"""A lawful move to another database cluster (pg_dump and restore, pg_upgrade): the proof goes on, the cut is an event.

An epoch of its own seals what was restored and not sealed yet, and says in its signed note which cluster goes on, and
after which event id where the counting of transactions starts again. Only who holds the seal key can say it.
"""

from datetime import datetime, timedelta

from django.db import connection, transaction

from audit.proof import epochs, eras, keys, sealing, verifying
from audit.proof.epochs import Epoch, Leaves
from audit.proof.eras import Move
from audit.services import record

PATIENCE = 60  # seconds; an epoch is sealed in a few


class NotMoved(Exception):
    """There is nothing to say: the chain was written here, is empty, or is not whole."""


def carry_over(*, why: str) -> Epoch:
    """Say that the log was moved into this cluster; what was in it before must be whole. An event says it too.

    Raises NotMoved with a sentence, keys.NoKey.
    """
    key_id = keys.current()
    with transaction.atomic():
        if not sealing.is_only_sealer(patience=PATIENCE):
            raise NotMoved(
                f"The log was being sealed for {PATIENCE} seconds without a pause. Try again in a minute."
            )
        former, cluster = epochs.last(), sealing.cluster_now()
        if former is None:
            raise NotMoved("Nothing is sealed yet, so there is nothing to carry over.")
        if former.next_cluster == cluster:
            raise NotMoved("The log was sealed by this very cluster: it was not moved.")
        counted, now = _counted()
        restarted = counted < former.next_from_xid
        move = Move(cluster, _last_id_of_the_former(former, counted) if restarted else None)
        told = eras.every()
        if move.after_id is not None:
            told = told.ended_by(former.n + 1, move.after_id)
        result = verifying.verify(told=told)
        if result.first_bad:
            text = f"What was brought here is not whole, so it is not carried over. {result.first_bad.text}"
            raise NotMoved(text)
        start, end = former.next_from_xid, former.next_from_xid
        rows = epochs.leaves(start, eras.LARGEST_ID, told.of_epoch(former.n + 1)) if restarted else Leaves()
        if rows:
            end = _newest_transaction([pk for pk, _ in rows.pairs()]) + 1
        epoch = sealing.add(
            former,
            rows,
            from_xid=start,
            to_xid=end,
            now=now,
            cluster=former.next_cluster,
            key_id=key_id,
            note=move.note,
        )
        detail = {"from": former.next_cluster, "to": cluster, "epoch": epoch.n, "note": epoch.note}
        record("log.moved", by=None, actor="command", reason=why, detail=detail)
    return epoch


def _counted() -> tuple[int, datetime]:
    """How far this cluster has numbered transactions, and the time of its clock."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_snapshot_xmax(pg_current_snapshot())::text, clock_timestamp()")
        counted, now = cursor.fetchone()
    return int(counted), now


def _last_id_of_the_former(former: Epoch, counted: int) -> int:
    """The largest event id that the former cluster gave.

    Sealed events' ids stand in the kept hashes. What was restored unsealed has transactions this cluster has not
    reached. What this cluster wrote since has ids above both, because the sequence is restored with the rows.
    """
    since: datetime = former.sealed_at - timedelta(hours=1)
    sealed = [pk for n in epochs.numbers_sealed_since(since) for pk, _ in epochs.kept_leaves(n)]
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(max(id), 0) from audit_event where txid >= %s::text::xid8",
            [str(max(former.next_from_xid, counted))],
        )
        return max([*sealed, int(cursor.fetchone()[0])])


def _newest_transaction(ids: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "select coalesce(max(txid::text::bigint), 0) from audit_event where id = any(%s::bigint[])", [ids]
        )
        return int(cursor.fetchone()[0])
