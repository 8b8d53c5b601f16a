"""Programs we start, watch, start again and stop: each a process group that does not outlive us."""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from config.embedded.account import Account

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def dies_with_parent(death_signal: int) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `death_signal` to the child when we end, kill -9 included.

    Must be used from the main thread: the kernel watches the thread that forked.
    """
    parent = os.getpid()

    def before_exec() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return before_exec


class Bell:
    """Waits for a signal or for time to pass, whichever is first. One for each process."""

    def __init__(self) -> None:
        self.stop_asked = 0
        self._read, self._write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _stop(self, *_: object) -> None:
        self.stop_asked += 1

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or at once when a signal came (a child ended, somebody pressed Ctrl-C)."""
        with contextlib.suppress(InterruptedError):
            if select.select([self._read], [], [], max(seconds, 0))[0]:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._read, 1024)


@dataclass
class Child:
    """One program. `stop_signal` asks it to end; after `stop_seconds` it is killed with its whole group."""

    name: str
    command: list[str]
    environment: dict[str, str]
    folder: Path
    log: Path | None
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 10
    death_signal: int = signal.SIGKILL
    account: Account | None = None
    pass_fds: tuple[int, ...] = ()
    text_in: str | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    restart_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it. It gets a session of its own, so that Ctrl-C at the terminal reaches only us."""
        with contextlib.ExitStack() as stack:
            output: IO[bytes] | None = stack.enter_context(self.log.open("ab")) if self.log else None
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.PIPE if self.text_in is not None else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                pass_fds=self.pass_fds,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
                preexec_fn=dies_with_parent(self.death_signal),
            )
        self.started_at = time.monotonic()
        if self.text_in is not None and self.process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(self.text_in.encode())
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()

    @property
    def alive(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.process.poll() is None

    def keep_up(self) -> str:
        """Start it again when it ended, later each time it fails soon. Returns what to tell, or ''."""
        if self.alive:
            return ""
        now = time.monotonic()
        if not self.restart_at:
            lived = now - self.started_at
            self.failures = self.failures + 1 if lived < 60 else 1
            pause = min(2.0 ** (self.failures - 1), 30.0)
            self.restart_at = now + pause
            code = self.process.returncode if self.process else None
            return f"{self.name} ended ({describe_exit(code)}); starting it again in {pause:.0f} s."
        if now >= self.restart_at:
            self.restart_at = 0.0
            self.sweep()
            self.start()
        return ""

    def ask_to_stop(self) -> None:
        """Send the stop signal."""
        if self.alive and self.process:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def stop(self, bell: Bell | None = None, *, seconds: float | None = None) -> bool:
        """Ask it to end, wait, and kill what is left. True when it ended by itself.

        A second Ctrl-C (`bell`) shortens the wait.
        """
        if self.process is None:
            return True
        self.ask_to_stop()
        asked_before = bell.stop_asked if bell else 0
        deadline = time.monotonic() + (self.stop_seconds if seconds is None else seconds)
        while self.alive and time.monotonic() < deadline:
            if bell and bell.stop_asked > asked_before:
                break
            if bell:
                bell.wait(0.2)
            else:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(0.2)
        ended = not self.alive
        self.sweep()
        return ended

    def sweep(self) -> None:
        """Kill whatever is left of its process group and collect it."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def describe_exit(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return "not started"
    if code < 0:
        return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"
