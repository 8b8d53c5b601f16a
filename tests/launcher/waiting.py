"""Waiting for a condition, with a deadline, never for a time."""

import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], *, seconds: float, what: str) -> T:
    """The first true value of `condition`, asked again and again. Fails with `what` after `seconds`."""
    deadline = monotonic() + seconds
    never = threading.Event()
    while not (value := condition()):
        if monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        never.wait(0.05)
    return value
