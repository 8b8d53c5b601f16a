"""The ledger of archived months: what left the table, where it lies, and the signature that vouches for it.

Rows are only ever added; the newest row of a month says how it stands. A row that says "archived" is signed with the
seal key, so that whoever merely dropped a part of the table cannot write one.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from audit.archiving.months import Month
from audit.proof import keys
from audit.proof.epochs import Epoch

ARCHIVED, ATTACHED = "archived", "attached"
VERSION = "chartroom-archive-1"
Edges = dict[str, list[int]]
COLUMNS = (
    "month, state, events, first_epoch, last_epoch, content_sha256, edges, key_id, signature, file, size_bytes,"
    " place, at"
)


def message(month: str, events: int, first: int, last: int, content_sha256: str, edges: Edges) -> bytes:
    """What is signed of an archived month: how much it is, the hash of its lines, and which events of epochs that
    reach beyond the month are in it.
    """
    told = json.dumps(edges, sort_keys=True, separators=(",", ":")).encode()
    lines = [
        VERSION,
        month,
        str(events),
        str(first),
        str(last),
        content_sha256,
        hashlib.sha256(told).hexdigest(),
    ]
    return "\n".join(lines).encode()


@dataclass(frozen=True)
class Archived:
    """A row of the ledger. `edges` names the month's events in epochs that hold events of other months too."""

    month: Month
    state: str
    events: int
    first_epoch: int
    last_epoch: int
    content_sha256: str
    edges: Edges
    key_id: str
    signature: bytes
    file: str  # its address in the place
    size_bytes: int
    place: str
    at: datetime

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> "Archived":
        """A row of COLUMNS."""
        values = list(row)
        values[0], values[8] = Month.from_text(values[0]), bytes(values[8])
        values[6] = json.loads(values[6]) if isinstance(values[6], str) else values[6]
        return cls(*values)

    @property
    def is_signed(self) -> bool:
        """Whether the holder of a seal key vouches for it."""
        signed = message(
            str(self.month), self.events, self.first_epoch, self.last_epoch, self.content_sha256, self.edges
        )
        return keys.is_signed(self.key_id, self.signature, signed)

    @property
    def name(self) -> str:
        """The file as people speak of it."""
        return f"access-log-{self.month}.jsonl.gz ({self.file[:12]})"

    def ids_in(self, epoch: Epoch, sealed: list[int]) -> set[int]:
        """Those of this epoch's sealed events that left with the month."""
        if (
            not self.first_epoch <= epoch.n <= self.last_epoch
            or epoch.first_at is None
            or epoch.last_at is None
        ):
            return set()
        if str(epoch.n) in self.edges:
            return set(self.edges[str(epoch.n)])
        is_whole = self.month.start <= epoch.first_at and epoch.last_at < self.month.end
        return set(sealed) if is_whole else set()


def newest() -> list[Archived]:
    """The newest row of each month that ever left the table, oldest month first."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"select distinct on (month) {COLUMNS} from audit_archive order by month, id desc"  # noqa: S608
        )
        return [Archived.from_row(row) for row in cursor.fetchall()]


def archived() -> list[Archived]:
    """The months that are not in the table now."""
    return [row for row in newest() if row.state == ARCHIVED]


def find(month: Month) -> Archived | None:
    """How this month stands; None when it never left the table."""
    return next((row for row in newest() if row.month == month), None)


def between(since: datetime | None, until: datetime | None) -> list[Archived]:
    """The archived months that a question about this time would have to look into (None: without end)."""
    return [
        row
        for row in archived()
        if (until is None or row.month.start < until) and (since is None or row.month.end > since)
    ]


def add(cursor: Any, row: Archived) -> None:
    """Write a row with the owner's cursor."""
    cursor.execute(
        "insert into audit_archive (month, state, events, first_epoch, last_epoch, content_sha256, edges, key_id,"
        " signature, file, size_bytes, place) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            str(row.month),
            row.state,
            row.events,
            row.first_epoch,
            row.last_epoch,
            row.content_sha256,
            json.dumps(row.edges),
            row.key_id,
            row.signature,
            row.file,
            row.size_bytes,
            row.place or str(settings.LOG_ARCHIVE),
        ],
    )
