"""What is wrong with the events of an epoch: which is the first, and what was done to it."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations, product

from django.db import connection

from audit.archiving import ledger
from audit.proof import epochs
from audit.proof.epochs import CANONICAL, Epoch
from audit.proof.offline_verifier import HEAD

MOST_COMPARED = 100  # changed events that are compared with each other
Pairs = list[tuple[int, bytes]]


@dataclass
class Bad:
    """The first thing that is not as it was sealed."""

    # altered, deleted, inserted, reordered, partition_dropped, partition_emptied, back_dated, future, key,
    # epoch_altered, epoch_removed, other_cluster, archive_altered; by checkpoints: tail_cut, restored, chain_replaced;
    # and when all else is whole: stamp_wrong, stamp_untrusted, stamp_time
    kind: str
    text: str
    epoch: int | None = None
    event: int | None = None


def strange_time(n: int | None, pk: int, at: datetime, *, latest: datetime) -> Bad:
    """An event whose time cannot be; `n` is None where it is not sealed yet."""
    if at > latest:
        when = "after its own seal" if n else "that has not come yet"
        return Bad("future", f"Event {pk} bears a time {when}.", n, pk)
    return Bad("back_dated", f"Event {pk} bears a time long before the seal before it.", n, pk)


def of_events(epoch: Epoch, found: Pairs, gone: set[int] | None = None) -> Bad:
    """Which event it is, by the hashes that were kept when the epoch was sealed; `gone` were archived."""
    kept = epochs.kept_leaves(epoch.n)
    if not epoch.seals(kept):
        text = (
            f"The events of epoch {epoch.n} are not those that were sealed, and neither are its kept hashes."
        )
        return Bad("altered", text, epoch.n, found[0][0] if found else None)
    then = {pk: leaf for pk, leaf in kept if pk not in (gone or ())}
    now: dict[int, list[bytes]] = defaultdict(list)
    for pk, leaf in found:
        now[pk].append(leaf)
    for pk, leaf in then.items():
        if pk not in now:
            return _of_missing(epoch, pk, sum(1 for other in then if other not in now))
        if leaf not in now[pk]:
            return _of_changed(
                epoch, pk, {other: then[other] for other in then if then[other] not in now[other]}
            )
    extra = next((pk for pk, leaves in now.items() if pk not in then or len(leaves) > 1), None)
    return Bad("inserted", f"Event {extra} was put in after epoch {epoch.n} was sealed.", epoch.n, extra)


def _of_missing(epoch: Epoch, pk: int, missing: int) -> Bad:
    month, is_part = _lost_month(epoch)
    if month and is_part:
        text = f"The part of the table for {month} was emptied, and with it event {pk} and others are gone."
        return Bad("partition_emptied", text, epoch.n, pk)
    if month:
        text = f"The part of the table for {month} is gone, and with it event {pk} and others."
        return Bad("partition_dropped", text, epoch.n, pk)
    with connection.cursor() as cursor:
        cursor.execute("select exists (select from audit_event where id = %s)", [pk])
        if cursor.fetchone()[0]:
            text = f"Event {pk} stands in another place than when it was sealed by epoch {epoch.n}."
            return Bad("reordered", text, epoch.n, pk)
    more = f" and {missing - 1} more of epoch {epoch.n} are" if missing > 1 else f" of epoch {epoch.n} is"
    return Bad("deleted", f"Event {pk}{more} missing.", epoch.n, pk)


def _lost_month(epoch: Epoch) -> tuple[str, bool]:
    """The month (YYYY-MM) of this epoch's events that lost all it had without being archived, and whether its part of
    the table is still there; else ("", False).
    """
    lawful = {str(row.month) for row in ledger.archived()}
    for day in sorted({at.astimezone(UTC) for at in (epoch.first_at, epoch.last_at) if at}):
        month, table = f"{day:%Y-%m}", f"public.audit_event_{day:%Y%m}"
        if month in lawful:
            continue
        with connection.cursor() as cursor:
            cursor.execute("select to_regclass(%s) is not null", [table])
            if not cursor.fetchone()[0]:
                return month, False
            cursor.execute(
                "select not exists (select from audit_event where at >= date_trunc('month', %s, 'UTC')"
                " and at < date_trunc('month', %s, 'UTC') + interval '1 month')",
                [day, day],
            )
            if cursor.fetchone()[0]:
                return month, True
    return "", False


def _of_changed(epoch: Epoch, pk: int, changed: dict[int, bytes]) -> Bad:
    """`changed`: the events of the epoch that are not as they were, with the hashes they had."""
    for one, other in _swapped(changed):
        text = f"Events {one} and {other} stand in each other's place, otherwise than epoch {epoch.n} sealed them."
        return Bad("reordered", text, epoch.n, one)
    return Bad("altered", f"Event {pk} is not as it was sealed.", epoch.n, pk)


def _swapped(changed: dict[int, bytes]) -> list[tuple[int, int]]:
    """The first pair whose events become what was sealed when they give each other back their time, transaction or all
    the rest.
    """
    texts = {pk: _parts(text) for pk, text in _texts(sorted(changed)[:MOST_COMPARED])}
    for one, other in combinations(texts, 2):
        if all(
            any(
                hashlib.sha256(b"\x00" + f"{HEAD}{pk},{','.join(parts)}".encode()).digest() == changed[pk]
                for parts in product(*zip(texts[one], texts[other], strict=True))
            )
            for pk in (one, other)
        ):
            return [(one, other)]
    return []


def _parts(canonical: str) -> tuple[str, str, str]:
    """Time, transaction and all the rest of a sealed text."""
    _, at, txid, rest = canonical[len(HEAD) :].split(",", 3)
    return at, txid, rest


def _texts(ids: list[int]) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"select id, {CANONICAL} from audit_event where id = any(%s::bigint[]) order by id",  # noqa: S608
            [ids],
        )
        return [(int(pk), str(text)) for pk, text in cursor.fetchall()]
