"""Groups of events in people's words: the lines of a timeline, by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone

from audit.explaining import Standing
from audit.models import Event
from audit.review import describing
from audit.review.folding import Group
from audit.review.services import Timeline
from audit.review.sifting import Explained
from common.words import counted
from patients.models import Patient

WORST_FIRST = (Standing.CONTRADICTED, Standing.UNEXPLAINED, Standing.EXPLAINED)


def duration(took: timedelta) -> str:
    """`40 s`, `3 min`, `1 h 5 min`; nothing for an instant."""
    seconds = int(took.total_seconds())
    if seconds < 60:
        return f"{seconds} s" if seconds else ""
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def times(count: int) -> str:
    """`twice`, `5 times`; nothing for once."""
    return {1: "", 2: "twice"}.get(count, f"{count} times")


@dataclass(frozen=True)
class TimelineLine:
    """One line: what somebody did, from when to when, and what it comes to."""

    group: Group
    patient: Patient | None
    title: str
    explained: Explained | None

    @property
    def event(self) -> Event:
        """The newest of its events, which stands for all."""
        return self.group.newest

    @property
    def line(self) -> describing.Line:
        """The newest event as the log tells it."""
        return describing.Line(self.event, self.patient, self.title, explained=self.explained)

    @property
    def words(self) -> str:
        """`read "Discharge summary", 12 pages, 3 min`."""
        group = self.group
        if group.is_of_document:
            name = f"“{self.title}”" if self.title else "a document"
            pages = group.pages
            extent = counted(pages, "page") if pages else ""
            parts = [f"{'read' if pages else 'opened'} {name}", extent]
        elif group.is_refusal:
            parts = [f"was refused {self.line.refused_thing or 'something'}", times(len(group.events))]
        elif group.is_search:
            parts = ["searched", times(len(group.events))]
        elif len(group.events) > 1:
            parts = [
                "looked at the chart" if self.event.patient_id else self.event.words,
                times(len(group.events)),
            ]
        else:
            parts = [self.event.words]
        return ", ".join(part for part in [*parts, duration(group.took)] if part)


@dataclass(frozen=True)
class Day:
    """The lines whose newest event lies on one day of the hospital."""

    on: date
    lines: list[TimelineLine]


def _whole(group: Group, found: dict[int, Explained]) -> Explained | None:
    """What the group comes to: the worst of its events, with what is known of all."""
    wholes = [found[event.pk] for event in group.events if event.pk in found]
    if not wholes:
        return None
    worst = min((whole.standing for whole in wholes), key=WORST_FIRST.index)
    known = dict.fromkeys(
        (one.kind, one.words, one.verdict, one.evidence) for whole in wholes for one in whole.explanations
    )
    if worst is Standing.UNEXPLAINED:
        known = {}
    by_key = {
        (one.kind, one.words, one.verdict, one.evidence): one
        for whole in wholes
        for one in whole.explanations
    }
    return Explained(worst, tuple(by_key[key] for key in known))


def days(timeline: Timeline) -> Iterator[Day]:
    """The page by day, newest first."""
    day: Day | None = None
    for group in timeline.groups:
        event = group.newest
        patient = timeline.patients.get(event.patient_id) if event.patient_id else None
        line = TimelineLine(
            group, patient, timeline.titles.get(event.object_id, ""), _whole(group, timeline.explained)
        )
        on = timezone.localdate(event.at)
        if day is None or day.on != on:
            if day is not None:
                yield day
            day = Day(on, [])
        day.lines.append(line)
    if day is not None:
        yield day
