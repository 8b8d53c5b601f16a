"""Take an old month out of the log's table, and bring it back. For commands, which act as the tables' owner.

What changes the log is one transaction: a kill leaves the month wholly in the table or wholly archived, and the command
can be given again. The file is made first, the same bytes each time, read back from its place and checked,
and only then does the table let go of the month.
"""

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import connections, transaction
from django.utils import timezone

from audit.archiving import exporting, ledger, loading, places
from audit.archiving.exporting import NotWhole, Written
from audit.archiving.ledger import ARCHIVED, ATTACHED, Archived
from audit.archiving.months import RULE, Month
from audit.locks import Busy, waiting_at_most
from audit.proof import epochs, keys, offline_verifier
from audit.proof.offline_verifier import Archive, Broken
from audit.services import record

OWNER = "owner"
ADVISORY_LOCK = 0x43484152  # one archiver at a time
ACTOR = "command"
TRIES = 5
Step = Callable[[str], None]


class NotArchived(Exception):
    """The month stays as it is; the sentence says why, `rule` which rule says so where one does."""

    def __init__(self, text: str, rule: str = "") -> None:
        super().__init__(text)
        self.rule = rule


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """As `offline_verifier.is_signed`, a hundred times as fast."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody else archives meanwhile; the lock goes with the connection, however the process ends."""
    with connections[OWNER].cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        if not cursor.fetchone()[0]:
            raise NotArchived("Another command takes months out or brings them back just now.")
        try:
            yield
        finally:
            if not connections[OWNER].needs_rollback and not connections[OWNER].closed_in_transaction:
                cursor.execute("select pg_advisory_unlock(%s)", [ADVISORY_LOCK])


def archive(month: Month, *, said: Step = lambda text: None) -> Archived:
    """Take this month out: file, check, and only then the table lets go of it. An event tells it; a refusal too.

    Raises NotArchived, NoPlace, keys.NoKey.
    Rule: ASTM E2147-18, 4.1 (as long as the record, ten years at least; CHARTROOM_LOG_YEARS may say longer).
    """
    try:
        _check_may_leave(month)
    except NotArchived as refused:
        with transaction.atomic():
            detail = {"month": str(month), "why": str(refused)}
            record("log.archived", by=None, actor=ACTOR, reason=refused.rule, outcome="denied", detail=detail)
        raise
    place = places.archive()
    with _alone():
        said(f"Writing the events of {month}.")
        written, file, size = _store(month, place)
        said(f"Reading back what lies in {settings.LOG_ARCHIVE}.")
        row = Archived(
            month=month,
            state=ARCHIVED,
            events=written.events,
            first_epoch=written.first_epoch,
            last_epoch=written.last_epoch,
            content_sha256=written.content_sha256,
            edges=written.edges,
            key_id=written.key_id,
            signature=written.signature,
            file=file,
            size_bytes=size,
            place=str(settings.LOG_ARCHIVE),
            at=timezone.now(),
        )
        for _ in checked(row, place):
            pass
        _patiently(lambda: _let_go(row))
    return row


def _check_may_leave(month: Month) -> None:
    now = timezone.now()
    if month.end > now:
        raise NotArchived(f"{month} is not over.")
    if month.free_from > now:
        raise NotArchived(
            f"{RULE}: the log is kept where it can be asked for ten years at least, here {settings.LOG_YEARS}; {month}"
            f" may be archived from {month.free_from:%d %B %Y} on.",
            RULE,
        )
    found = ledger.find(month)
    if not month.is_in_table:
        if found and found.state == ARCHIVED:
            raise NotArchived(f"{month} is archived already, as {found.name}.")
        raise NotArchived(f"The log has no part for {month}.")


def _store(month: Month, place: places.Place) -> tuple[Written, str, int]:
    """The month's file in its place: what it holds, its address and its size."""
    try:
        with place.receive() as incoming:
            written = exporting.write(month, incoming)
            if not written.events:
                raise NotArchived(f"{month} holds no events.")
            staged = incoming.finish()
        return written, place.keep(staged), int(staged.size_bytes)
    except NotWhole as bad:
        raise NotArchived(f"{month} is not whole, so it stays where it is. {bad}") from bad
    except places.errors() as trouble:
        raise NotArchived(f"The file could not be kept in {settings.LOG_ARCHIVE}. {trouble}") from trouble


def checked(row: Archived, place: places.Place) -> Iterator[tuple[int, int, str]]:
    """(epoch, id, sealed text) of every event of the stored file, compared with its own signatures and with the
    hashes that the database kept. Count on nothing before the end. Raises NotArchived.
    """
    kept_of, kept = 0, {}
    try:
        with place.open(row.file) as stored:
            archive_file = Archive(_lines(stored), signed=is_signed)
            for epoch, number, text in archive_file.events():
                if epoch != kept_of:
                    kept_of, kept = epoch, dict(epochs.kept_leaves(epoch))
                if kept.get(number) != exporting.leaf(text):
                    raise NotArchived(
                        f"Event {number} of {row.name} is not the one that epoch {epoch} sealed."
                    )
                yield epoch, number, text
    except Broken as broken:
        raise NotArchived(f"{row.name} is not whole. {broken}") from broken
    except places.errors() as trouble:
        raise NotArchived(f"{row.name} cannot be read. {trouble}") from trouble
    except (zlib.error, EOFError) as broken:
        raise NotArchived(f"{row.name} cannot be read to its end.") from broken
    told = (str(row.month), row.events, row.first_epoch, row.last_epoch, row.content_sha256, row.edges)
    first, last = (archive_file.numbers[0], archive_file.numbers[-1]) if archive_file.numbers else (0, 0)
    holds = (archive_file.month, archive_file.count, first, last)
    if told != (*holds, archive_file.content_sha256, archive_file.edges) or not row.is_signed:
        raise NotArchived(f"{row.name} is another file than the ledger says.")


