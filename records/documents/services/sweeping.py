"""Removing stored files that nothing refers to: the transaction that stored them was rolled back."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

from django.db import transaction
from django.utils import timezone

from accounts.services import service_account
from audit.services import record
from records.documents import drawers
from records.documents.models import Blob
from records.documents.sealed import VaultError
from records.documents.shelf import Lying
from records.documents.storage import vault

logger = logging.getLogger("chartroom.documents")
DAY = timedelta(days=1)
# A database restored from an older backup knows nothing of the newest files. They are not rubbish: when more is
# unclaimed than failed transactions leave, somebody has to look.
MANY_FILES = 200
MANY_SHARE = 0.05
_AT_ONCE = 500


@dataclass
class Sweep:
    """What a sweep found: files in all, those nobody claims, how many went, and why it did not remove any."""

    files: int = 0
    unclaimed: list[Lying] = field(default_factory=list)
    removed: int = 0
    removed_bytes: int = 0
    refusal: str = ""


def sweep_files(*, remove: bool, older_than: timedelta = DAY, even_many: bool = False) -> Sweep:
    """Find files older than that which no row refers to, and remove them; says so in an event per drawer.

    What is being stored meanwhile is left alone, the same content included. Refuses to remove suspiciously many
    (unless `even_many`). Raises VaultError.
    """
    sweep = Sweep()
    before = timezone.now() - older_than
    for lying in _batches(vault().listing()):
        sweep.files += len(lying)
        old = [file for file in lying if file.since < before]
        sweep.unclaimed += _without_row(old)
    if remove and not even_many and _is_suspicious(sweep):
        sweep.refusal = (
            f"{len(sweep.unclaimed)} of {sweep.files} stored files belong to nothing. That is more than failed"
            " work leaves: is this the right database, and is it whole? Nothing was removed."
        )
        _refuse(sweep)
    elif remove:
        by_drawer: dict[int, list[Lying]] = defaultdict(list)
        for file in sweep.unclaimed:
            by_drawer[drawers.drawer_of(file.sha256)].append(file)
        for drawer, found in by_drawer.items():
            gone = _empty(drawer, found)
            sweep.removed += len(gone)
            sweep.removed_bytes += sum(file.size_bytes for file in gone)
    return sweep


def _batches(listing: Iterable[Lying]) -> Iterator[list[Lying]]:
    files = iter(listing)
    while batch := list(islice(files, _AT_ONCE)):
        yield batch


def _without_row(files: list[Lying]) -> list[Lying]:
    rows = set(Blob.objects.filter(pk__in=[file.sha256 for file in files]).values_list("pk", flat=True))
    return [file for file in files if file.sha256 not in rows]


def _is_suspicious(sweep: Sweep) -> bool:
    count = len(sweep.unclaimed)
    return count > MANY_FILES and count > MANY_SHARE * sweep.files


@transaction.atomic
def _refuse(sweep: Sweep) -> None:
    logger.error("%s", sweep.refusal)
    record(
        "file.sweep_refused",
        by=service_account("sweeper"),
        outcome="failed",
        reason=sweep.refusal,
        detail={"files": sweep.files, "unclaimed": len(sweep.unclaimed)},
    )


@transaction.atomic
def _empty(drawer: int, found: list[Lying]) -> list[Lying]:
    """Remove these files of one drawer, those excepted that somebody has claimed since."""
    if not drawers.take(drawer):
        return []  # somebody is storing; the next sweep comes
    gone: list[Lying] = []
    for file in _without_row(found):
        try:
            vault().remove(file.sha256)
        except VaultError as error:
            logger.warning("%s The sweep of drawer %02x ends early.", error, drawer)
            break
        gone.append(file)
    if gone:
        record(
            "file.swept",
            by=service_account("sweeper"),
            reason="stored by work that failed; no row refers to them",
            detail={
                "files": len(gone),
                "bytes": sum(file.size_bytes for file in gone),
                "sha256": [file.sha256 for file in gone[:100]],
            },
        )
    return gone
