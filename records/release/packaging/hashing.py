"""Writing a file and its SHA-256 in one go."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path


class Hashing(io.RawIOBase):
    """A new file that is written from start to end; `hexdigest` is of what was written."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Only to where it is: what was hashed cannot be written again."""
        at = self._file.tell()
        if (whence, offset) not in ((0, at), (1, 0), (2, 0)):
            raise io.UnsupportedOperation("a file that is hashed is written once, from start to end")
        return at

    def write(self, data: bytes) -> int:  # type: ignore[override]
        written = self._file.write(data)
        self._hash.update(data[:written])
        return written

    def hexdigest(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        self._file.close()
        super().close()
