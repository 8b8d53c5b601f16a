"""The child process that assembles a package: `python -m records.release.packaging JOB.json`.

Files from outside are read here, by native code, so the process limits its own memory and time and dies
with its parent. It talks in lines of JSON on standard output: `progress`, then one of `package` or
`refused`.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from . import BadPart, CoverFacts, Part, build_package

_PR_SET_PDEATHSIG = 1


def _say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == 1:  # the parent was gone before the line above
            sys.exit(1)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(job_path: str) -> int:
    job = json.loads(Path(job_path).read_text("utf-8"))
    _limit(job["memory_bytes"], job["cpu_seconds"])
    parts = [Part.from_json(part) for part in job["parts"]]
    try:
        package = build_package(
            CoverFacts.from_json(job["facts"]),
            parts,
            Path(job["out"]),
            progress=lambda done, total, text: _say(progress=[done, total, text]),
        )
    except BadPart as refused:
        _say(refused=str(refused), document=refused.document_id)
        return 3
    except MemoryError:
        _say(refused="The documents need more memory than one package may use. Release fewer at a time.")
        return 3
    _say(package=[package.sha256, package.size_bytes, package.pages, package.manifest])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
