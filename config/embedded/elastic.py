"""One web process while it is quiet, more while pages are asked for: an empty system stays small.

gunicorn's master adds a worker on SIGTTIN and lets the oldest finish and go on SIGTTOU; this decides when.
"""

import os
import signal
import time
from pathlib import Path

from config.embedded.children import Child

LOOK_EVERY_SECONDS = 1.0
BUSY = 0.6  # of one processor, by each web process: another one helps
QUIET = 0.1
QUIET_SECONDS = 120.0  # a process that left is a second of waiting for whoever comes next
_TICKS = os.sysconf("SC_CLK_TCK")


def fixed_by_operator() -> bool:
    """Whether somebody said how many processes there shall be."""
    return "CHARTROOM_WEB_WORKERS" in os.environ


def most_workers() -> int:
    """Two for small machines, one a processor for larger ones, four at the most."""
    return max(2, min(len(os.sched_getaffinity(0)), 4))


class Elastic:
    """Watches the processor time of the web processes and asks their master for one more or one fewer."""

    def __init__(self, web: Child, *, most: int) -> None:
        self.web = web
        self.most = most
        self.wanted = 1
        self.master = 0
        self.looked_at = float("-inf")
        self.quiet_since = 0.0
        self.spent: dict[int, float] = {}

    def look(self) -> None:
        """Once a second: compare what each process used with what it could have used."""
        now = time.monotonic()
        if self.web.process is None or not self.web.alive or now - self.looked_at < LOOK_EVERY_SECONDS:
            return
        if self.web.process.pid != self.master:  # started again: it has one process
            self.master, self.wanted, self.spent, self.quiet_since = self.web.process.pid, 1, {}, now
        spent = {pid: _seconds(pid) for pid in _children(self.master)}
        passed, self.looked_at = now - self.looked_at, now
        shares = [(used - self.spent[pid]) / passed for pid, used in spent.items() if pid in self.spent]
        self.spent = spent
        self.decide(sum(shares) / len(shares) if shares else 0.0, now)

    def decide(self, share: float, now: float) -> None:
        """Ask for one more when each is busy, for one fewer when all have been quiet for long."""
        if share > QUIET:
            self.quiet_since = now
        if share > BUSY and self.wanted < self.most:
            self._ask(signal.SIGTTIN, +1)
        elif self.wanted > 1 and now - self.quiet_since > QUIET_SECONDS:
            self.quiet_since = now
            self._ask(signal.SIGTTOU, -1)

    def _ask(self, number: signal.Signals, change: int) -> None:
        if self.web.process is not None and self.web.alive:
            self.web.process.send_signal(number)
            self.wanted += change


def _children(pid: int) -> list[int]:
    """The processes a process started itself; none when it has gone."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (OSError, ValueError):
        return []


def _seconds(pid: int) -> float:
    """Processor time a process has used; 0 when it has gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
