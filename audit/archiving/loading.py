"""Put a month's events back into the table: the sealed text of a row is nearly a line of CSV, which COPY reads."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any

import psycopg2
from django.conf import settings
from django.db import connections

from audit.archiving.ledger import Archived
from audit.archiving.months import Month
from audit.proof import epochs
from audit.proof.epochs import CANONICAL, EPOCH
from audit.proof.offline_verifier import HEAD, NAMES

OWNER = "owner"
AT_ONCE = 50_000  # events that are committed together


class NotAsSealed(Exception):
    """What was read back does not give the sealed hashes again."""


def _as_csv(texts: Iterable[str]) -> Iterator[bytes]:
    """Each sealed text as CSV: PostgreSQL's text of a row doubles backslashes too, and the time is in microseconds."""
    for text in texts:
        number, at, rest = text[len(HEAD) : -1].split(",", 2)
        moment = EPOCH + timedelta(microseconds=int(at))
        yield f"{number},{moment.isoformat()},{rest}\n".replace("\\\\", "\\").encode()


def load(row: Archived, texts: Iterable[str]) -> None:
    """Make the month's part of the table again from these sealed texts, not yet a part of the log.

    No transaction stays open for long: nothing is sealed before it ends. `texts` are read to their end, so that what
    they check by themselves has been checked. The hash of every row is then made from the new table and compared with
    what the chain kept. What a killed one left is thrown away. Raises NotAsSealed, and what `texts` raise.
    """
    with connections[OWNER].cursor() as cursor, _tablespace(cursor):
        table = _coming(row.month)
        forget(row.month)
        cursor.execute(
            f"create table {table} (like public.audit_event including defaults including constraints including storage,"
            " constraint of_the_month check (at >= %s and at < %s))",
            [row.month.start, row.month.end],
        )
        if settings.DATABASES[OWNER]["USER"] != settings.APP_ROLE:
            cursor.execute(f'revoke all on {table} from "{settings.APP_ROLE}"')
        _fill(cursor, table, texts)
        _make_indexes(cursor, row.month)
        _compare(cursor, row, table)
        cursor.execute(f"analyze {table}")


def forget(month: Month) -> None:
    """Throw away what was loaded and not attached."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute(f"drop table if exists {_coming(month)}")


def attach(month: Month) -> None:
    """Make the loaded part a part of the log again, in the owner's transaction.

    Whoever asks the log waits meanwhile, so nothing is read here: the indexes are there, and the constraint says that
    no event lies outside the month.
    """
    table = f"public.{month.table}"
    with connections[OWNER].cursor() as cursor:
        cursor.execute(f"alter table {_coming(month)} rename to {month.table}")
        cursor.execute(
            f"create trigger {month.table}_no_truncate before truncate on {table}"
            " for each statement execute function public.audit_refuse_change()"
        )
        cursor.execute(
            f"alter table public.audit_event attach partition {table} for values from (%s) to (%s)",
            [month.start, month.end],
        )
        cursor.execute(f"alter table {table} drop constraint of_the_month")


def _coming(month: Month) -> str:
    return f"public.{month.table}_coming"


@contextmanager
def _tablespace(cursor: Any) -> Iterator[None]:
    """What is made meanwhile lies in the log's own tablespace."""
    cursor.execute("select set_config('default_tablespace', %s, false)", [settings.LOG_TABLESPACE])
    try:
        yield
    finally:
        cursor.execute("reset default_tablespace")


def _fill(cursor: Any, table: str, texts: Iterable[str]) -> None:
    rest = iter(texts)
    while lines := b"".join(_as_csv(islice(rest, AT_ONCE))):
        try:
            cursor.copy_expert(
                f"copy {table} ({', '.join(NAMES)}) from stdin (format csv)", io.BytesIO(lines)
            )
        except psycopg2.errors.CheckViolation as error:  # Django does not wrap this call
            raise NotAsSealed("An event lies outside the month.") from error


def _make_indexes(cursor: Any, month: Month) -> None:
    """The log's indexes on this table, as attaching would make them while everybody waits."""
    cursor.execute(
        "select relname, pg_get_indexdef(indexrelid), indisprimary from pg_index"
        " join pg_class on pg_class.oid = indexrelid where indrelid = 'public.audit_event'::regclass"
    )
    for of_log, definition, is_primary in cursor.fetchall():
        name = of_log.replace("audit_event", month.table)
        unique = "unique " if is_primary else ""
        _, _, what = definition.partition(" ON ONLY public.audit_event ")
        cursor.execute(f"create {unique}index {name} on {_coming(month)} {what}")
        if is_primary:
            cursor.execute(f"alter table {_coming(month)} add primary key using index {name}")


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
