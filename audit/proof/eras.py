"""Eras: what one database cluster counted. A lawful move to a new cluster ends one and begins the next.

Transactions are numbered by the cluster. Restored into a new one whose counting starts again, the log holds rows of
both countings; event ids go on across a move, so an era is the events after one id and up to another. The epoch that
ends an era says so in its signed note, with the cluster that goes on and the last id. Where the counting itself
goes on (pg_upgrade, a busier cluster) the note says that, and the era stays.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass

from django.db import connection

LARGEST_ID = 2**63 - 1
_NOTE = re.compile(r"moved to=(?P<cluster>\d+) (?:after_id=(?P<after>\d+)|continues)\Z")


@dataclass(frozen=True)
class Move:
    """Which cluster goes on, and after which event id its own counting starts; None where the counting goes on."""

    cluster: str
    after_id: int | None

    @property
    def note(self) -> str:
        """As the epoch that says it holds it."""
        how = "continues" if self.after_id is None else f"after_id={self.after_id}"
        return f"moved to={self.cluster} {how}"


def move_in(note: str) -> Move | None:
    """The move that an epoch's note tells; None of any other note."""
    found = _NOTE.match(note)
    if not found:
        return None
    return Move(found["cluster"], int(found["after"]) if found["after"] else None)


@dataclass(frozen=True)
class Era:
    """Events with `after_id` < id ≤ `up_to_id`, sealed by the epochs from `first_epoch` on."""

    after_id: int
    up_to_id: int
    first_epoch: int


class Eras:
    """The eras of the log in order; the last one is now."""

    def __init__(self, ends: list[tuple[int, int]]) -> None:
        """`ends`: (number of the epoch that ended the era, its last event id), in order."""
        self._ends = ends
        self.eras: list[Era] = []
        after, first = 0, 1
        for n, last_id in ends:
            self.eras.append(Era(after, last_id, first))
            after, first = last_id, n + 1
        self.eras.append(Era(after, LARGEST_ID, first))
        self._firsts = [era.first_epoch for era in self.eras]

    def ended_by(self, n: int, last_id: int) -> "Eras":
        """The same with the present era ended by epoch `n` after this event id."""
        return Eras([*self._ends, (n, last_id)])

    @property
    def current(self) -> Era:
        """The era that is being written."""
        return self.eras[-1]

    def of_epoch(self, n: int) -> Era:
        """The era whose events epoch `n` seals."""
        return self.eras[bisect_left(self._firsts, n + 1) - 1]

    def last_epoch_of(self, era: Era) -> int | None:
        """The number of the epoch that ended this era; None for the present one."""
        place = self.eras.index(era)
        return self.eras[place + 1].first_epoch - 1 if place + 1 < len(self.eras) else None

    def of_event(self, event_id: int) -> Era:
        """The era in which this event was written."""
        return next(era for era in self.eras if event_id <= era.up_to_id)


def every() -> Eras:
    """The eras as the chain tells them. Their truth is the signature's: check it before relying on them."""
    with connection.cursor() as cursor:
        cursor.execute("select n, note from audit_epoch where note like 'moved %' order by n")
        told = [(n, move_in(note)) for n, note in cursor.fetchall()]
    return Eras([(n, move.after_id) for n, move in told if move and move.after_id is not None])
