"""The files of one hospital: each once, named by its SHA-256, encrypted here and unchangeable.

Where they lie is the shelf's business; that nobody can read or change them there is ours.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from common.keyring import Keyring
from records.documents.sealed import (
    HEADER,
    Damaged,
    FileSource,
    Header,
    Incoming,
    Missing,
    Source,
    Staged,
    Stored,
    VaultError,
    VaultFull,
    disk_errors,
)
from records.documents.shelf import Lying, Shelf

__all__ = ["Damaged", "Incoming", "Missing", "Staged", "Stored", "Vault", "VaultError", "VaultFull"]

PIECE_BYTES = 1024 * 1024


class Vault:
    """Encrypted files by address, on a folder's or a bucket's shelf."""

    def __init__(self, shelf: Shelf, keyring: Keyring) -> None:
        self.shelf = shelf
        self.keyring = keyring

    def __str__(self) -> str:
        return str(self.shelf)

    @property
    def incoming(self) -> Path:
        """The folder on this machine in which files are received."""
        return self.shelf.incoming

    def check(self) -> None:
        """Whether files can be stored now. Raises VaultError with a sentence for the operator."""
        self.shelf.check()

    def receive(self) -> Incoming:
        """Begin to write a file."""
        return Incoming(self.incoming, self.keyring)

    def keep(self, staged: Staged) -> str:
        """Make a received file part of the vault and return its address. The same content is kept once."""
        self.shelf.place(staged.sha256, staged.path)
        return staged.sha256

    def put(self, data: bytes) -> str:
        """Store bytes that are in memory anyway (a page image) and return their address."""
        with self.receive() as incoming:
            incoming.write(data)
            staged = incoming.finish()
        try:
            return self.keep(staged)
        finally:
            self.discard(staged)

    def open(self, sha256: str) -> Stored:
        """A stored file for reading. Raises Missing or Damaged."""
        return Stored(self.shelf.source(sha256), self.keyring)

    def open_staged(self, staged: Staged) -> Stored:
        """A file that was received and not yet kept."""
        return Stored(FileSource(staged.path), self.keyring)

    def discard(self, staged: Staged) -> None:
        """Remove a received file that nobody wants. Kept files are not touched."""
        staged.path.unlink(missing_ok=True)

    def holds(self, sha256: str) -> bool:
        """Whether a file has this address."""
        return self.shelf.holds(sha256)

    def verify(self, sha256: str) -> int:
        """Read the whole file, compare it with its address, and return its size. Raises Missing, Damaged."""
        with self.open(sha256) as stored:
            return _verified(stored, sha256)

    def rewrap(self, sha256: str) -> bool:
        """Wrap the file's data key with the current master key; False if it is already. Content stays."""
        with self.open(sha256) as stored:
            old = stored.header
            if old.key_id == self.keyring.current:
                return False
            data_key = self.keyring.unwrap(old.key_id, old.wrapped, old.key_data)
            bare = Header(old.chunk_bytes, old.prefix, self.keyring.current, b"")
            new = Header(old.chunk_bytes, old.prefix, bare.key_id, self.keyring.wrap(data_key, bare.key_data))
            copy = self._copied(stored.source, new.pack())
        try:
            Stored(FileSource(copy), self.keyring).close()
            self.shelf.replace(sha256, copy)
        finally:
            copy.unlink(missing_ok=True)
        return True

    def adopt(self, other: "Vault", sha256: str) -> bool:
        """Have a copy of another vault's file, encrypted as it is; False if it is here already.

        The copy is read and compared with its address before it is kept. Raises Missing, Damaged, VaultFull.
        """
        if self.holds(sha256):
            self.open(sha256).close()
            return False
        source = other.shelf.source(sha256)
        try:
            copy = self._copied(source, source.read(0, HEADER.size))
        finally:
            source.close()
        try:
            with Stored(FileSource(copy), self.keyring) as stored:
                _verified(stored, sha256)
            self.shelf.place(sha256, copy)
        finally:
            copy.unlink(missing_ok=True)
        self.open(sha256).close()
        return True

    def listing(self) -> Iterator[Lying]:
        """Every file that the vault holds."""
        return self.shelf.listing()

    def addresses(self) -> Iterator[str]:
        """Every address that the vault holds."""
        return (lying.sha256 for lying in self.listing())

    def remove(self, sha256: str) -> None:
        """Take a file away for good. Only the sweeper calls this (services.sweeping)."""
        self.shelf.remove(sha256)

    def sweep(self, older_than_seconds: float = 24 * 3600) -> int:
        """Remove parts of uploads that were abandoned (the process died); returns how many."""
        limit = time.time() - older_than_seconds
        removed = self.shelf.sweep(datetime.fromtimestamp(limit, UTC))
        for part in self.incoming.glob("*.part"):
            try:
                if part.stat().st_mtime < limit:
                    part.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
        return removed

    def free_bytes(self) -> int:
        """Room left for an ordinary user on the disk where files are received."""
        room = os.statvfs(self.incoming)
        return room.f_bavail * room.f_frsize

    def _copied(self, source: Source, header: bytes) -> Path:
        """A stored file with this header, on the disk under incoming/."""
        copy = self.incoming / f"{secrets.token_hex(16)}.part"
        try:
            with disk_errors(), copy.open("xb") as target:
                os.fchmod(target.fileno(), 0o600)
                target.write(header)
                for at in range(HEADER.size, source.size, PIECE_BYTES):
                    target.write(source.read(at, min(PIECE_BYTES, source.size - at)))
                target.flush()
                os.fsync(target.fileno())
        except BaseException:
            copy.unlink(missing_ok=True)
            raise
        return copy


def _verified(stored: Stored, sha256: str) -> int:
    found = hashlib.sha256()
    for piece in stored.chunks():
        found.update(piece)
    if found.hexdigest() != sha256:
        raise Damaged("The stored file opens, but it is not the one its address names.")
    return stored.size_bytes
