"""Events in people's words: rows for the list, facts and tables for one event."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.apps import apps
from django.utils import timezone

from accounts.roles import words_for
from audit.explaining import Explanation, kind_words
from audit.models import Event
from audit.review.sifting import Explained, Sifted
from common.templatetags.chartroom import day_text
from patients.models import Patient

PURPOSE_WORDS = {
    "TREAT": "Treatment",
    "ETREAT": "Emergency treatment",
    "BTG": "Break the glass",
    "HPAYMT": "Payment",
    "COVERAGE": "Coverage",
    "HOPERAT": "Hospital operations",
    "RECORDMGT": "Records management",
    "HLEGAL": "Legal",
    "HCOMPL": "Compliance",
    "PATRQT": "The patient's own request",
    "FAMRQT": "The family's request",
    "PWATRNY": "Power of attorney",
    "SUPNWK": "Support network",
    "PUBHLTH": "Public health",
    "HRESCH": "Research",
    "DECSD": "Deceased patient's affairs",
    "THREAT": "Threat",
    "HSYSADMIN": "System administration",
}
CHANNEL_WORDS = {
    "web": "a browser",
    "api": "the API",
    "job": "a background job",
    "command": "the command line",
}
OUTCOME_WORDS = {"success": "Done", "denied": "Refused", "failed": "Failed"}
REASON_WORDS = {
    "chart_denied": "the chart is closed to them",
    "not_found": "there is no such thing",
    "role": "their role may not",
    "credentials": "name and password do not belong together",
    "throttled": "too many attempts",
    "second_factor_required": "their role needs a second factor, and they have none",
    "password_change_required": "they must set a password of their own first",
}


def words_of(name: str) -> str:
    """What an event's name says, in plain past-tense words."""
    return Event(event=name).words


def role_words(event: Event) -> str:
    """The roles held at that time."""
    return ", ".join(words_for(name) for name in event.roles)


ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
REFUSED_WORDS = {
    "patients.patient": "a chart",
    "patients.encounter": "an encounter",
    "documents.document": "a document",
    "release.recordrequest": "a request for records",
    "release.release": "a release",
}


@dataclass
class Line:
    """A row of the log: one event, with like events just before it folded in."""

    event: Event
    patient: Patient | None
    title: str = ""
    folded: list[Event] = field(default_factory=list)
    explained: Explained | None = None  # None: it is no access to one chart

    @property
    def times(self) -> int:
        """How many events the row stands for."""
        return 1 + len(self.folded)

    @property
    def who(self) -> str:
        """The user name, or what was typed at sign-in."""
        return self.event.actor or "nobody"

    @property
    def roles(self) -> str:
        """The roles held at that time, in words."""
        return role_words(self.event)

    @property
    def others(self) -> int:
        """Patients that a list or search showed, beside the one the row names."""
        return len([key for key in self.event.patient_ids or [] if key != self.event.patient_id])

    @property
    def why(self) -> str:
        """Why it was allowed or refused, in words."""
        if self.event.reason.startswith("records role: "):  # the roles stand beside the name
            return "records role"
        return REASON_WORDS.get(self.event.reason, self.event.reason)

    @property
    def refused_thing(self) -> str:
        """What kind of thing somebody was refused; a list's rows come without the event's detail."""
        return REFUSED_WORDS.get(self.event.object_type, "") if self.event.outcome == "denied" else ""

    @property
    def refused(self) -> str:
        """What somebody was refused: the kind of thing, else the address asked for, without the ids in it."""
        path = ID.sub("…", str((self.event.detail or {}).get("path", "")))
        return self.refused_thing or path or self.event.words

    @property
    def _because(self) -> list[Explanation]:
        """What is known of it, what speaks against it first."""
        return sorted(self.explained.explanations if self.explained else (), key=lambda one: one.verdict)

    @property
    def reasons(self) -> list[str]:
        """Why it was, or what speaks against it: that first."""
        return list(dict.fromkeys(one.words for one in self._because))

    @property
    def kind(self) -> str:
        """The kind of the first reason, in words; empty when there is none."""
        return next((kind_words(one.kind) for one in self._because), "")

    @property
    def outcome(self) -> str:
        """The outcome in a word."""
        return OUTCOME_WORDS.get(self.event.outcome, self.event.outcome)


