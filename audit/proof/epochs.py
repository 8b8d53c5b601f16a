"""An epoch: what was settled since the last one, as the chain and its signature hold it."""

import hashlib
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db import connection

from audit.proof import eras, merkle
from audit.proof.eras import Era

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PREVIOUS = bytes(32)
LEAF = struct.Struct(">q32s")
HASH_BYTES = 32
COLUMNS = (
    "n, from_xid::text, to_xid::text, row_count, total, root, previous, first_at, last_at, cluster, sealed_at,"
    " key_id, note, signature"
)

# Written out here, not a function of the database: its owner could make that one say what was sealed.
CANONICAL = (
    "('chartroom-event-1;' || row(id, (extract(epoch from at) * 1000000)::bigint, txid, event, action, actor_id, actor,"
    " roles, session, patient_id, patient_ids, object_type, object_id, purpose, reason, outcome, channel, ip,"
    " request_id, detail)::text)"
)
OF_TRANSACTIONS = "txid >= %s::text::xid8 and txid < %s::text::xid8 and id > %s and id <= %s"
# One value for all: handing each row to Python costs as much as hashing it.
LEAVES = (
    "select string_agg("  # noqa: S608
    f"int8send(id) || sha256('\\x00'::bytea || convert_to({CANONICAL}, 'UTF8')), ''::bytea order by txid, id),"
    " min(at), max(at), (select sha256(leaves) from audit_epoch_leaves where n = %s)"
    f" from audit_event where {OF_TRANSACTIONS}"
)
OUTSIDE = f"select id, at from audit_event where {OF_TRANSACTIONS} and (at < %s or at > %s) order by txid, id limit 1"  # noqa: S608


