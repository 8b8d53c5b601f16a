"""Files in the vault with their row: what documents, pages, releases and evidence are made of."""

import hashlib
from collections.abc import Collection, Iterable
from pathlib import Path

from django.db import transaction

from common.errors import Unavailable
from records.documents import drawers
from records.documents.models import Blob
from records.documents.names import display_name
from records.documents.sealed import Damaged, Missing, Staged, Stored, VaultError, VaultFull
from records.documents.storage import vault
from records.documents.uploads import NO_ROOM, NO_STORAGE, VaultUpload

LOST = "The stored file is damaged or missing. Tell the administrator: it must be restored from the backup."
PIECE_BYTES = 1024 * 1024


def stage(pieces: Iterable[bytes | memoryview], name: str) -> VaultUpload:
    """A file that does not come by a web request, received like one. Each piece is used before the next is asked for.

    Raises Unavailable.
    """
    try:
        with vault().receive() as incoming:
            for piece in pieces:
                incoming.write(piece)
            staged = incoming.finish()
    except VaultError as error:
        raise _refusal(error) from error
    return VaultUpload(vault(), staged, display_name(name), "file")


def stage_path(path: Path) -> VaultUpload:
    """A file on the disk, received like an upload."""
    with path.open("rb") as source:
        return stage(iter(lambda: source.read(PIECE_BYTES), b""), path.name)


@transaction.atomic
def keep(staged: Staged, media_type: str) -> Blob:
    """Make a received file part of the vault, with its row, in the caller's transaction. Raises Unavailable.

    If the transaction fails later, the file stays without a row, is unreadable through any page, and is swept.
    """
    store = vault()
    drawers.hold([staged.sha256])
    try:
        store.keep(staged)
        with store.open(staged.sha256) as stored:
            key_id = stored.key_id
    except VaultError as error:
        raise _refusal(error) from error
    blob, _ = Blob.objects.get_or_create(
        sha256=staged.sha256,
        defaults={"size_bytes": staged.size_bytes, "media_type": media_type, "key_id": key_id},
    )
    return blob


def check_kept(addresses: Collection[str]) -> None:
    """Whether these files are in the vault, and stay there until the caller's transaction ends. Raises Unavailable."""
    drawers.hold(addresses)
    store = vault()
    try:
        if not all(store.holds(address) for address in addresses):
            raise Unavailable(LOST, code="file_lost")
    except VaultError as error:
        raise _refusal(error) from error


def keep_path(path: Path, media_type: str) -> Blob:
    """The same for a file that this house has made (a page image, a built package)."""
    return keep(stage_path(path).staged, media_type)


def open_blob(sha256: str) -> Stored:
    """The file for reading. Raises Unavailable when it is missing or damaged."""
    try:
        return vault().open(sha256)
    except VaultError as error:
        raise _refusal(error) from error


def read_blob(sha256: str) -> bytes:
    """A small file whole (a page image)."""
    with open_blob(sha256) as stored:
        try:
            return stored.read()
        except VaultError as error:
            raise _refusal(error) from error


def copy_out(sha256: str, path: Path) -> None:
    """The file in the clear at `path`, which must be in a private folder; it is what its address says.

    Raises Unavailable.
    """
    digest = hashlib.sha256()
    try:
        with vault().open(sha256) as stored, path.open("xb") as target:
            for piece in stored.chunks():
                digest.update(piece)
                target.write(piece)
        if digest.hexdigest() != sha256:
            raise Damaged("The stored file is not what its address says.")
    except VaultError as error:
        raise _refusal(error) from error


def _refusal(error: VaultError) -> Unavailable:
    if isinstance(error, VaultFull):
        return Unavailable(NO_ROOM, code="storage_full")
    if isinstance(error, (Missing, Damaged)):
        return Unavailable(LOST, code="file_lost")
    return Unavailable(NO_STORAGE, code="storage")
