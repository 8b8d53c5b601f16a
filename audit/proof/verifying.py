"""Check the log against its chain, and say of the first bad thing what it is and which event it concerns."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from audit.archiving import ledger
from audit.archiving.ledger import Archived
from audit.proof import clock, epochs, eras, keys, memory, naming, sealing, stamps
from audit.proof.epochs import FIRST_PREVIOUS, Epoch
from audit.proof.eras import Era, Eras
from audit.proof.naming import Bad
from audit.proof.stamps import NotStamped, Stamp, Trust, WrongStamp

# How far an event's time may lie before the seal of the epoch before it: a transaction that stayed open.
LONGEST_TRANSACTION = timedelta(minutes=15)
BEGINNING = datetime(1971, 1, 1, tzinfo=UTC)  # no event is older

logger = logging.getLogger("chartroom.audit")


@dataclass
class Result:
    """What a check found: `ok`, how far the log is sealed, how many events were compared."""

    ok: bool = True
    checked: int = 0
    sealed_through: str | None = None
    epochs: int = 0
    unsealed: int = 0
    first_bad: Bad | None = None
    keys: list[str] = field(default_factory=list)
    archived: dict[str, int] = field(default_factory=dict)  # events by file, not in the table and not missed
    stamps: int = 0  # time-stamps of an outside authority that hold
    stamps_unchecked: int = 0  # because nobody said whom to trust


class _Found(Exception):
    def __init__(self, bad: Bad) -> None:
        self.bad = bad


def verify(
    *,
    checkpoints: Iterable[Mapping[str, Any]] = (),
    first: int = 1,
    last: int | None = None,
    told: Eras | None = None,
) -> Result:
    """Check every event and epoch from epoch `first` to `last` (to the end), and against checkpoints kept elsewhere.

    A checkpoint is {"n", "signature", "total"} (signature hexadecimal), or {"n", "fingerprint"} of a printed one.
    Only they show that the newest epochs were cut off, a backup restored over the log, or the whole chain made anew
    with a stolen key; the one that this machine's sealer keeps is taken too. `told` is for a log that was brought here
    from another cluster: its eras, where the chain does not say them yet; its tail is not looked at.
    """
    result = Result()
    # Before the chain is read: what is sealed meanwhile would be missed in it.
    own = memory.remembered() if told is None and last is None else None
    stamped = _StampsOnTheWay(result, first)
    try:
        if told is None:
            _check_cluster()
        former = _walk(result, first, last, told or eras.every(), stamped)
        if last is None:
            _check_checkpoints([*checkpoints, *([own] if own else [])], former)
            stamped.check_end(former)
            if told is None:
                _check_tail(result, former)
                _check_strays(eras.every())
        if stamped.first_wrong:
            raise _Found(stamped.first_wrong)
    except _Found as found:
        result.ok = False
        result.first_bad = found.bad
    return result


def _check_cluster() -> None:
    newest = epochs.last()
    if newest and newest.next_cluster != sealing.cluster_now():
        text = (
            "The log was brought here from another database cluster, and nobody has said so (audit_moved): nothing is"
            " sealed any more."
        )
        raise _Found(Bad("other_cluster", text, epoch=newest.n))


def _walk(
    result: Result, first: int, last: int | None, told: Eras, stamped: "_StampsOnTheWay"
) -> Epoch | None:
    away = _archived()
    former: Epoch | None = None
    if first > 1:
        former = epochs.of([first - 1]).get(first - 1)
        if former is None:
            raise _Found(
                Bad("epoch_removed", f"Epoch {first - 1} is missing from the chain.", epoch=first - 1)
            )
    for epoch in epochs.every(first):
        stamped.pass_by(epoch, is_asked=last is None or epoch.n <= last)
        if last is not None and epoch.n > last:
            break
        _check_link(epoch, former)
        _check_signature(epoch, former)
        result.checked += _check_events(epoch, former, told, away, result)
        result.epochs += 1
        result.sealed_through = epoch.last_at.isoformat() if epoch.last_at else result.sealed_through
        if epoch.key_id not in result.keys:
            result.keys.append(epoch.key_id)
        former = epoch
    if first == 1 and last is None:
        _check_counts(away, result)
    return former


class _StampsOnTheWay:
    """Checks the time-stamps while the chain is walked. Each needs its epoch, and when the next one was sealed.

    The first wrong one is kept until all else was looked at: the events matter more.
    """

    def __init__(self, result: Result, first: int) -> None:
        self.result = result
        self.first_wrong: Bad | None = None
        self._stamps = stamps.every(first)
        self._coming = next(self._stamps, None)
        self._waiting: tuple[Stamp, Epoch] | None = None
        self._trust = _trusted()

    def pass_by(self, epoch: Epoch, *, is_asked: bool) -> None:
        """The next epoch of the chain, in order; `is_asked` is false for the one behind the last."""
        self._check_waiting(epoch.sealed_at)
        while self._coming and self._coming.n < epoch.n:
            self._coming = next(self._stamps, None)
        if is_asked and self._coming and self._coming.n == epoch.n:
            self._waiting = (self._coming, epoch)
            self._coming = next(self._stamps, None)

    def check_end(self, newest: Epoch | None) -> None:
        """Nothing follows: the last stamp, and none of an epoch that is gone."""
        self._check_waiting(None)
        if self._coming:
            ends = f"ends with epoch {newest.n}" if newest else "is empty"
            text = f"A time-stamp knows epoch {self._coming.n}, but the chain {ends}: its tail was cut off."
            raise _Found(Bad("tail_cut", text, epoch=self._coming.n))

    def _check_waiting(self, next_sealed_at: datetime | None) -> None:
        if self._waiting is None:
            return
        (stamp, epoch), self._waiting = self._waiting, None
        if self._trust is None:
            self.result.stamps_unchecked += 1
            return
        try:
            stamps.check(stamp, epoch, self._trust, next_sealed_at)
        except WrongStamp as wrong:
            text = f"{wrong.text} The events and seals are as they were sealed."
            self.first_wrong = self.first_wrong or Bad(wrong.kind, text, epoch=stamp.n)
        else:
            self.result.stamps += 1


def _trusted() -> Trust | None:
    try:
        return stamps.trusted()
    except NotStamped as error:
        logger.error("Time-stamps cannot be checked: %s", error)
        return None


def _archived() -> list[Archived]:
    """The months that left the table lawfully: each signed by whoever held the seal key."""
    rows = ledger.archived()
    for row in rows:
        if not row.is_signed:
            text = f"That {row.month} was archived is not signed with a key of ours: nobody knows where its events are."
            raise _Found(Bad("archive_altered", text, row.first_epoch))
    return rows


def _check_counts(away: list[Archived], result: Result) -> None:
    for row in away:
        missed = result.archived.get(row.name, 0)
        if missed != row.events:
            text = f"{row.month} was archived with {row.events} events, and the chain misses {missed} there."
            raise _Found(Bad("archive_altered", text, row.first_epoch))


def _check_link(epoch: Epoch, former: Epoch | None) -> None:
    expected = former.n + 1 if former else 1
    if epoch.n != expected:
        raise _Found(Bad("epoch_removed", f"Epoch {expected} is missing from the chain.", epoch=expected))
    is_linked = (
        epoch.previous == (former.link if former else FIRST_PREVIOUS)
        and epoch.from_xid == (former.next_from_xid if former else 0)
        and epoch.total == (former.total if former else 0) + epoch.row_count
    )
    if not is_linked and keys.is_signed(epoch.key_id, epoch.signature, epoch.message):
        raise _Found(
            Bad("epoch_removed", f"Epoch {epoch.n} does not follow the one before it.", epoch=epoch.n)
        )


def _check_signature(epoch: Epoch, former: Epoch | None) -> None:
    if keys.public(epoch.key_id) is None:
        raise _Found(Bad("key", f"Epoch {epoch.n} is signed with a key nobody knows.", epoch=epoch.n))
    if not keys.is_signed(epoch.key_id, epoch.signature, epoch.message):
        raise _Found(Bad("epoch_altered", f"Epoch {epoch.n} is not as it was signed.", epoch=epoch.n))
    if former and epoch.cluster != former.next_cluster:
        text = f"Epoch {epoch.n} was sealed by another database cluster, and nothing says that the log was moved."
        raise _Found(Bad("other_cluster", text, epoch=epoch.n))
    order = keys.order()
    if former and order.index(epoch.key_id) < order.index(former.key_id):
        raise _Found(
            Bad("key", f"Epoch {epoch.n} is signed with a key that was retired before.", epoch=epoch.n)
        )


def _check_events(
    epoch: Epoch, former: Epoch | None, told: Eras, away: list[Archived], result: Result
) -> int:
    era = told.of_epoch(epoch.n)
    rows = epochs.leaves(epoch.from_xid, epoch.to_xid, era, kept_by=epoch.n)
    near = [row for row in away if row.first_epoch <= epoch.n <= row.last_epoch]
    if near and _check_around(epoch, rows.pairs(), near, result):
        pass  # what is still in the table is as it was sealed
    elif len(rows) != epoch.row_count or rows.root != epoch.root:
        raise _Found(naming.of_events(epoch, rows.pairs()))
    elif not rows.are_kept:
        text = f"The hashes that epoch {epoch.n} kept of its events are not those that were sealed; the events are."
        raise _Found(Bad("epoch_altered", text, epoch=epoch.n))
    _check_times(
        former,
        (epoch.from_xid, epoch.to_xid),
        era,
        (rows.first_at, rows.last_at),
        latest=epoch.sealed_at + timedelta(seconds=1),
        n=epoch.n,
    )
    return len(rows)


def _earliest_after(former: Epoch | None) -> datetime:
    """Before when no event can have been written that the epoch `former` left for later.

    Where it left much behind (a week without a key), or the log was moved and written before somebody said so, those
    events are older than its seal, and none is older than what it sealed.
    """
    if former is None:
        return BEGINNING
    has_left_some = former.row_count > sealing.MOST_ROWS // 2 or eras.move_in(former.note) is not None
    at = former.last_at or BEGINNING if has_left_some else former.sealed_at
    return at - LONGEST_TRANSACTION


def _check_times(
    former: Epoch | None,
    transactions: tuple[int, int],
    era: Era,
    times: tuple[datetime | None, datetime | None],
    *,
    latest: datetime,
    n: int | None,
) -> None:
    """No event of these transactions (from, before), the earliest and latest of which bear these times, has one long
    before the seal before it, or after `latest`; unless the clock was set back then. `n` seals them, None: nothing yet.
    """
    earliest, (first_at, last_at) = _earliest_after(former), times
    if not first_at or not last_at or (first_at >= earliest and last_at <= latest):
        return
    begin, end = transactions
    back = clock.set_back(former.from_xid if former else begin, end)
    strange = epochs.first_outside(begin, end, era, earliest=earliest - back, latest=latest + back)
    if strange:
        raise _Found(naming.strange_time(n, *strange, latest=latest))


def _check_around(epoch: Epoch, found: list[tuple[int, bytes]], near: list[Archived], result: Result) -> bool:
    """Of an epoch whose events left with an archived month: the kept hashes are those that were sealed, and the table
    holds the rest of the events and nothing else. False where no event of it left.
    """
    kept = epochs.kept_leaves(epoch.n)
    gone: set[int] = set()
    for row in near:
        ids = row.ids_in(epoch, [pk for pk, _ in kept])
        gone |= ids
        if ids:
            result.archived[row.name] = result.archived.get(row.name, 0) + len(ids)
    if not gone:
        return False
    if not epoch.seals(kept) or found != [(pk, leaf) for pk, leaf in kept if pk not in gone]:
        raise _Found(naming.of_events(epoch, found, gone))
    return True


def _went_back(checkpoint: Mapping[str, Any]) -> bool:
    """Whether numbers of events are given, or were given, a second time: so it is after a backup's restore.

    Fewer were ever given than the checkpoint counted events; or one of those numbers was given after the checkpoint.
    """
    total = int(checkpoint.get("total", 0))
    with connection.cursor() as cursor:
        cursor.execute(
            "select last_value < %s or exists (select from audit_event where at > %s::timestamptz and id <= %s)"
            " from audit_event_id_seq",
            [total, checkpoint.get("sealed_at", "infinity"), total],
        )
        return bool(cursor.fetchone()[0])


def _is_known(epoch: Epoch, checkpoint: Mapping[str, Any]) -> bool:
    """Whether this is the epoch of the checkpoint: by its signature, or by the fingerprint of a printed one."""
    if "signature" in checkpoint:
        return epoch.signature.hex() == str(checkpoint["signature"])
    return epoch.link.hex()[:32] == str(checkpoint["fingerprint"])


def _check_checkpoints(checkpoints: Iterable[Mapping[str, Any]], newest: Epoch | None) -> None:
    for checkpoint in checkpoints:
        n = int(checkpoint["n"])
        epoch = epochs.of([n]).get(n) if newest and n <= newest.n else None
        if epoch and _is_known(epoch, checkpoint):
            continue
        if _went_back(checkpoint):
            text = (
                f"A checkpoint kept elsewhere knows epoch {n} and {checkpoint['total']} events, and this database gives"
                " their numbers a second time: an older backup was restored over the log."
            )
            raise _Found(Bad("restored", text, epoch=n))
        if newest is None or n > newest.n:
            text = f"A checkpoint kept elsewhere knows epoch {n}, but the chain ends before it: its tail was cut off."
            raise _Found(Bad("tail_cut", text, epoch=n))
        text = f"Epoch {n} is not the one that the checkpoint kept elsewhere knows: the chain was made anew."
        raise _Found(Bad("chain_replaced", text, epoch=n))


def _check_tail(result: Result, newest: Epoch | None) -> None:
    """Events not sealed yet: counted; none may claim a transaction that has not begun, or a time that cannot be."""
    begin, era = (newest.next_from_xid if newest else 0), eras.every().current
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*), min(id) filter (where txid >= pg_snapshot_xmax(pg_current_snapshot())),"
            " min(at), max(at), clock_timestamp() from audit_event where txid >= %s::text::xid8 and id > %s",
            [str(begin), era.after_id],
        )
        result.unsealed, forged, first_at, last_at, now = cursor.fetchone()
    if forged is not None:
        raise _Found(
            Bad("inserted", f"Event {forged} claims a transaction that has not begun.", event=forged)
        )
    _check_times(
        newest,
        (begin, eras.LARGEST_ID),
        era,
        (first_at, last_at),
        latest=now + timedelta(seconds=1),
        n=None,
    )


def _check_strays(told: Eras) -> None:
    """No event stands where no epoch would ever look for it: by a number that the log never gives, or by a transaction
    that its former cluster had not reached when the log was moved.
    """
    spans = [(-eras.LARGEST_ID - 1, 0, 0)]  # ids from, ids to, transactions from
    for era in told.eras[:-1]:
        ended_by = told.last_epoch_of(era)
        last = epochs.of([ended_by]).get(ended_by) if ended_by else None
        if last:
            spans.append((era.after_id + 1, era.up_to_id, last.to_xid))
    for from_id, up_to_id, from_xid in spans:
        with connection.cursor() as cursor:
            cursor.execute(
                "select min(id) from audit_event where id >= %s::text::bigint and id <= %s and txid >= %s::text::xid8",
                [str(from_id), up_to_id, str(from_xid)],
            )
            (stray,) = cursor.fetchone()
        if stray is not None:
            text = f"Event {stray} bears a number or a transaction that the log never gave."
            raise _Found(Bad("inserted", text, event=stray))


def read_checkpoints(text: str) -> list[dict[str, Any]]:
    """Checkpoints from a file of JSON lines. Raises ValueError."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]