def _lines(stored: Any) -> Iterator[bytes]:
    """The lines of a stored, compressed file; never more of it in memory than one."""
    unpack, rest = zlib.decompressobj(wbits=31), b""
    for piece in stored.chunks():
        rest += unpack.decompress(piece)
        *whole, rest = rest.split(b"\n")
        yield from (line + b"\n" for line in whole)
    if not unpack.eof:
        raise EOFError
    if rest:
        yield rest


def _patiently(work: Callable[[], None]) -> None:
    """Do it in one transaction of the owner's. The log's table is locked for moments only: who waits for it must not
    hold up everybody who reads or writes, so each try gives up after two seconds.
    """
    for attempt in range(1, TRIES + 1):
        try:
            with waiting_at_most(2, using=OWNER):
                work()
            return
        except Busy as error:
            if attempt == TRIES:
                raise NotArchived(
                    "The log is too busy for its table to be changed just now. Nothing was changed: try again."
                ) from error


def _let_go(row: Archived) -> None:
    with connections[OWNER].cursor() as cursor:
        # Nobody may add to this month while it is counted; the table itself is locked only to let go of it.
        cursor.execute(f"lock table public.{row.month.table} in share mode")
        cursor.execute(f"select count(*) from public.{row.month.table}")  # noqa: S608  (digits alone)
        (count,) = cursor.fetchone()
        if count != row.events:
            raise NotArchived(
                f"{row.month} changed while its file was written: {count - row.events:+} events."
            )
        cursor.execute(f"alter table public.audit_event detach partition public.{row.month.table}")
        cursor.execute(f"drop table public.{row.month.table}")
        ledger.add(cursor, row)
    _tell("log.archived", row)


def _tell(event: str, row: Archived) -> None:
    detail = {
        "month": str(row.month),
        "events": row.events,
        "epochs": [row.first_epoch, row.last_epoch],
        "file": row.file,
        "size_bytes": row.size_bytes,
        "place": row.place,
    }
    record(event, by=None, actor=ACTOR, reason=RULE, detail=detail, using=OWNER)


def _found(month: Month) -> Archived:
    row = ledger.find(month)
    if row is None:
        raise NotArchived(f"{month} was never archived.")
    return row


def attach(month: Month, *, said: Step = lambda text: None) -> Archived:
    """Bring an archived month back into the table; an event tells it. What its file holds and what the new part of the
    table holds are both compared with the kept hashes before anybody sees it.

    The file stays where it lies. Raises NotArchived, NoPlace.
    """
    row = _found(month)
    if row.state == ATTACHED or month.is_in_table:
        raise NotArchived(f"{month} is in the table already.")
    place = places.archive()
    back = replace(row, state=ATTACHED)

    def hand_over() -> None:
        loading.attach(month)
        with connections[OWNER].cursor() as cursor:
            ledger.add(cursor, back)
        _tell("log.attached", back)

    with _alone():
        said(f"Reading {row.name}.")
        try:
            loading.load(row, (text for _, _, text in checked(row, place)))
            said("Handing it over to the log.")
            _patiently(hand_over)
        except loading.NotAsSealed as bad:
            raise NotArchived(f"{month} stays archived. {bad}") from bad
        finally:
            loading.forget(month)
    return back


def copy_out(month: Month, folder: Path) -> list[Path]:
    """The file of an archived month in the clear, and the script that checks it, for another machine. An event."""
    row = _found(month)
    place = places.archive()
    for _ in checked(row, place):
        pass
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / f"access-log-{month}.jsonl.gz"
    script = folder / "verify.py"
    with place.open(row.file) as stored, target.open("xb") as file:
        target.chmod(0o600)
        for piece in stored.chunks():
            file.write(piece)
    script.write_text(Path(offline_verifier.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    with transaction.atomic(OWNER):
        _tell("log.archive_copied", row)
    return [target, script]


def check_files() -> Iterator[Archived]:
    """Read every month that is archived now from its place, whole. Raises NotArchived at the first bad one."""
    place = places.archive()
    for row in ledger.archived():
        for _ in checked(row, place):
            pass
        yield row


def public_key_is_ours(key: str) -> bool:
    """Whether this machine has the seal key that this public key belongs to."""
    return key in {keys.public_text(key_id) for key_id in keys.order()}


def has_keys() -> bool:
    """Whether this machine has any seal key to compare with."""
    return bool(keys.order())
