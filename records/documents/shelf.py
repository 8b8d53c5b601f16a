"""What a vault needs of the place where its files lie. There are two: a folder, and a bucket on an S3 server."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from records.documents.sealed import Missing, Source

ADDRESS = re.compile(r"[0-9a-f]{64}")


class Lying(NamedTuple):
    """A stored file as the shelf lists it."""

    sha256: str
    size_bytes: int
    since: datetime


class Shelf(Protocol):
    """Whole encrypted files by address. Each raises Missing, VaultFull or VaultError, and nothing else.

    `incoming` is a folder on this machine's disk in which files, encrypted already, are made ready.
    """

    incoming: Path

    def check(self) -> None:
        """Whether the place answers and may be written to. Quick: a load balancer waits for it."""

    def place(self, sha256: str, path: Path) -> None:
        """Put the file at `path` under this address and remove it from there.

        What lies under the address already is left as it is: the same content is kept once.
        """

    def replace(self, sha256: str, path: Path) -> None:
        """The same, in one step in place of what lies there: for another wrapping of the same content."""

    def source(self, sha256: str) -> Source:
        """The encrypted file for reading."""

    def holds(self, sha256: str) -> bool:
        """Whether a file has this address."""

    def remove(self, sha256: str) -> None:
        """Take the file away. Only the sweeper does, under its lock; one that is not there is no error."""

    def listing(self) -> Iterator[Lying]:
        """Every file, in no order."""

    def sweep(self, before: datetime) -> int:
        """Remove what transfers begun before then left unfinished; returns how many."""

    def __str__(self) -> str:
        """The place in words for an operator."""


def check_address(sha256: str) -> str:
    """An address is never anything but 64 hexadecimal digits. Raises Missing."""
    if not ADDRESS.fullmatch(sha256):
        raise Missing("That is no address of a stored file.")
    return sha256