def moment(at: datetime | None) -> str:
    """A time as the signature holds it: microseconds since 1970 UTC, or "-"."""
    if at is None:
        return "-"
    delta = at.astimezone(UTC) - EPOCH
    return str((delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds)


@dataclass(frozen=True)
class Epoch:
    """One link of the chain. `from_xid` is the former link's `to_xid`: a row slipped in between breaks a count."""

    n: int
    from_xid: int
    to_xid: int
    row_count: int
    total: int
    root: bytes
    previous: bytes
    first_at: datetime | None
    last_at: datetime | None
    cluster: str
    sealed_at: datetime
    key_id: str
    note: str
    signature: bytes = b""

    @property
    def message(self) -> bytes:
        """What is signed: every field, one a line."""
        lines = [
            "chartroom-epoch-1",
            str(self.n),
            str(self.from_xid),
            str(self.to_xid),
            str(self.row_count),
            str(self.total),
            self.root.hex(),
            self.previous.hex(),
            moment(self.first_at),
            moment(self.last_at),
            self.cluster,
            moment(self.sealed_at),
            self.key_id,
            self.note,
        ]
        return "\n".join(lines).encode()

    @property
    def next_from_xid(self) -> int:
        """Where the next epoch has to begin: where this one ended, or anew after a move to another cluster."""
        move = eras.move_in(self.note)
        return 0 if move and move.after_id is not None else self.to_xid

    @property
    def next_cluster(self) -> str:
        """The cluster that has to write the next epoch."""
        move = eras.move_in(self.note)
        return move.cluster if move else self.cluster

    @property
    def link(self) -> bytes:
        """What the next epoch holds of this one."""
        return hashlib.sha256(self.signature).digest()

    def seals(self, pairs: Sequence[tuple[int, bytes]]) -> bool:
        """Whether these (event id, leaf hash), in this order, are what was sealed."""
        return len(pairs) == self.row_count and merkle.root([leaf for _, leaf in pairs]) == self.root

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> "Epoch":
        """A row of COLUMNS."""
        values = list(row)
        values[1], values[2] = int(values[1]), int(values[2])
        for position in (5, 6, 13):
            values[position] = bytes(values[position])
        return cls(*values)


def last() -> Epoch | None:
    """The newest epoch."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {COLUMNS} from audit_epoch order by n desc limit 1")  # noqa: S608
        row = cursor.fetchone()
    return Epoch.from_row(row) if row else None


@dataclass(frozen=True)
class Leaves:
    """Events in sealing order: id and leaf hash of each, packed as LEAF; the times of the earliest and latest."""

    packed: bytes = b""
    first_at: datetime | None = None
    last_at: datetime | None = None
    kept_sha256: bytes = b""  # of what the epoch kept of them when it was sealed; empty where it kept nothing

    def __len__(self) -> int:
        return len(self.packed) // LEAF.size

    @cached_property
    def root(self) -> bytes:
        """The Merkle root over them."""
        at = range(LEAF.size - HASH_BYTES, len(self.packed), LEAF.size)
        return merkle.root([self.packed[start : start + HASH_BYTES] for start in at])

    @property
    def are_kept(self) -> bool:
        """Whether the hashes that the epoch kept are these."""
        return hashlib.sha256(self.packed).digest() == self.kept_sha256

    def pairs(self) -> list[tuple[int, bytes]]:
        """(event id, leaf hash) of each."""
        return list(LEAF.iter_unpack(self.packed))


def leaves(from_xid: int, to_xid: int, era: Era, *, kept_by: int | None = None) -> Leaves:
    """The events that these transactions of this era wrote; `kept_by` is the epoch that sealed them."""
    with connection.cursor() as cursor:
        cursor.execute(LEAVES, [kept_by, str(from_xid), str(to_xid), era.after_id, era.up_to_id])
        packed, first_at, last_at, kept = cursor.fetchone()
    return Leaves(bytes(packed or b""), first_at, last_at, bytes(kept or b""))


def first_outside(
    from_xid: int, to_xid: int, era: Era, *, earliest: datetime | None, latest: datetime
) -> tuple[int, datetime] | None:
    """(id, time) of the first of these transactions' events whose time is before `earliest` or after `latest`."""
    with connection.cursor() as cursor:
        cursor.execute(OUTSIDE, [str(from_xid), str(to_xid), era.after_id, era.up_to_id, earliest, latest])
        row = cursor.fetchone()
    return (int(row[0]), row[1]) if row else None


def every(first: int = 0) -> Iterator[Epoch]:
    """All epochs from number `first` on, in order, some hundred at a time."""
    after = first - 1
    while True:
        with connection.cursor() as cursor:
            cursor.execute(f"select {COLUMNS} from audit_epoch where n > %s order by n limit 500", [after])  # noqa: S608
            rows = cursor.fetchall()
        for row in rows:
            yield Epoch.from_row(row)
        if not rows:
            return
        after = rows[-1][0]


def numbers_sealed_since(since: datetime) -> list[int]:
    """The numbers of the epochs that were sealed at or after this time, the newest one at least."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select n from audit_epoch where sealed_at >= %s or n = (select max(n) from audit_epoch) order by n",
            [since],
        )
        return [int(row[0]) for row in cursor.fetchall()]


def kept_leaves(n: int) -> list[tuple[int, bytes]]:
    """(event id, leaf hash) of each event of epoch `n` as they were when it was sealed."""
    with connection.cursor() as cursor:
        cursor.execute("select leaves from audit_epoch_leaves where n = %s", [n])
        row = cursor.fetchone()
    return list(LEAF.iter_unpack(bytes(row[0]))) if row and len(row[0]) % LEAF.size == 0 else []


def between(first: int, last_n: int) -> Iterator[Epoch]:
    """The epochs from number `first` to number `last_n`."""
    for epoch in every(first):
        if epoch.n > last_n:
            return
        yield epoch


def of(numbers: Iterable[int]) -> dict[int, Epoch]:
    """These epochs by number, those that are missing left out."""
    with connection.cursor() as cursor:
        cursor.execute(f"select {COLUMNS} from audit_epoch where n = any(%s)", [list(numbers)])  # noqa: S608
        return {int(row[0]): Epoch.from_row(row) for row in cursor.fetchall()}


def last_begun(xids: Iterable[int], first: int, last_n: int) -> dict[int, int]:
    """For each transaction the last of the epochs `first` to `last_n` that begins at or before it; none: no entry.

    Epochs of an era begin one after the other, so half of them are left out with each look: two dozen statements for
    ten years of epochs, whatever is asked, and nothing is held but the answer.
    """
    return search(xids, first, last_n, _beginnings)


def _beginnings(numbers: Collection[int]) -> dict[int, tuple[int, int]]:
    """For each number the first epoch that has it or a greater one (one may have been removed), and where it begins."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select wanted.n, epoch.n, epoch.from_xid::text from unnest(%s::bigint[]) wanted (n) cross join lateral"
            " (select n, from_xid from audit_epoch where n >= wanted.n order by n limit 1) epoch",
            [list(numbers)],
        )
        return {int(wanted): (int(n), int(xid)) for wanted, n, xid in cursor.fetchall()}


def search(
    xids: Iterable[int],
    first: int,
    last_n: int,
    beginnings: Callable[[Collection[int]], Mapping[int, tuple[int, int]]],
) -> dict[int, int]:
    """The binary search of `last_begun`, for all of them at once. `beginnings` looks at the chain."""
    # The best so far (one before the first: none), and the last that it can be.
    spans = dict.fromkeys(xids, (first - 1, last_n))
    while open_spans := {xid: span for xid, span in spans.items() if span[0] < span[1]}:
        middles = {xid: (low + high + 1) // 2 for xid, (low, high) in open_spans.items()}
        looked = beginnings(set(middles.values()))
        for xid, middle in middles.items():
            low, high = spans[xid]
            n, begins = looked.get(middle, (high + 1, 0))
            is_before = n <= high and begins <= xid
            spans[xid] = (n, high) if is_before else (low, middle - 1)
    return {xid: low for xid, (low, _) in spans.items() if low >= first}
