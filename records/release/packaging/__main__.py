"""The process that assembles packages: `python -m records.release.packaging`, one job's file name a line on
its input.

Files from outside are read here, by native code, so each job has a child of its own that limits its memory
and time. The parent of those children stays, with everything imported, because starting Python takes longer
than most packages. It talks in lines of JSON on standard output: `progress` and `size` (how much of the
package may be read already), then `package` or `refused`, then always `ended`. When its input closes (whoever
started it has gone, killed or not) it ends, and the job under way with it.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .assembly import as_filed, build_package, cover_of
from .cover import make_cover
from .facts import BadPart, CoverFacts, Part
from .gate import waiting_at

_PR_SET_PDEATHSIG = 1
IDLE_SECONDS = 300.0
TOO_LARGE = "The documents need more memory than one package may use. Release fewer at a time."


_NOBODY = CoverFacts("", "", (), (), "", "", "", "", "", "", datetime(2000, 1, 1, tzinfo=UTC))


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _limit(parent: int, memory_bytes: int, cpu_seconds: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before the line above
        os._exit(1)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def do(job: dict[str, Any], cover_made: Callable[[], bytes] = bytes) -> None:
    """Assemble one package and say how it went."""
    try:
        with waiting_at(Path(job["gate"])) as until_whole:
            package = build_package(
                CoverFacts.from_json(job["facts"]),
                [Part.from_json(part) for part in job["parts"]],
                Path(job["out"]),
                progress=lambda done, total, text: _say(progress=[done, total, text]),
                until_whole=until_whole,
                tell_size=lambda size: _say(size=size),
                cover_made=cover_made,
            )
    except BadPart as refused:
        _say(refused=str(refused), document=refused.document_id)
    except MemoryError:
        _say(refused=TOO_LARGE)
    else:
        _say(package=[package.size_bytes, package.pages, package.manifest])


def _in_child(job_path: str) -> int:
    """Do the job in a child process; its exit status, negative for a signal. Ends us when our input closes."""
    job = json.loads(Path(job_path).read_text("utf-8"))
    parent = os.getpid()
    hears, tells = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(tells)
            _limit(parent, job["memory_bytes"], job["cpu_seconds"])
            do(job, cover_made=lambda: _made_for(hears, job_path))
            status = 0
        finally:
            os._exit(status)
    os.close(hears)
    _make_cover(job, job_path, tells)
    watched = os.pidfd_open(child)
    ready, _, _ = select.select([watched, sys.stdin], [], [])
    os.close(watched)
    if sys.stdin in ready:
        os.kill(child, signal.SIGKILL)
        os._exit(1)
    _, state = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(state)


def _cover_path(job_path: str) -> Path:
    return Path(job_path).with_name("cover.pdf")


def _make_cover(job: dict[str, Any], job_path: str, tells: int) -> None:
    """The cover, from our own words alone, while the child reads what came from outside; a byte says that it is
    whole. Where it cannot be made here, the child makes it and says why that fails.
    """
    try:
        rows = as_filed([Part.from_json(part) for part in job["parts"]])
        if rows is not None:
            with waiting_at(Path(job["gate"])) as until_whole:
                until_whole(
                    len(rows) // 2
                )  # while the first documents come, two processors have enough to do
            _cover_path(job_path).write_bytes(cover_of(CoverFacts.from_json(job["facts"]), rows))
            os.write(tells, b"1")
    except Exception as error:
        sys.stderr.write(f"The cover is left to the child: {type(error).__name__}\n")
    finally:
        os.close(tells)


def _made_for(hears: int, job_path: str) -> bytes:
    """What `_make_cover` made, waiting for it; nothing when it could not."""
    with open(hears, "rb", buffering=0) as pipe:
        return _cover_path(job_path).read_bytes() if pipe.read(1) else b""


def _orders() -> Iterator[str]:
    """Lines of the input, until it closes or none has come for a while: an idle hospital keeps no idle
    process.
    """
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.readline()
        if not line:
            return
        yield line


def main() -> None:
    make_cover(_NOBODY, [], cover_pages=1)  # reads fonts and what else is read once, for all children
    gc.freeze()  # a child that never looks through these copies none of their memory
    for line in _orders():
        _say(ended=_in_child(line.rstrip("\n")))


if __name__ == "__main__":
    main()
