"""Explanations of what the log holds, and the accesses that have none: looked for page by page, and it says how far."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from audit.explaining import Access, Explanation, Standing, explain, standing_of
from audit.models import Event
from audit.review import keyset
from audit.review.questions import Question, access_branches

CHECKED = 2_000  # accesses looked at for one page


@dataclass(frozen=True)
class Explained:
    """What one access comes to, and everything that is known of it."""

    standing: Standing
    explanations: tuple[Explanation, ...] = ()
    missing: tuple[str, ...] = ()  # kinds that could not be asked

    @property
    def is_open(self) -> bool:
        """Whether somebody should ask: nothing explains it, or something speaks against it."""
        return self.standing is not Standing.EXPLAINED


def explained(rows: Sequence[Event]) -> dict[int, Explained]:
    """Of each of these events that is an access: what it comes to. Two statements however many."""
    accesses = [access for row in rows if (access := Access.of(row))]
    found = explain(accesses)
    return {
        access.event_id: Explained(
            standing_of(found.get(access.event_id, [])), tuple(found.get(access.event_id, [])), found.missing
        )
        for access in accesses
    }


def missing_in(explained: Iterable[Explained | None]) -> tuple[str, ...]:
    """The kinds of explanation that could not be had for one or another of these."""
    return tuple(dict.fromkeys(kind for one in explained if one for kind in one.missing))


@dataclass
class Sifted:
    """Accesses that nothing explains or something speaks against, in the question's order.

    `checked` accesses were looked at, as far back (or forth) as `reached`; `cursor` goes on after them, and is empty
    when the question holds no more.
    """

    rows: list[Event]
    explained: dict[int, Explained] = field(default_factory=dict)
    checked: int = 0
    reached: datetime | None = None
    cursor: str = ""
    missing: tuple[str, ...] = ()


def sift(question: Question, *, cursor: str = "", size: int, checked: int = CHECKED) -> Sifted:
    """Up to `size` accesses that want an answer, among at most `checked` beyond the cursor."""
    rows = keyset.page(access_branches(question), question.order, cursor=cursor, size=checked)
    found = Sifted([], reached=rows.rows[-1].at if rows.rows else None, cursor=rows.next_cursor)
    all_explained = explained(rows.rows)
    found.missing = missing_in(all_explained.values())
    for row in rows.rows:
        found.checked += 1
        whole = all_explained.get(row.pk)
        if whole is not None and whole.is_open:
            found.rows.append(row)
            found.explained[row.pk] = whole
            if len(found.rows) == size and found.checked < len(rows.rows):
                found.reached, found.cursor = row.at, f"a{row.pk}"
                break
    return found
