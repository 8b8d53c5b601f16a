"""Having a package assembled by a child process with limits: documents come from outside and are not
trusted.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from django.conf import settings

from records.release.packaging.facts import CoverFacts, Package, Part
from records.release.packaging.gate import closed_gate

MEMORY_BYTES = 3_000_000_000
CPU_SECONDS = 900
SAY_SECONDS = 0.3  # more often than a page asks; each time is a commit
_ROOT = Path(__file__).resolve().parents[2]
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (a private folder is made in it)
_SPARE_BYTES = 500_000_000
PIECE_BYTES = 256 * 1024  # as much as the vault encrypts at once: it stays near the processor

Progress = Callable[[int, int, str], None]
Fetch = Callable[[Part], None]
Workshop = subprocess.Popen[str]


class AssemblyRefused(Exception):
    """A document cannot be put into the package; the message is a sentence for people."""


@contextmanager
def workspace(name: str, needed_bytes: int) -> Iterator[Path]:
    """A private folder for decrypted copies, gone afterwards: in memory where there is room, else in the
    run folder.

    `name` is the job's, so that a second run removes what a killed first one left.
    """
    memory = shutil.disk_usage(_SHARED_MEMORY).free if _SHARED_MEMORY.is_dir() else 0
    parent = _SHARED_MEMORY if memory > 3 * needed_bytes + _SPARE_BYTES else settings.RUN_DIR
    for place in (_SHARED_MEMORY, settings.RUN_DIR):
        shutil.rmtree(place / name, ignore_errors=True)
    folder = parent / name
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


_idle: list[Workshop] = []  # at most one waits; builds at the same moment start their own
_idle_lock = Lock()


def _open_workshop() -> Workshop:
    return subprocess.Popen(
        [sys.executable, "-m", "records.release.packaging"],
        cwd=_ROOT,
        env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def _close(workshop: Workshop) -> None:
    workshop.kill()
    for stream in (workshop.stdin, workshop.stdout):
        if stream:
            with suppress(BrokenPipeError):
                stream.close()
    workshop.wait()


@contextmanager
def _workshop() -> Iterator[Workshop]:
    """A process that assembles; one that ended well waits for the next package, any other is closed."""
    with _idle_lock:
        workshop = _idle.pop() if _idle else None
    if workshop is not None and workshop.poll() is not None:
        _close(workshop)
        workshop = None
    workshop = workshop or _open_workshop()
    try:
        yield workshop
    except BaseException:
        _close(workshop)
        raise
    with _idle_lock:
        is_wanted = not _idle
        if is_wanted:
            _idle.append(workshop)
    if not is_wanted:
        _close(workshop)


class Assembly:
    """One package in the making. `pieces()` are its bytes, as they come; then `package` is what was made.

    `fetch` writes the file of one part, and is called while the first parts are being assembled already. `beside`
    empties the folder when all is read.
    """

    package: Package

    def __init__(
        self,
        facts: CoverFacts,
        parts: Sequence[Part],
        folder: Path,
        *,
        fetch: Fetch,
        progress: Progress,
        beside: Executor,
    ) -> None:
        self._facts = facts
        self._parts = parts
        self._folder = folder
        self._fetch = fetch
        self._progress = progress
        self._beside = beside
        self._next_say = time.monotonic() + SAY_SECONDS

    def pieces(self) -> Iterator[memoryview]:
        """Have it assembled; what a piece shows is gone with the next. Raises AssemblyRefused naming a document, or
        RuntimeError when the child dies.
        """
        out, job, gate = (self._folder / name for name in ("package.pdf", "job.json", "gate"))
        order: dict[str, Any] = {
            "facts": self._facts.to_json(),
            "parts": [part.to_json() for part in self._parts],
            "out": str(out),
            "gate": str(gate),
            "memory_bytes": MEMORY_BYTES,
            "cpu_seconds": CPU_SECONDS,
        }
        job.write_text(json.dumps(order), "utf-8")
        out.touch(mode=0o600)
        with _workshop() as workshop, out.open("rb", buffering=0) as package:
            with closed_gate(gate, len(self._parts)) as is_whole:
                assert workshop.stdin is not None  # noqa: S101  (asked for above)
                workshop.stdin.write(f"{job}\n")
                workshop.stdin.flush()
                for number, part in enumerate(self._parts):
                    self._say(
                        number, len(self._parts), f"Gathering document {number + 1} of {len(self._parts)}"
                    )
                    self._fetch(part)
                    is_whole(number)
            taken, room = 0, memoryview(bytearray(PIECE_BYTES))
            for size in self._sizes(workshop):
                while taken < size:
                    got = package.readinto(room[: size - taken])
                    if not got:
                        raise RuntimeError("A part of the package is gone.")
                    taken += got
                    yield room[:got]
        # Nobody reads these any more. Freeing their memory takes as long as having the package on the disk.
        self._beside.submit(shutil.rmtree, self._folder, ignore_errors=True)

    def _sizes(self, workshop: Workshop) -> Iterator[int]:
        """Listen to the workshop: how many bytes of the package stand, until it is whole."""
        assert workshop.stdout is not None  # noqa: S101
        refused, made = "", None
        for line in workshop.stdout:
            message = json.loads(line)
            if "ended" in message:
                break
            refused = message.get("refused", refused)
            made = message.get("package", made)
            if "size" in message:
                yield message["size"]
            if "progress" in message:
                self._say(*message["progress"])
        else:
            raise RuntimeError("The process that assembles packages has gone.")
        if refused:
            raise AssemblyRefused(refused)
        if made is None:
            raise RuntimeError(f"The assembly of a package ended with status {message['ended']}.")
        self.package = Package(*made)
        yield self.package.size_bytes

    def _say(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if now > self._next_say:
            self._next_say = now + SAY_SECONDS
            self._progress(done, total, text)
