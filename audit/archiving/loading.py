"""Put a month's events back into the table: the sealed text of a row is nearly a line of CSV, which COPY reads."""

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connections

from audit.archiving.ledger import Archived
from audit.archiving.months import Month
from audit.proof import epochs
from audit.proof.epochs import CANONICAL
from audit.proof.offline_verifier import HEAD

OWNER = "owner"
# In the order of the sealed text (audit/migrations/0003).
COLUMNS = (
    "id, at, txid, event, action, actor_id, actor, roles, session, patient_id, patient_ids, object_type, object_id,"
    " purpose, reason, outcome, channel, ip, request_id, detail"
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotAsSealed(Exception):
    """What was read back does not give the sealed hashes again."""


class _Stream(io.RawIOBase):
    """An iterator of lines as a file that COPY reads. What goes wrong in it is kept: COPY would tell it as its own."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._rest = b""
        self.trouble: Exception | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        pieces, length = [self._rest], len(self._rest)
        try:
            while size < 0 or length < size:
                line = next(self._lines, None)
                if line is None:
                    break
                pieces.append(line)
                length += len(line)
        except Exception as error:
            self.trouble = error
            raise
        whole = b"".join(pieces)
        cut = len(whole) if size < 0 else size
        self._rest = whole[cut:]
        return whole[:cut]


def _as_csv(texts: Iterable[str]) -> Iterator[bytes]:
    """Each sealed text as CSV: PostgreSQL's text of a row doubles backslashes too, and the time is in microseconds."""
    for text in texts:
        number, at, rest = text[len(HEAD) : -1].split(",", 2)
        moment = EPOCH + timedelta(microseconds=int(at))
        yield f"{number},{moment.isoformat()},{rest}\n".replace("\\\\", "\\").encode()


def load(row: Archived, texts: Iterable[str]) -> None:
    """Make the month's part of the table again from these sealed texts, in the owner's transaction.

    `texts` are read to their end, so that what they check by themselves has been checked. The hash of every row is
    then made from the new table and compared with what the chain kept. Raises NotAsSealed, and what `texts` raise.
    """
    table = f"public.{row.month.table}"
    with connections[OWNER].cursor() as cursor:
        cursor.execute("select set_config('default_tablespace', %s, true)", [settings.LOG_TABLESPACE])
        cursor.execute(
            f"create table {table} (like public.audit_event including defaults including constraints including storage,"
            " constraint of_the_month check (at >= %s and at < %s))",
            [row.month.start, row.month.end],
        )
        stream = _Stream(_as_csv(texts))
        try:
            cursor.copy_expert(f"copy {table} ({COLUMNS}) from stdin (format csv)", stream)
        except psycopg2.Error as error:  # Django does not wrap this call
            if stream.trouble:
                raise stream.trouble from None
            if isinstance(error, psycopg2.errors.CheckViolation):
                raise NotAsSealed("An event lies outside the month.") from error
            raise
        _make_indexes(cursor, table)
        _compare(cursor, row, table)
        if settings.DATABASES[OWNER]["USER"] != settings.APP_ROLE:
            cursor.execute(f'revoke all on {table} from "{settings.APP_ROLE}"')


def attach(month: Month) -> None:
    """Make the loaded part a part of the log again, in the owner's transaction.

    Whoever asks the log waits meanwhile, so nothing is read here: the indexes are there, and the constraint says that
    no event lies outside the month.
    """
    table = f"public.{month.table}"
    with connections[OWNER].cursor() as cursor:
        cursor.execute(
            f"create trigger {month.table}_no_truncate before truncate on {table}"
            " for each statement execute function public.audit_refuse_change()"
        )
        cursor.execute(
            f"alter table public.audit_event attach partition {table} for values from (%s) to (%s)",
            [month.start, month.end],
        )
        cursor.execute(f"alter table {table} drop constraint of_the_month")


def _make_indexes(cursor: Any, table: str) -> None:
    """The log's indexes on this table, as attaching would make them while everybody waits."""
    cursor.execute(
        "select pg_get_indexdef(indexrelid), pg_get_constraintdef(of_index.oid) from pg_index"
        " left join pg_constraint of_index on of_index.conindid = indexrelid and contype in ('p', 'u')"
        " where indrelid = 'public.audit_event'::regclass"
    )
    for index, constraint in cursor.fetchall():
        if constraint:
            cursor.execute(f"alter table {table} add {constraint}")
        else:
            _, _, what = index.partition(" ON ONLY public.audit_event ")
            cursor.execute(f"create index on {table} {what}")


def _compare(cursor: Any, row: Archived, table: str) -> None:
    """Every row of the new table has the hash that its epoch kept, and none is missing."""
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
