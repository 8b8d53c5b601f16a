"""Reads of the person index, over what `access` has restricted."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.models import Q, QuerySet

from patients import mrn, names
from patients.models import Identifier, Patient, PatientName

LIMIT = 50
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%m-%d-%Y", "%Y%m%d", "%m%d%Y")


@dataclass
class Found:
    """One hit of a search: the patient, how good (0 to 1) and what matched."""

    patient: Patient
    score: float
    matched_on: list[str] = field(default_factory=list)


def as_date(text: str) -> date | None:
    """A birth date as people type it, or None."""
    for form in _DATE_FORMATS:
        try:
            return datetime.strptime(text.strip(), form).date()  # noqa: DTZ007  (a day has no zone)
        except ValueError:
            continue
    return None


def _split(text: str) -> tuple[list[date], list[str], list[str]]:
    """What was typed in the one box: dates, numbers, name words."""
    days: list[date] = []
    numbers: list[str] = []
    words: list[str] = []
    for part in re.split(r"[,;\s]+", text.strip()):
        day = as_date(part)
        digits = mrn.normal(part)
        if day:
            days.append(day)
        elif digits.isdigit() and len(digits) >= 3:
            numbers.append(digits)
        elif part:
            words.extend(names.key(part).split())
    return days, numbers, words


def _name_filter(words: list[str]) -> Q:
    """Patients whose names start with these words in either order, aliases too."""
    first, rest = words[0], " ".join(words[1:])
    orders = [("family_key", "given_key", first, rest)]
    orders.append(("given_key", "family_key", first, rest))
    if len(words) > 1:
        last, start = words[-1], " ".join(words[:-1])
        orders.append(("family_key", "given_key", last, start))
        orders.append(("given_key", "family_key", last, start))
    condition = Q()
    for left, right, one, other in orders:
        part = Q(**{f"{left}__startswith": one})
        if other:
            part &= Q(**{f"{right}__startswith": other})
        condition |= part
    return condition


def _by_number(visible: QuerySet[Patient], numbers: Iterable[str]) -> dict[Patient, str]:
    hits: dict[Patient, str] = {}
    for digits in numbers:
        for patient in visible.filter(mrn__startswith=digits).order_by("mrn")[:LIMIT]:
            hits.setdefault(patient, "MRN")
        owners = Identifier.objects.filter(value__startswith=digits).values("patient")[:LIMIT]
        for patient in visible.filter(pk__in=owners):
            hits.setdefault(patient, "identifier")
    return hits


def search(
    visible: QuerySet[Patient],
    *,
    text: str = "",
    birth_date: date | None = None,
    identifier: str = "",
    limit: int = LIMIT,
) -> list[Found]:
    """Patients matching all of what was typed: MRN or another number, name words in any order, birth date."""
    days, numbers, words = _split(text)
    if birth_date:
        days.append(birth_date)
    if identifier:
        owners = Identifier.objects.filter(value=identifier.strip()).values("patient")
        house = Q(mrn=mrn.normal(identifier))
        visible = visible.filter(Q(pk__in=owners) | house)
        if not (days or numbers or words):
            return [Found(patient, 1.0, ["identifier"]) for patient in visible[:limit]]
    if not (days or numbers or words):
        return []
    for day in days:
        visible = visible.filter(birth_date=day)
    if numbers:
        found = _by_number(visible, numbers)
        return [
            Found(patient, 1.0 if patient.mrn in numbers else 0.9, [why]) for patient, why in found.items()
        ][:limit]
    if not words:
        rows = visible.order_by("family_key", "given_key", "pk")[:limit]
        return [Found(patient, 0.8, ["birth date"]) for patient in rows]
    matching = _name_filter(words)
    rows = visible.filter(matching).order_by("family_key", "given_key", "pk")[:limit]
    hits = [Found(patient, 0.9, ["name", *(["birth date"] if days else [])]) for patient in rows]
    if len(hits) < limit:
        seen = {hit.patient.pk for hit in hits}
        aliases = PatientName.objects.filter(matching).values("patient")[:limit]
        for patient in (
            visible.filter(pk__in=aliases).exclude(pk__in=seen).order_by("family_key", "pk")[:limit]
        ):
            hits.append(Found(patient, 0.7, ["other name"]))
    return hits[:limit]
