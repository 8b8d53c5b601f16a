"""The history of an identity in words, from the events themselves."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist

from accounts.models import User
from audit.models import Event
from patients.models import SSN

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


@dataclass
class Line:
    """One event of the history."""

    at: datetime
    who: str
    words: str
    note: str
    changes: list[Change] = field(default_factory=list)


def _shown(model: Any, name: str, value: Any, is_ssn: bool) -> str:
    text = "" if value in {None, "None"} else str(value)
    if is_ssn and name == "value" and text:
        return f"ends in {text[-4:]}"
    choices = dict(model._meta.get_field(name).choices or ())
    return str(choices.get(text, text))


def changes_of(event: Event) -> list[Change]:
    """The field differences that the event carries, in words; machinery is left out."""
    found: list[Change] = []
    for entry in (event.detail or {}).get("changes", []):
        model = apps.get_model(entry["model"])
        fields: dict[str, Any] = entry["fields"]
        is_ssn = SSN in str(fields.get("system", ""))
        for name, pair in fields.items():
            try:
                label = str(getattr(model._meta.get_field(name), "verbose_name", name))
            except FieldDoesNotExist:  # a column of a former version
                label = name.replace("_", " ")
                pair = [None, None] if not isinstance(pair, list) else pair
            if name in UNSAID or not isinstance(pair, list) or len(pair) != 2:
                continue
            before, after = (_shown(model, name, value, is_ssn) for value in pair)
            if before != after:
                operation = OPERATIONS.get(entry["operation"], entry["operation"])
                found.append(Change(str(model._meta.verbose_name), operation, label, before, after))
    return found


def told(events: Iterable[Event]) -> list[Line]:
    """The events as lines, with the names of those who acted. One query."""
    rows = list(events)
    ids = {event.actor_id for event in rows if event.actor_id}
    names = {user.pk: user.display_name for user in User.objects.filter(pk__in=ids)}
    return [
        Line(
            at=event.at,
            who=names.get(event.actor_id, event.actor) if event.actor_id else event.actor,
            words=event.words,
            note=str((event.detail or {}).get("why", "")),
            changes=changes_of(event),
        )
        for event in rows
    ]


def latest_change(events: Iterable[Event]) -> Line | None:
    """The newest line: who was faster."""
    newest = next(iter(events), None)
    return told([newest])[0] if newest else None
