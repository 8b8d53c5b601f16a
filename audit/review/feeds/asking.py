"""FHIR's search parameters as a question to the log."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from audit.feeds import fhir
from audit.review.feeds.services import Asked
from audit.review.keyset import Order, is_cursor
from audit.review.questions import Question
from common.ids import as_uuid

DATE = re.compile(r"(eq|ge|gt|le|lt|sa|eb)?(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\Z")
PREFIX = re.compile(r"(eq|ge|gt|le|lt|sa|eb)?(.+)\Z")
KINDS = {resource: kind for kind, resource in fhir.RESOURCES.items()}
Period = tuple[datetime | None, datetime | None]


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _whole(text: str) -> tuple[str, datetime, datetime]:
    """(prefix, first instant, first instant after it) of a FHIR date: a year, month, day or instant."""
    found = DATE.match(text)
    if found:
        prefix, year, month, day = found[1] or "eq", int(found[2]), int(found[3] or 1), int(found[4] or 1)
        start = date(year, month, day)
        if found[4]:
            end = start + timedelta(days=1)
        elif found[3]:
            end = date(year + month // 12, month % 12 + 1, 1)
        else:
            end = date(year + 1, 1, 1)
        return prefix, _midnight(start), _midnight(end)
    pieces = PREFIX.match(text)
    instant = parse_datetime(pieces[2].replace(" ", "+")) if pieces else None
    if pieces is None or instant is None:
        raise ValueError(text)
    aware = instant if timezone.is_aware(instant) else timezone.make_aware(instant)
    length = timedelta(microseconds=1) if "." in pieces[2] else timedelta(seconds=1)
    return pieces[1] or "eq", aware, aware + length


def period(text: str) -> Period:
    """From (included) and until (excluded) of `ge2026-05-03`. Raises ValueError, OverflowError."""
    prefix, start, end = _whole(text)
    ends: dict[str, Period] = {
        "eq": (start, end),
        "ge": (start, None),
        "gt": (end, None),
        "sa": (end, None),
        "le": (None, end),
        "lt": (None, start),
        "eb": (None, start),
    }
    return ends[prefix]


class DateField(serializers.CharField):
    """A FHIR date with its comparison."""

    def to_internal_value(self, data: Any) -> Any:
        """(from, until)."""
        try:
            return period(str(super().to_internal_value(data)))
        except (ValueError, OverflowError) as error:
            raise serializers.ValidationError(
                "Give ge2026-05-03, le2026-05, or an instant with its zone."
            ) from error


class PatientField(serializers.CharField):
    """`Patient/ID` or the id alone."""

    def to_internal_value(self, data: Any) -> Any:
        """The id."""
        found = as_uuid(str(data).removeprefix("Patient/"))
        if found is None:
            raise serializers.ValidationError("Give Patient/ID.")
        return found


class AuditEventQuery(serializers.Serializer[Any]):
    """FHIR's search parameters that Chartroom takes; all must hold."""

    patient = PatientField(
        required=False, help_text="`Patient/ID`: events about this patient, lists that showed them too."
    )
    agent = serializers.CharField(
        required=False, max_length=200, help_text="A user name, or `Practitioner/ID`."
    )
    action = serializers.ChoiceField(required=False, choices=["C", "R", "U", "D", "E"])
    outcome = serializers.ChoiceField(required=False, choices=["0", "4", "8", "12"])
    entity = serializers.CharField(
        required=False,
        max_length=200,
        help_text="`DocumentReference/ID`, `Patient/ID`, or `urn:chartroom:KIND|ID`.",
    )
    date = serializers.ListField(
        child=DateField(max_length=60),
        required=False,
        max_length=4,
        help_text="`ge2026-05-03` and `le2026-05-09`; may be given more than once, all count.",
    )
    cursor = serializers.CharField(required=False, max_length=30, help_text="From the links of a Bundle.")

    def get_fields(self) -> dict[str, Any]:
        """Those whose names are no names in Python."""
        return {
            **super().get_fields(),
            "agent-name": serializers.CharField(
                required=False, max_length=150, help_text="A whole user name."
            ),
            "_count": serializers.IntegerField(required=False, min_value=1, max_value=200, default=25),
            "_sort": serializers.ChoiceField(required=False, choices=["date", "-date"], default="-date"),
        }

    def validate_cursor(self, value: str) -> str:
        """Refuses a cursor that no page of ours has given out."""
        if not is_cursor(value):
            raise serializers.ValidationError("This cursor is none of ours.")
        return value


def asked_in(query: dict[str, Any], given: list[tuple[str, str]]) -> Asked:
    """The question in checked parameters; `given` are they as they came, for the event."""
    more, patient = Q(), query.get("patient")
    if "action" in query:
        more &= fhir.told_as(query["action"])
    if "outcome" in query:
        wanted = [ours for ours, code in fhir.OUTCOMES.items() if code == query["outcome"]]
        more &= Q(outcome__in=wanted)
    if "entity" in query:
        condition, about = _entity(query["entity"])
        more &= condition
        if about is not None:
            if patient not in (None, about):
                more &= Q(pk__in=[])
            patient = about
    actor, condition = _agent(query.get("agent", ""))
    more &= condition
    if "agent-name" in query:
        more &= Q(actor__iexact=query["agent-name"]) if actor else Q()
        actor = actor or query["agent-name"]
    since, until = _narrowest(query.get("date", []))
    order = Order("at", query["_sort"] == "-date")
    question = Question(patient=patient, actor=actor, since=since, until=until, order=order)
    return Asked(question, more, urlencode(given)[:500])


def _narrowest(periods: list[Period]) -> Period:
    starts = [start for start, _ in periods if start]
    ends = [end for _, end in periods if end]
    return max(starts, default=None), min(ends, default=None)


def _agent(text: str) -> tuple[str, Q]:
    name = text.rpartition("|")[2]
    key = as_uuid(name.removeprefix("Practitioner/"))
    return ("", Q(actor_id=key)) if key else (name, Q())


def _entity(text: str) -> tuple[Q, UUID | None]:
    """What the entity is: a thing's kind and id, or a patient."""
    head, _, key = text.rpartition("|" if "|" in text else "/")
    kind = KINDS.get(head, head.removeprefix(f"{fhir.OURS}:"))
    if kind == "patients.patient":
        about = as_uuid(key)
        return (Q(), about) if about else (Q(pk__in=[]), None)
    condition = Q(object_id=key)
    return (condition & Q(object_type=kind) if kind else condition), None
