"""A real Chartroom, started as a person at a terminal would."""

import contextlib
import json
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from tests.launcher.waiting import until

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("CHARTROOM_", "DATABASE_", "REDIS_", "PYTEST_", "DJANGO_")


def clean_environment(**more: str) -> dict[str, str]:
    """Our environment without what the test run itself was given."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | more


def chartroom(*arguments: str, text_in: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run `./chartroom ARGUMENTS` to its end."""
    return subprocess.run(
        [str(ROOT / "chartroom"), *arguments],
        input=text_in,
        capture_output=True,
        text=True,
        env=clean_environment(**more),
        timeout=120,
        check=False,
    )


class Running:
    """`./chartroom up` on one data folder. Start it again after it ended, as often as you like."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.options = options
        self.output = data.with_name(data.name + ".terminal")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **more: str) -> "Running":
        """Start it and wait until it says that it is ready."""
        with self.output.open("wb") as terminal:
            self.process = subprocess.Popen(
                [str(ROOT / "chartroom"), "up", "--data", str(self.data), "--port", "0", *self.options],
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                env=clean_environment(**more),
                start_new_session=True,
            )
        until(lambda: "ready at" in self.said or not self.is_running, seconds=120, what="ready, or ended")
        assert self.is_running, self.said
        return self

    @property
    def said(self) -> str:
        """What it has written to its terminal."""
        return self.output.read_text()

    @property
    def is_running(self) -> bool:
        """Whether the supervisor lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int:
        """The supervisor's process number."""
        assert self.process is not None
        return self.process.pid

    @property
    def url(self) -> str:
        """Its address, without the last slash."""
        found = re.search(r"ready at (\S+)/", self.said)
        assert found, self.said
        return found[1]

    def processes(self) -> list[int]:
        """The supervisor and everything below it."""
        return [self.pid, *descendants(self.pid)]

    def child(self, word: str) -> int:
        """The supervisor's own child whose command line holds `word`."""
        for pid in children(self.pid):
            if word in command_line(pid):
                return pid
        raise AssertionError(f"no child with {word!r}")

    def ends(self, seconds: float = 60) -> int:
        """Wait until the supervisor has ended; its exit code."""
        assert self.process is not None
        return self.process.wait(seconds)

    def stop(self) -> int:
        """Ctrl-C."""
        if self.is_running:
            os.kill(self.pid, signal.SIGINT)
        return self.ends()

    def manage(self, *arguments: str, text_in: str = "") -> subprocess.CompletedProcess[str]:
        """Run a management command on its data folder."""
        return chartroom("manage", "--data", str(self.data), *arguments, text_in=text_in)

    def get(self, path: str, token: str = "") -> tuple[int, Any]:
        """GET: status and body (JSON where it is JSON)."""
        return call("GET", self.url + path, token=token)

    def post(self, path: str, body: dict[str, Any], token: str = "") -> tuple[int, Any]:
        """POST JSON: status and body."""
        return call("POST", self.url + path, body, token=token)


def call(method: str, url: str, body: dict[str, Any] | None = None, *, token: str = "") -> tuple[int, Any]:
    """One request to the API: status and body. Status 0 when nobody answers."""
    request = urllib.request.Request(url, method=method)  # noqa: S310  (our own address)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, parsed(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, parsed(error.read())
    except OSError:
        return 0, None


def parsed(body: bytes) -> Any:
    """JSON where it is JSON, else the bytes."""
    try:
        return json.loads(body)
    except ValueError:
        return body


def children(pid: int) -> list[int]:
    """The processes that `pid` started and that live."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(word) for word in tasks.read_text().split()]
    return found


def descendants(pid: int) -> list[int]:
    """Everything below `pid`."""
    return [below for child in children(pid) for below in [child, *descendants(child)]]


def command_line(pid: int) -> str:
    """How a process was called; empty when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def is_alive(pid: int) -> bool:
    """Whether the process runs: a dead one that nobody has collected does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def resident_mb(pid: int) -> float:
    """Memory of a process in MB, shared pages counted whole (RSS), as `ps` shows it; 0 for one that has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    for line in text.splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) / 1024
    return 0.0
