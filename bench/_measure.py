"""What the benchmarks share: taking turns, medians, and a line per figure.

Machines are shared and noisy, so every figure is a ratio to a floor timed in the same run, in turns.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def setup_django() -> None:
    """Make the models importable."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    import config.celery  # noqa: F401  (the doorbell; without it each order waits for a broker that is not there)


def timed(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turns(works: dict[str, Callable[[], object]], *, rounds: int, warm: int = 1) -> dict[str, list[float]]:
    """Seconds of each call of each work, taken A B C A B C …, after `warm` rounds that do not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(warm + rounds):
        for name, work in works.items():
            seconds = timed(work)
            if turn >= warm:
                times[name].append(seconds)
    return times


def percentile(values: list[float], part: float) -> float:
    """The value below which `part` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def median(values: list[float]) -> float:
    """The middle value."""
    return statistics.median(values)


class Verdict:
    """Collects figures and says at the end whether each is within its limit."""

    def __init__(self) -> None:
        self.is_good = True

    def ratio(
        self, name: str, ours: float, floor: float, *, most: float | None = None, least: float | None = None
    ) -> None:
        """Print one ratio with both times, and whether it keeps its limit."""
        value = ours / floor if floor else float("inf")
        is_kept = (most is None or value <= most) and (least is None or value >= least)
        limit = f"limit ≤ {most}" if most is not None else f"limit ≥ {least}"
        print(
            f"{name:<44} {value:6.2f} × floor   ({ours * 1000:9.2f} ms against {floor * 1000:9.2f} ms; {limit})"
            f"   {'kept' if is_kept else 'MISSED'}"
        )
        self.is_good &= is_kept

    def amount(self, name: str, value: float, unit: str, *, most: float) -> None:
        """Print one absolute figure and whether it keeps its limit."""
        is_kept = value <= most
        print(f"{name:<44} {value:8.1f} {unit}   (limit ≤ {most} {unit})   {'kept' if is_kept else 'MISSED'}")
        self.is_good &= is_kept

    def exit(self) -> int:
        """0 when every figure kept its limit."""
        return 0 if self.is_good else 1
