"""Encrypted files as they lie in a vault, whichever shelf it has."""

from pathlib import Path

from records.documents.vault import Vault


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
