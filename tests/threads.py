"""Two at once: for races that only real transactions show (tests marked `committed`)."""

import threading
import traceback
from collections.abc import Callable
from typing import Any

from django.db import connections, transaction
from django.test import Client

from accounts.models import User
from audit.services import record


def together(work: Callable[[int], Any], count: int = 2) -> list[Any]:
    """Run `work(number)` in `count` threads at once, each with a connection of its own.

    Returns what each returned, or the exception it ended with.
    """
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        try:
            start.wait(10)
            results[number] = work(number)
        except Exception as fault:
            traceback.print_exception(fault)  # seen when the test fails
            results[number] = fault
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def signed_in(user: User) -> Client:
    """A browser signed in outside any test transaction: the change of the user needs its event."""
    client = Client()
    with transaction.atomic():
        client.force_login(user)
        record("user.signed_in", by=user, about=user)
    return client
