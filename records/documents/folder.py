"""Files in a folder of this machine, or of a file server that all machines share.

A file is written under incoming/ and renamed when it is complete and on the disk: a cut-off upload, a full
disk or a crash leaves nothing under objects/ but whole files.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from records.documents.sealed import FileSource, VaultError, disk_errors
from records.documents.shelf import ADDRESS, Lying, check_address


class FolderShelf:
    """objects/ab/cd/abcd…: one file for each address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.objects = folder / "objects"
        self.incoming = folder / "incoming"
        with disk_errors():
            for each in (folder, self.objects, self.incoming):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __str__(self) -> str:
        return f"the folder {self.folder}"

    def path(self, sha256: str) -> Path:
        """Where the file with this address lies."""
        check_address(sha256)
        return self.objects / sha256[:2] / sha256[2:4] / sha256

    def check(self) -> None:
        if not os.access(self.objects, os.W_OK | os.X_OK):
            raise VaultError(f"Nothing can be written to {self}.")

    def place(self, sha256: str, path: Path) -> None:
        target = self.path(sha256)
        with disk_errors():
            if target.exists():
                os.utime(target)  # tells the sweeper that somebody wants it again
                path.unlink(missing_ok=True)
            else:
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self.replace(sha256, path)

    def replace(self, sha256: str, path: Path) -> None:
        target = self.path(sha256)
        with disk_errors():
            os.replace(path, target)
            _sync(target.parent)

    def source(self, sha256: str) -> FileSource:
        return FileSource(self.path(sha256))

    def holds(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def remove(self, sha256: str) -> None:
        with disk_errors():
            self.path(sha256).unlink(missing_ok=True)

    def listing(self) -> Iterator[Lying]:
        for path in self.objects.glob("??/??/*"):
            if ADDRESS.fullmatch(path.name):
                try:
                    facts = path.stat()
                except FileNotFoundError:
                    continue
                yield Lying(path.name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))

    def sweep(self, before: datetime) -> int:
        return 0  # what is unfinished lies under incoming/, which the vault itself looks after


def _sync(folder: Path) -> None:
    """Have a rename on the disk, not only in memory."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
