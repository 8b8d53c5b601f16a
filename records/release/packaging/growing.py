"""Writing a file that somebody reads while it grows."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

STEP_BYTES = 2 * 1024 * 1024


class Growing(io.RawIOBase):
    """A new file that is written from start to end; `tell_size` hears, every now and then, how many bytes stand.

    What stands is never changed again, so a reader may take it at once.
    """

    def __init__(self, path: Path, tell_size: Callable[[int], None]) -> None:
        self._file = path.open("wb", buffering=0)
        self._tell_size = tell_size
        self._told = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Only to where it is: what was written may have been read already."""
        at = self._file.tell()
        if (whence, offset) not in ((0, at), (1, 0), (2, 0)):
            raise io.UnsupportedOperation(
                "a file that is read while it grows is written once, from start to end"
            )
        return at

    def write(self, data: bytes) -> int:  # type: ignore[override]
        written = self._file.write(data)
        size = self._file.tell()
        if size - self._told >= STEP_BYTES:
            self._told = size
            self._tell_size(size)
        return written

    def close(self) -> None:
        self._file.close()
        super().close()
