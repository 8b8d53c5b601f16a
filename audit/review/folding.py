"""Looks that belong together, told as one: forty page-views are "read the discharge summary, 12 pages, 3 min"."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from audit.models import Event

PAUSE = timedelta(minutes=15)  # a longer one begins a new line
DOCUMENT = "documents.document"


@dataclass
class Group:
    """Events told in one line, newest first."""

    events: list[Event] = field(default_factory=list)

    @property
    def newest(self) -> Event:
        """The last thing done."""
        return self.events[0]

    @property
    def began_at(self) -> datetime:
        """When the first of them was."""
        return self.events[-1].at

    @property
    def took(self) -> timedelta:
        """From the first to the last; what was read after that nobody knows."""
        return self.newest.at - self.began_at

    @property
    def is_refusal(self) -> bool:
        """Whether it tells of what somebody was refused."""
        return self.newest.outcome != "success"

    @property
    def is_of_document(self) -> bool:
        """Whether it tells of one document that was looked at."""
        return self.newest.object_type == DOCUMENT and self.newest.action == "view" and not self.is_refusal

    @property
    def is_search(self) -> bool:
        """Whether it tells of searches."""
        return self.newest.action == "search"

    @property
    def pages(self) -> int:
        """How many pages of the document were shown large or read as text; small pictures beside it do not count."""
        found = set()
        for event in self.events:
            detail = event.detail or {}
            if detail.get("page") and detail.get("size") != "thumbnail":
                found.add((detail.get("version"), detail["page"]))
        return len(found)


def key_of(event: Event) -> Hashable | None:
    """What has to be the same for two looks to be told as one; None for a deed, which stands alone."""
    who = (event.actor_id, event.actor)
    if event.outcome != "success":
        return ("refused", who, event.patient_id, event.event, event.object_type, event.object_id)
    if event.action == "search":
        return ("search", who, event.patient_id)
    if event.action != "view":
        return None
    if event.patient_id is None:
        return ("list", who, event.event)
    if event.object_type == DOCUMENT:
        return ("document", who, event.patient_id, event.object_id)
    return ("chart", who, event.patient_id)


def fold(rows: Sequence[Event]) -> list[Group]:
    """Each event in one group, the group with the newest event first. `rows` are newest first.

    A group is of one person and one thing, without a pause between its own events, whatever others did meanwhile.
    """
    found: list[Group] = []
    open_groups: dict[Hashable, Group] = {}
    for event in rows:
        key = key_of(event)
        group = open_groups.get(key) if key is not None else None
        if group is None or group.began_at - event.at > PAUSE:
            group = Group()
            found.append(group)
            if key is not None:
                open_groups[key] = group
        group.events.append(event)
    return found


def page_end(rows: Sequence[Event], *, size: int, most: int) -> int:
    """How many of these rows (newest first) make a page: at least `size`, then on to the next pause of all.

    Where nobody did anything no group goes on, so none is cut in two; only after `most` rows without a pause is the
    page cut wherever it is.
    """
    for place in range(size, min(len(rows), most)):
        if rows[place - 1].at - rows[place].at > PAUSE:
            return place
    return min(len(rows), most)
