"""Encrypted files as they lie in a vault, whichever shelf it has."""

import os
from pathlib import Path

from records.documents.vault import Incoming, Vault


def raw(vault: Vault, address: str) -> bytes:
    """The encrypted file, header and all."""
    source = vault.shelf.source(address)
    try:
        return source.read(0, source.size)
    finally:
        source.close()


def write_raw(vault: Vault, address: str, data: bytes) -> None:
    """Put something else in a file's place, as a failing disk or an intruder would."""
    path = vault.incoming / "raw.part"
    path.write_bytes(data)
    vault.shelf.replace(address, path)


def leftovers(vault: Vault) -> list[Path]:
    """What was received and neither kept nor removed."""
    return list(vault.incoming.iterdir())


def fill_the_disk_of(incoming: Incoming) -> None:
    """From now on there is no room for what this file still gets."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, incoming._file._descriptor)
    os.close(full)
