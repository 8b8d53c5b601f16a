"""Having a package assembled by a child process with limits: documents come from outside and are not
trusted.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings

from records.release.packaging.facts import CoverFacts, Package, Part

MEMORY_BYTES = 3_000_000_000
CPU_SECONDS = 900
_ROOT = Path(__file__).resolve().parents[2]
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  (a private folder is made in it)
_SPARE_BYTES = 500_000_000

Progress = Callable[[int, int, str], None]


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


def assemble(
    facts: CoverFacts, parts: Sequence[Part], folder: Path, *, progress: Progress
) -> tuple[Path, Package]:
    """The package and its facts. Raises AssemblyRefused naming a document, or RuntimeError when the child
    dies.
    """
    out, job = folder / "package.pdf", folder / "job.json"
    order: dict[str, Any] = {
        "facts": facts.to_json(),
        "parts": [part.to_json() for part in parts],
        "out": str(out),
        "memory_bytes": MEMORY_BYTES,
        "cpu_seconds": CPU_SECONDS,
    }
    job.write_text(json.dumps(order), "utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "records.release.packaging", str(job)],
        cwd=_ROOT,
        env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None  # noqa: S101  (asked for above)
    try:
        for line in child.stdout:
            message = json.loads(line)
            if "refused" in message:
                raise AssemblyRefused(message["refused"])
            if "package" in message:
                return out, Package(*message["package"])
            progress(*message["progress"])
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.stdout.close()
        child.wait()
    raise RuntimeError(f"The assembly process ended with status {child.returncode}.")
