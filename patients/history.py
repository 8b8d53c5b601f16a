"""The history of an identity in words, from the events themselves."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.apps import apps
from django.db.models import BooleanField, DateField, DateTimeField

from audit.models import Event
from common.templatetags.chartroom import day_text
from patients.models import HOUSE, SSN
from patients.mrn import grouped

OPERATIONS = {"create": "added", "update": "changed", "delete": "removed"}
UNSAID = {"id", "patient", "merged_into"}


@dataclass(frozen=True)
class Change:
    """One field: what thing of, what it was and what it became, in words."""

    thing: str
    operation: str
    label: str
    before: str
    after: str
    row: int = 0  # which row of the event it is a field of
    form: Callable[[str], str] = str  # how a screen writes it; programs are given what is stored

    @property
    def was(self) -> str:
        """What it was, as a screen writes it."""
        return self.form(self.before) if self.before else ""

    @property
    def became(self) -> str:
        """What it became, as a screen writes it."""
        return self.form(self.after) if self.after else ""


@dataclass
class Line:
    """One event of the history."""

    at: datetime
    who: str
    words: str
    note: str
    changes: list[Change] = field(default_factory=list)

    @property
    def rows(self) -> list[list[Change]]:
        """The changes row by row, without what says nothing to a reader: a new row is still valid, the MRN is
        named once.
        """
        rows = [list(group) for _, group in groupby(self.changes, key=lambda change: change.row)]
        telling = [
            [change for change in row if (change.before, change.after) != ("", "True")]
            for row in rows
            if all(change.after != HOUSE for change in row)
        ]
        return [row for row in telling if row]


def _shown(column: Any, name: str, value: Any, is_ssn: bool) -> str:
    text = "" if value in {None, "None"} else str(value)
    if is_ssn and name == "value" and text:
        return f"ends in {text[-4:]}"
    return str(dict(getattr(column, "choices", None) or ()).get(text, text))


def _day(text: str) -> str:
    try:
        return day_text(date.fromisoformat(text))
    except ValueError:
        return text


def _form(column: Any) -> Callable[[str], str]:
    if isinstance(column, BooleanField):
        return lambda text: {"True": "yes", "False": "no"}.get(text, text)
    if isinstance(column, DateField) and not isinstance(column, DateTimeField):
        return _day
    return grouped if getattr(column, "name", "") == "mrn" else str


def changes_of(event: Event) -> list[Change]:
    """The field differences that the event carries, in words; machinery is left out."""
    found: list[Change] = []
    for row, entry in enumerate((event.detail or {}).get("changes", [])):
        model = apps.get_model(entry["model"])
        fields: dict[str, Any] = entry["fields"]
        is_ssn = SSN in str(fields.get("system", ""))
        columns = {column.name: column for column in model._meta.get_fields()}
        for name, pair in fields.items():
            column = columns.get(name)  # None for a column of a former version
            is_column = column is None or column.concrete
            if name in UNSAID or not is_column or not isinstance(pair, list) or len(pair) != 2:
                continue
            label = str(getattr(column, "verbose_name", name.replace("_", " ")))
            before, after = (_shown(column, name, value, is_ssn) for value in pair)
            if before != after:
                operation = OPERATIONS.get(entry["operation"], entry["operation"])
                thing = str(model._meta.verbose_name)
                found.append(Change(thing, operation, label, before, after, row, _form(column)))
    return found


def told(events: Iterable[Event]) -> list[Line]:
    """The events of `queries.identity_events` as lines, with the names of those who acted."""
    return [
        Line(
            at=event.at,
            who=getattr(event, "actor_name", None) or event.actor,
            words=event.words,
            note=str((event.detail or {}).get("why", "")),
            changes=changes_of(event),
        )
        for event in events
    ]


def latest_change(events: Iterable[Event]) -> Line | None:
    """The newest line: who was faster."""
    newest = next(iter(events), None)
    return told([newest])[0] if newest else None
