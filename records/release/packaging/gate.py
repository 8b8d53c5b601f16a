"""Beginning with the first document while the last is still being decrypted: one lock for each part.

Whoever writes the parts holds a lock on one byte of a file for each of them, and lets go of it when the part is
whole and proven. Whoever reads them waits at that byte. A writer that dies lets go of everything; its reader is ended
with it, and nobody takes what it makes.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def closed_gate(path: Path, count: int) -> Iterator[Callable[[int], None]]:
    """A new gate file with `count` parts (at least one) behind it; call what you get with the number (from 0) of
    each part that is whole.
    """
    with path.open("xb") as gate:
        fcntl.lockf(gate, fcntl.LOCK_EX, count, 0)
        yield lambda number: fcntl.lockf(gate, fcntl.LOCK_UN, 1, number)


@contextmanager
def waiting_at(path: Path) -> Iterator[Callable[[int], None]]:
    """Call what you get with a part's number, in another process than the writer's: it returns when the part is
    whole.
    """
    with path.open("rb") as gate:
        yield lambda number: fcntl.lockf(gate, fcntl.LOCK_SH, 1, number)