def _alike(one: Event, other: Event) -> bool:
    """Repeated looks of one person at one thing: told apart only by their time."""
    if one.patient_ids or other.patient_ids:
        return False
    names = (
        "actor",
        "actor_id",
        "event",
        "patient_id",
        "object_type",
        "object_id",
        "outcome",
        "reason",
        "session",
    )
    return all(getattr(one, name) == getattr(other, name) for name in names)


def lines(
    rows: list[Event],
    patients: Mapping[UUID, Patient],
    titles: Mapping[str, str] | None = None,
    explained: Mapping[int, Explained] | None = None,
) -> list[Line]:
    """Rows for the page, repeated looks that follow each other folded into one. `titles` are of documents, by id.

    Looks of which one is explained and the next is not stay apart.
    """
    found: list[Line] = []
    wholes = explained or {}
    for event in rows:
        whole = wholes.get(event.pk)
        if found and _alike(found[-1].event, event) and _same(found[-1].explained, whole):
            found[-1].folded.append(event)
        else:
            patient = patients.get(event.patient_id) if event.patient_id else None
            found.append(Line(event, patient, (titles or {}).get(event.object_id, ""), explained=whole))
    return found


def _same(one: Explained | None, other: Explained | None) -> bool:
    return (one.standing if one else None) == (other.standing if other else None)


def sifted_words(sifted: Sifted) -> str:
    """How many accesses want an answer, among how many, and how far that goes."""
    words = f"{len(sifted.rows)} not explained among {sifted.checked:,} accesses looked at"
    if sifted.cursor and sifted.reached:
        words += f", as far as {day_text(timezone.localtime(sifted.reached))}"
    return words


def flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested detail as (dotted name, text) pairs."""
    if isinstance(value, dict):
        return [
            pair for key, item in value.items() for pair in flat(item, f"{name}.{key}" if name else str(key))
        ]
    if isinstance(value, list):
        if not any(isinstance(item, (dict, list)) for item in value):
            return [(name, ", ".join(str(item) for item in value))]
        return [pair for place, item in enumerate(value, 1) for pair in flat(item, f"{name}.{place}")]
    return [(name, "" if value is None else str(value))]


OPERATION_WORDS = {"create": "Added", "update": "Changed", "delete": "Removed"}


@dataclass
class Change:
    """What one saved row changed: (field, before, after)."""

    label: str
    key: str
    operation: str
    fields: list[tuple[str, str, str]]

    @property
    def title(self) -> str:
        """`Changed: patient name`."""
        try:
            words = str(apps.get_model(self.label)._meta.verbose_name)
        except (LookupError, ValueError):  # a table that a former version had
            words = self.label
        return f"{OPERATION_WORDS.get(self.operation, self.operation)}: {words}"


def _pair(value: Any) -> tuple[str, str]:
    """Before and after as auditlog keeps them: a pair of texts, or a list of names added or removed."""
    if isinstance(value, list) and len(value) == 2:
        before, after = ("" if item in (None, "None") else str(item) for item in value)
        return before, after
    return "", ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def _fields(given: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Names with before and after; what was empty and stays so is left out."""
    triples = [(name.replace("_", " "), *_pair(value)) for name, value in given.items()]
    return [triple for triple in triples if triple[1] or triple[2]]


def changes(event: Event) -> list[Change]:
    """The field differences in an event, a group for each row that was saved."""
    found = (event.detail or {}).get("changes")
    if not isinstance(found, list):
        return []
    return [
        Change(
            str(item.get("model", "")),
            str(item.get("id", "")),
            str(item.get("operation", "")),
            _fields(dict(item.get("fields") or {})),
        )
        for item in found
        if isinstance(item, dict)
    ]


def facts(event: Event) -> list[tuple[str, str]]:
    """What else an event says, beside its changes."""
    return flat({key: value for key, value in (event.detail or {}).items() if key != "changes"})
