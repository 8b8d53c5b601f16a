"""What a drawn document is about: the facts that all documents of one patient agree on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .words.clinical import Condition


@dataclass(frozen=True)
class PatientFacts:
    given: str
    family: str
    middle: str
    sex: str
    birth_date: date
    mrn: str
    street: str
    town: str
    phone: str
    insurer: str
    member_id: str
    employer: str

    @property
    def name(self) -> str:
        return " ".join(part for part in (self.given, self.middle, self.family) if part)

    @property
    def filed_name(self) -> str:
        return f"{self.family.upper()}, {self.given} {self.middle}".strip()

    def age_on(self, day: date) -> int:
        had_birthday = (day.month, day.day) >= (self.birth_date.month, self.birth_date.day)
        return day.year - self.birth_date.year - (0 if had_birthday else 1)


@dataclass(frozen=True)
class EncounterFacts:
    number: str
    kind: str
    location: str
    attending: str
    attending_name: str
    start: datetime
    end: datetime | None
    condition: Condition


@dataclass(frozen=True)
class DocumentPlan:
    """One document to draw: which writer, of which encounter, how it reached the hospital."""

    writer: str
    type_code: str
    title: str
    service_date: date
    encounter: int
    author: str
    medium: str  # pdf, scan-pdf or scan-tiff
    seed: str


@dataclass(frozen=True)
class Drawn:
    """A finished file with what it says, page by page, in reading order."""

    content: bytes
    media_type: str
    pages: tuple[str, ...]
    words: tuple[list[list[Any]], ...]  # of each page: [text, left, top, right, bottom] in ten-thousandths
    is_print: bool
