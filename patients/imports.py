"""People as a file of another system lists them: one row taken apart into what the index keeps."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from django.utils import timezone

from patients import dates, names
from patients.models import EXTERNAL, FORMER_MRN, SSN, Sex, TelecomSystem
from patients.services.parts import SSN_FILLERS

COLUMNS = (
    "external_id family given middle suffix birth_date sex ssn mrn phone email address city state postal_code"
).split()
SEXES = {
    **{value: value for value in Sex.values},
    "f": Sex.FEMALE,
    "m": Sex.MALE,
    "o": Sex.OTHER,
    "x": Sex.OTHER,
    "u": Sex.UNKNOWN,
    "": Sex.UNKNOWN,
}
LONGEST_FIELD = 1_000_000


class BadList(Exception):
    """The file cannot be read as a list of people; the message says why."""


@dataclass
class Row:
    """One person of the file, or why she cannot be one. Notes say what was left out."""

    line: int
    external_id: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    identifiers: list[tuple[str, str]] = field(default_factory=list)
    telecoms: list[tuple[str, str]] = field(default_factory=list)
    address: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    refused: str = ""


def encoding_of(path: Path) -> str:
    """`utf-8-sig` (with or without its mark) when the whole file is UTF-8, else `cp1252`."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            while file.read(1_000_000):
                pass
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _day(text: str, row: Row) -> date | None:
    """A birth date; what is none, or nobody's who lives, is left out with a note."""
    if not text:
        return None
    found = dates.readings(text) or dates.run_together(text)
    if len(found) != 1 or not date(dates.OLDEST_YEAR, 1, 1) <= found[0] <= timezone.localdate():
        row.notes.append("the birth date is no date anybody living can have; left unknown")
        return None
    return found[0]


def _cut(text: str, longest: int, what: str, row: Row) -> str:
    if len(text) > longest:
        row.notes.append(f"{what} is longer than {longest} characters; cut")
    return text[:longest]


def taken_apart(line: int, cells: dict[str, str]) -> Row:
    """One row of the file. Any cell may be missing or empty, but somebody needs a name."""
    row = Row(line)
    cell = {name: names.tidy(cells.get(name) or "") for name in COLUMNS}
    row.external_id = cell["external_id"]
    family, given = cell["family"], cell["given"]
    if not names.key(family):
        family, given = given, ""
    if not names.key(family):
        row.refused = "there is no name"
        return row
    if len(row.external_id) > 60:
        row.refused = "the external_id is longer than 60 characters"
        return row
    row.fields = {
        "family": _cut(family, 80, "the family name", row),
        "given": _cut(given, 80, "the given name", row),
        "middle": _cut(cell["middle"], 80, "the middle name", row),
        "suffix": _cut(cell["suffix"], 20, "the suffix", row),
        "birth_date": _day(cell["birth_date"], row),
        "sex": SEXES.get(cell["sex"].lower(), Sex.UNKNOWN),
    }
    if cell["sex"].lower() not in SEXES:
        row.notes.append("the sex is none of female, male, other, unknown; kept as unknown")
    if row.external_id:
        row.identifiers.append((EXTERNAL, row.external_id))
    if cell["mrn"]:
        row.identifiers.append((FORMER_MRN, _cut(cell["mrn"], 60, "the mrn", row)))
    ssn = "".join(character for character in cell["ssn"] if character.isascii() and character.isdigit())
    if ssn and (ssn in SSN_FILLERS or len(set(ssn)) == 1):
        row.notes.append("the social security number is one that forms are filled with; left out")
    elif ssn:
        row.identifiers.append((SSN, ssn[:60]))
    for column, system in (("phone", TelecomSystem.PHONE), ("email", TelecomSystem.EMAIL)):
        if cell[column]:
            row.telecoms.append((system, _cut(cell[column], 120, f"the {column}", row)))
    row.address = {
        "line": _cut(cell["address"], 160, "the address", row),
        "city": _cut(cell["city"], 80, "the city", row),
        "state": _cut(cell["state"], 40, "the state", row),
        "postal_code": _cut(cell["postal_code"], 20, "the postal code", row),
    }
    return row


def rows_of(path: Path, encoding: str) -> Iterator[Row]:
    """The rows of the file in order. Raises BadList when there is no header that names a column of ours."""
    csv.field_size_limit(LONGEST_FIELD)
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        head = file.readline()
        separator = max(",;\t|", key=head.count) if head else ","
        columns = [name.strip().lower() for name in next(csv.reader([head], delimiter=separator), [])]
        if not set(columns) & {"family", "given"}:
            raise BadList(
                "The first line names no column family or given. Columns: " + ", ".join(COLUMNS) + "."
            )
        reader = csv.reader(file, delimiter=separator)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as fault:
                yield Row(reader.line_num + 1, refused=f"the line cannot be read ({fault})")
                continue
            if any(cell.strip() for cell in cells):
                yield taken_apart(reader.line_num + 1, dict(zip(columns, cells, strict=False)))
