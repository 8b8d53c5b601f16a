"""Put a month's events back into the table: as text into PostgreSQL, which reads its own text of a row."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db import connections

from audit.archiving.ledger import Archived
from audit.proof import epochs
from audit.proof.epochs import CANONICAL

OWNER = "owner"
HEAD = "chartroom-event-1;"
COLUMNS = (
    "id, at, txid, event, action, actor_id, actor, roles, session, patient_id, patient_ids, object_type, object_id,"
    " purpose, reason, outcome, channel, ip, request_id, detail"
)
# The sealed text is PostgreSQL's own text of this row (audit/migrations/0003).
ROW = (
    "id bigint, at bigint, txid xid8, event text, action text, actor_id uuid, actor text, roles text[], session text,"
    " patient_id uuid, patient_ids uuid[], object_type text, object_id text, purpose text, reason text, outcome text,"
    " channel text, ip inet, request_id text, detail jsonb"
)


class NotAsSealed(Exception):
    """What was read back does not give the sealed hashes again."""


class _Stream(io.RawIOBase):
    """An iterator of lines as a file that COPY reads."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        pieces, length = [self._rest], len(self._rest)
        while size < 0 or length < size:
            line = next(self._lines, None)
            if line is None:
                break
            pieces.append(line)
            length += len(line)
        whole = b"".join(pieces)
        cut = len(whole) if size < 0 else size
        self._rest = whole[cut:]
        return whole[:cut]


def _copied(texts: Iterable[str]) -> Iterator[bytes]:
    """Each text as a line of COPY's text form."""
    for text in texts:
        escaped = text.removeprefix(HEAD).replace("\\", "\\\\")
        escaped = escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
        yield escaped.encode() + b"\n"


def load(row: Archived, texts: Iterable[str]) -> None:
    """Make the month's part of the table again from these sealed texts and attach it, in the owner's transaction.

    `texts` are read to their end, so that what they check by themselves has been checked. The hash of every row is
    then made from the new table and compared with what the chain kept. Raises NotAsSealed.
    """
    table = f"public.{row.month.table}"
    with connections[OWNER].cursor() as cursor:
        cursor.execute("select set_config('default_tablespace', %s, true)", [settings.LOG_TABLESPACE])
        cursor.execute(f"create type public.audit_sealed_row as ({ROW})")
        cursor.execute("create table public.audit_sealed_text (line text not null)")
        cursor.copy_expert("copy public.audit_sealed_text (line) from stdin", _Stream(_copied(texts)))
        cursor.execute(
            f"create table {table} (like public.audit_event including defaults including constraints including storage)"
        )
        cursor.execute(
            f"insert into {table} ({COLUMNS}) select"  # noqa: S608  (nothing here comes from outside)
            f" {', '.join(_value(name.strip()) for name in COLUMNS.split(','))}"
            # `offset 0`: without it the text is read anew for each of its twenty columns.
            " from (select line::public.audit_sealed_row as sealed from public.audit_sealed_text offset 0) as lines"
        )
        cursor.execute("drop table public.audit_sealed_text")
        cursor.execute("drop type public.audit_sealed_row")
        cursor.execute(f"create index on {table} (txid)")  # one of the log's own: attaching takes it over
        _compare(cursor, row, table)
        cursor.execute(
            f"create trigger {row.month.table}_no_truncate before truncate on {table}"
            " for each statement execute function public.audit_refuse_change()"
        )
        if settings.DATABASES[OWNER]["USER"] != settings.APP_ROLE:
            cursor.execute(f'revoke all on {table} from "{settings.APP_ROLE}"')
        cursor.execute(
            f"alter table public.audit_event attach partition {table} for values from (%s) to (%s)",
            [row.month.start, row.month.end],
        )


def _value(name: str) -> str:
    if name == "at":
        return "timestamptz 'epoch' + (sealed).at * interval '1 microsecond'"
    return f"(sealed).{name}"


def _compare(cursor: Any, row: Archived, table: str) -> None:
    """Every row of the new table has the hash that its epoch kept, and none is missing."""
    outside = f"select count(*) from {table} where at < %s or at >= %s"  # noqa: S608
    cursor.execute(outside, [row.month.start, row.month.end])
    if cursor.fetchone()[0]:
        raise NotAsSealed("An event lies outside the month.")
    found = 0
    for epoch in epochs.between(row.first_epoch, row.last_epoch):
        sealed = epochs.kept_leaves(epoch.n)
        ids = row.ids_in(epoch, [pk for pk, _ in sealed])
        if not ids:
            continue
        cursor.execute(
            f"select id, sha256('\\x00'::bytea || convert_to({CANONICAL}, 'UTF8')) from {table}"  # noqa: S608
            " where txid >= %s::text::xid8 and txid < %s::text::xid8 and id = any(%s::bigint[]) order by txid, id",
            [str(epoch.from_xid), str(epoch.to_xid), sorted(ids)],
        )
        rows = [(int(pk), bytes(one)) for pk, one in cursor.fetchall()]
        if rows != [(pk, one) for pk, one in sealed if pk in ids]:
            raise NotAsSealed(f"The events of epoch {epoch.n} do not give the sealed hashes again.")
        found += len(rows)
    cursor.execute(f"select count(*) from {table}")  # noqa: S608
    if found != row.events or cursor.fetchone()[0] != found:
        raise NotAsSealed("There are more or fewer events than the ledger says.")
