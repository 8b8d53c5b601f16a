"""Where the files lie: each once, named by its SHA-256, encrypted, unchangeable.

A file is written under incoming/ and renamed when it is complete and on the disk: a cut-off upload, a full
disk or a crash leaves nothing under objects/ but whole files.
"""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from common.keyring import Keyring
from records.documents.sealed import (
    HEADER,
    Damaged,
    Header,
    Incoming,
    Missing,
    Staged,
    Stored,
    VaultError,
    VaultFull,
    disk_errors,
)

__all__ = ["Damaged", "Incoming", "Missing", "Staged", "Stored", "Vault", "VaultError", "VaultFull"]

ADDRESS = re.compile(r"[0-9a-f]{64}")


class Vault:
    """The files of one hospital in one folder."""

    def __init__(self, folder: Path, keyring: Keyring) -> None:
        self.folder = folder
        self.keyring = keyring
        self.objects = folder / "objects"
        self.incoming = folder / "incoming"
        with disk_errors():
            for each in (folder, self.objects, self.incoming):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the file with this address lies. An address is never anything but 64 hexadecimal digits."""
        if not ADDRESS.fullmatch(sha256):
            raise Missing("That is no address of a stored file.")
        return self.objects / sha256[:2] / sha256[2:4] / sha256

    def receive(self) -> Incoming:
        """Begin to write a file."""
        return Incoming(self.incoming, self.keyring)

    def keep(self, staged: Staged) -> str:
        """Make a received file part of the vault and return its address. The same content is kept once."""
        target = self.path(staged.sha256)
        with disk_errors():
            if target.exists():
                os.utime(target)  # tells the sweeper that somebody wants it again
                staged.path.unlink(missing_ok=True)
            else:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.replace(staged.path, target)
                _sync_folder(target.parent)
        return staged.sha256

    def put(self, data: bytes) -> str:
        """Store bytes that are in memory anyway (a page image) and return their address."""
        with self.receive() as incoming:
            incoming.write(data)
            return self.keep(incoming.finish())

    def open(self, sha256: str) -> Stored:
        """A stored file for reading. Raises Missing or Damaged."""
        return Stored(self.path(sha256), self.keyring)

    def open_staged(self, staged: Staged) -> Stored:
        """A file that was received and not yet kept."""
        return Stored(staged.path, self.keyring)

    def discard(self, staged: Staged) -> None:
        """Remove a received file that nobody wants. Kept files are not touched."""
        staged.path.unlink(missing_ok=True)

    def holds(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def verify(self, sha256: str) -> int:
        """Read the whole file, compare it with its address, and return its size. Raises Missing, Damaged."""
        found = hashlib.sha256()
        with self.open(sha256) as stored:
            for piece in stored.chunks():
                found.update(piece)
            size = stored.size_bytes
        if found.hexdigest() != sha256:
            raise Damaged("The stored file opens, but it is not the one its address names.")
        return size

    def rewrap(self, sha256: str) -> bool:
        """Wrap the file's data key with the current master key; False if it is already. Content stays."""
        path = self.path(sha256)
        with self.open(sha256) as stored:
            old = stored.header
            if old.key_id == self.keyring.current:
                return False
            data_key = self.keyring.unwrap(old.key_id, old.wrapped, old.key_data)
        bare = Header(old.chunk_bytes, old.prefix, self.keyring.current, b"")
        new = Header(old.chunk_bytes, old.prefix, bare.key_id, self.keyring.wrap(data_key, bare.key_data))
        copy = self.incoming / f"{secrets.token_hex(16)}.part"
        try:
            with disk_errors(), path.open("rb") as source, copy.open("xb") as target:
                os.fchmod(target.fileno(), 0o600)
                target.write(new.pack())
                source.seek(HEADER.size)
                while piece := source.read(1024 * 1024):
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())
            Stored(copy, self.keyring).close()
            os.replace(copy, path)
        finally:
            copy.unlink(missing_ok=True)
        _sync_folder(path.parent)
        return True

    def addresses(self) -> Iterator[str]:
        """Every address that the vault holds."""
        for path in self.objects.glob("??/??/*"):
            if ADDRESS.fullmatch(path.name):
                yield path.name

    def sweep(self, older_than_seconds: float = 24 * 3600) -> int:
        """Remove parts of uploads that were abandoned (the process died); returns how many."""
        limit = time.time() - older_than_seconds
        removed = 0
        for part in self.incoming.glob("*.part"):
            try:
                if part.stat().st_mtime < limit:
                    part.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
        return removed

    def free_bytes(self) -> int:
        """Room left for an ordinary user on the disk below."""
        room = os.statvfs(self.folder)
        return room.f_bavail * room.f_frsize


def _sync_folder(folder: Path) -> None:
    """Have a rename on the disk, not only in memory."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
