"""A new file, written once from start to end and on the disk when it ends.

What is longer than a piece goes past the operating system's cache: the disk takes a piece while the next one is made.
A file that lies in the cache whole is begun when somebody waits for it (37 MB: 24 ms of waiting against none), and has
pushed out of the cache what others read.
"""

import errno
import fcntl
import mmap
import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

PIECE_BYTES = 1024 * 1024
BLOCK_BYTES = 4096  # what the disk wants of places and lengths
_fcntl = fcntl.fcntl
_OWN = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


class NewFile:
    """Put bytes into `room`, say with `add` how many, and `finish`. Raises OSError, also of earlier bytes."""

    def __init__(self, path: Path, most_at_once: int) -> None:
        """`most_at_once` is the most that `room` is asked for."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        self._most = most_at_once
        self._filling = self._new_buffer()
        self._other: memoryview | None = None
        self._filled = 0
        self._at = 0  # where in the file the buffer being filled begins
        self._is_direct = False
        self._thread: ThreadPoolExecutor | None = None
        self._under_way: Future[None] | None = None

    def _new_buffer(self) -> memoryview:
        return memoryview(
            mmap.mmap(-1, PIECE_BYTES + self._most, _OWN)
        )  # begins at a block; costs what is used

    def room(self, length: int) -> memoryview:
        """Where the next bytes go."""
        return self._filling[self._filled : self._filled + length]

    def add(self, length: int) -> None:
        """So many bytes are in the room now."""
        self._filled += length
        if self._filled < PIECE_BYTES:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="disk")
            self._set_direct(True)
        self._wait()
        full, rest = self._filling, self._filled - PIECE_BYTES
        self._under_way = self._thread.submit(self._write, full[:PIECE_BYTES], self._at)
        self._filling = self._new_buffer() if self._other is None else self._other
        self._filling[:rest] = full[PIECE_BYTES : self._filled]
        self._other = full
        self._at += PIECE_BYTES
        self._filled = rest

    def write(self, data: bytes) -> None:
        """Add a few bytes that are at hand."""
        self.room(len(data))[:] = data
        self.add(len(data))

    def finish(self) -> None:
        """Have everything on the disk."""
        self._wait()
        whole = self._filled - self._filled % BLOCK_BYTES if self._is_direct else 0
        self._write(self._filling[:whole], self._at)
        self._set_direct(False)
        self._write(self._filling[whole : self._filled], self._at + whole)
        os.fsync(self._descriptor)
        self.close()

    def close(self) -> None:
        """Nothing more is written. Safe to call twice."""
        if self._thread is not None:
            self._thread.shutdown()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _wait(self) -> None:
        """Until the disk has the last piece; raises what went wrong with it."""
        if self._under_way is not None:
            self._under_way.result()

    def _write(self, data: memoryview, at: int) -> None:
        while data:
            try:
                written = os.pwrite(self._descriptor, data, at)
            except OSError as error:
                if error.errno != errno.EINVAL or not self._is_direct:
                    raise
                self._set_direct(False)  # this disk wants other blocks than ours: through the cache then
                continue
            data, at = data[written:], at + written

    def _set_direct(self, is_direct: bool) -> None:
        """Past the cache or through it; a file system that cannot do without goes through it."""
        flags = _fcntl(self._descriptor, fcntl.F_GETFL) & ~os.O_DIRECT
        try:
            _fcntl(self._descriptor, fcntl.F_SETFL, flags | (os.O_DIRECT if is_direct else 0))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            is_direct = False
        self._is_direct = is_direct
