"""Locks between whoever stores a file and the sweeper, who removes files that nothing refers to.

A file is stored first and gets its row with the COMMIT. Between the two it looks like one that nobody wants.
Whoever stores or claims one therefore holds its drawer (one of 256, by the first two digits of the address)
until the transaction ends; the sweeper empties only drawers that nobody holds, and looks for rows once it has one.
"""

from collections.abc import Iterable

from django.db import connection

_OURS = 0x43525631  # the first number of these locks; the second is the drawer's


def drawer_of(sha256: str) -> int:
    """Which drawer an address belongs to."""
    return int(sha256[:2], 16)


def hold(addresses: Iterable[str]) -> None:
    """Have nothing under these addresses removed until the caller's transaction ends. Waits while it is being done."""
    drawers = sorted({drawer_of(address) for address in addresses})
    with connection.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_xact_lock_shared(%s, drawer) from unnest(%s::int[]) as drawer",
            [_OURS, drawers],
        )


def take(drawer: int) -> bool:
    """Have a drawer alone until the caller's transaction ends; False when somebody holds it."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_xact_lock(%s, %s)", [_OURS, drawer])
        return bool(cursor.fetchone()[0])
