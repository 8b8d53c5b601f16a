"""One month as a file: compressed JSON lines that prove themselves, the same bytes however often they are made.

A line for each epoch (what was signed, and the hashes of its events that lie in other months), a line for each event
(the text that was sealed), and a last line with the hash of all lines before it, signed with the seal key.
`audit.proof.offline_verifier` reads it, without a database.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from django.db import connection

from audit.archiving import ledger
from audit.archiving.ledger import VERSION, Archived, Edges
from audit.archiving.months import Month
from audit.proof import epochs, eras, keys, offline_verifier
from audit.proof.epochs import CANONICAL, COLUMNS, Epoch
from audit.proof.eras import Era

AT_ONCE = 256 * 1024  # bytes that are compressed in one go
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))  # json.dumps makes one for each line


class NotWhole(Exception):
    """The month cannot be taken out: something of it is not as it was sealed, or not sealed at all."""


class Writer(Protocol):
    """Takes bytes."""

    def write(self, data: bytes) -> object:
        """The next bytes."""


@dataclass
class Written:
    """What a month's file holds."""

    events: int = 0
    first_epoch: int = 0
    last_epoch: int = 0
    edges: Edges = field(default_factory=dict)
    content_sha256: str = ""
    key_id: str = ""
    signature: bytes = b""


class _Lines:
    """Compressed lines with a hash over what they say. No time and no name in the head: same lines, same bytes."""

    def __init__(self, target: Writer) -> None:
        self._hash = hashlib.sha256()
        self._lines = bytearray()
        # Of a file, gzip only wants to write to it.
        self._file = gzip.GzipFile("", "wb", 6, cast(Any, target), mtime=0)

    def put(self, value: dict[str, Any]) -> None:
        """The next line."""
        self._lines += _ENCODER.encode(value).encode() + b"\n"
        if len(self._lines) > AT_ONCE:
            self._hand_on()

    def _hand_on(self) -> None:
        self._file.write(self._lines)
        self._hash.update(self._lines)
        self._lines.clear()

    def hash(self) -> str:
        """The SHA-256 of the lines so far, hexadecimal."""
        self._hand_on()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Nothing follows."""
        self._hand_on()
        self._file.close()


def epochs_of(month: Month) -> Iterator[Epoch]:
    """The epochs that seal events of this month, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {COLUMNS} from audit_epoch where first_at < %s and last_at >= %s order by n",  # noqa: S608
            [month.end, month.start],
        )
        for row in cursor.fetchall():
            yield Epoch.from_row(row)


def _events(month: Month, epoch: Epoch, era: Era) -> list[tuple[int, str]]:
    """(id, sealed text) of the month's events of this epoch, in sealing order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select id, {CANONICAL} from audit_event where at >= %s and at < %s and txid >= %s::text::xid8"  # noqa: S608
            " and txid < %s::text::xid8 and id > %s and id <= %s order by txid, id",
            [month.start, month.end, str(epoch.from_xid), str(epoch.to_xid), era.after_id, era.up_to_id],
        )
        return [(int(pk), str(text)) for pk, text in cursor.fetchall()]


def _elsewhere(month: Month, epoch: Epoch, era: Era) -> set[int]:
    """The ids of this epoch's events that stand in other months of the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select id from audit_event where (at < %s or at >= %s) and txid >= %s::text::xid8"
            " and txid < %s::text::xid8 and id > %s and id <= %s",
            [month.start, month.end, str(epoch.from_xid), str(epoch.to_xid), era.after_id, era.up_to_id],
        )
        return {int(pk) for (pk,) in cursor.fetchall()}


def leaf(text: str) -> bytes:
    """The leaf hash of a sealed text."""
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def write(month: Month, target: Writer) -> Written:
    """Write the month into `target`. Every event is compared with what was sealed on the way.

    Raises NotWhole with a sentence, keys.NoKey.
    """
    key_id = keys.current()
    lines, told, written = _Lines(target), eras.every(), Written()
    others = [row for row in ledger.archived() if row.month != month]
    lines.put({"archive": VERSION, "month": str(month), "fields": list(offline_verifier.NAMES)})
    for epoch in epochs_of(month):
        count = _write_epoch(lines, month, epoch, told.of_epoch(epoch.n), others, written)
        if count:
            written.events += count
            written.first_epoch = written.first_epoch or epoch.n
            written.last_epoch = epoch.n
    in_table = _count(month)
    if in_table != written.events:
        raise NotWhole(
            f"{in_table - written.events} of the {in_table} events of {month} are not sealed. Seal them first: the"
            " worker does, where it has the seal key."
        )
    written.content_sha256 = lines.hash()
    signed = ledger.message(
        str(month),
        written.events,
        written.first_epoch,
        written.last_epoch,
        written.content_sha256,
        written.edges,
    )
    written.key_id, written.signature = key_id, keys.sign(key_id, signed)
    lines.put(
        {
            "end": VERSION,
            "signed": signed.decode(),
            "edges": written.edges,
            "signature": written.signature.hex(),
            "public_key": keys.public_text(key_id),
        }
    )
    lines.close()
    return written


def _write_epoch(
    lines: _Lines, month: Month, epoch: Epoch, era: Era, others: list[Archived], written: Written
) -> int:
    kept = epochs.kept_leaves(epoch.n)
    if not epoch.seals(kept):
        raise NotWhole(f"The kept hashes of epoch {epoch.n} are not those that were sealed.")
    if not keys.is_signed(epoch.key_id, epoch.signature, epoch.message):
        raise NotWhole(f"Epoch {epoch.n} is not as it was signed.")
    rows = _events(month, epoch, era)
    if not rows:
        return 0
    place = {pk: position for position, (pk, _) in enumerate(kept)}
    hashes = dict(kept)
    for pk, text in rows:
        if pk not in place:
            raise NotWhole(f"Event {pk} was put in after epoch {epoch.n} was sealed.")
        if leaf(text) != hashes[pk]:
            raise NotWhole(f"Event {pk} is not as it was sealed.")
    if [place[pk] for pk, _ in rows] != sorted(place[pk] for pk, _ in rows):
        raise NotWhole(f"The events of epoch {epoch.n} stand in another order than when they were sealed.")
    here = {pk for pk, _ in rows}
    away = [(place[pk], pk) for pk, _ in kept if pk not in here]
    if away:
        known = _elsewhere(month, epoch, era)
        known.update(*(row.ids_in(epoch, list(place)) for row in others))
        for _, pk in away:
            if pk not in known:
                raise NotWhole(f"Event {pk} of epoch {epoch.n} is missing.")
        written.edges[str(epoch.n)] = sorted(here)
    lines.put(
        {
            "epoch": epoch.n,
            "message": epoch.message.decode(),
            "signature": epoch.signature.hex(),
            "public_key": keys.public_text(epoch.key_id),
            "elsewhere": [[position, hashes[pk].hex()] for position, pk in away],
        }
    )
    for pk, text in rows:
        lines.put({"id": pk, "leaf": hashes[pk].hex(), "canonical": text})
    return len(rows)


def _count(month: Month) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from audit_event where at >= %s and at < %s", [month.start, month.end]
        )
        return int(cursor.fetchone()[0])
