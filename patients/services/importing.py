"""Register the people of a former system, many at a time; each of them with an event of her own."""

from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, models, transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import RuleBroken
from patients import access
from patients.imports import Row
from patients.models import EXTERNAL, FORMER_MRN, HOUSE, Address, Identifier, Patient, Telecom
from patients.services import duplicates, parts
from patients.services.identity import new_patient, next_mrns

UNTOLD = {"id", "patient", "created_at", "updated_at", "version", "family_key", "given_key"}


@dataclass
class Report:
    """What became of the rows: (line, words) for each that was refused, skipped or has a note."""

    imported: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)


def _as_difference(row: models.Model) -> dict[str, Any]:
    """What django-auditlog would have said of this new row; bulk inserts send no signals."""
    fields = [f for f in row._meta.concrete_fields if f.name not in UNTOLD and not f.generated]
    told = {f.name: ["None", str(f.value_from_object(row))] for f in fields if f.value_from_object(row)}
    return {"model": row._meta.label_lower, "id": str(row.pk), "operation": "create", "fields": told}


def _sort_out(rows: list[Row], report: Report) -> list[Row]:
    """The rows to be registered. One that is here already is skipped, so that a file can be read twice."""
    external = [row.external_id for row in rows if row.external_id]
    here = set(Identifier.objects.filter(system=EXTERNAL, value__in=external).values_list("value", flat=True))
    former = [value for row in rows for system, value in row.identifiers if system == FORMER_MRN]
    taken = set(
        Identifier.objects.filter(system=FORMER_MRN, value__in=former).values_list("value", flat=True)
    )
    wanted: list[Row] = []
    for row in rows:
        mine = [value for system, value in row.identifiers if system == FORMER_MRN]
        if row.refused:
            report.refused.append((row.line, row.refused))
        elif row.external_id and row.external_id in here:
            report.skipped.append((row.line, "its external_id is in the index already"))
        elif taken & set(mine):
            report.refused.append((row.line, "its mrn belongs to somebody in the index"))
        else:
            here.add(row.external_id)
            taken.update(mine)
            wanted.append(row)
    return wanted


def _register(by: User, rows: list[Row], report: Report) -> None:
    """One transaction: all of these rows or, when the database refuses one, none."""
    people: list[tuple[Row, Patient]] = []
    lot = Report()
    seen: set[tuple[Any, ...]] = set()
    for row, number in zip(rows, next_mrns(len(rows)), strict=True):
        try:
            patient = new_patient(row.fields, number=number)
        except RuleBroken as refused:
            lot.refused.append((row.line, refused.message))
            continue
        looks = (patient.family_key, patient.given_key, patient.birth_date, patient.sex)
        if not row.external_id and (looks in seen or duplicates.twins_of(patient)):
            lot.skipped.append((row.line, "somebody with this name, birth date and sex is in the index"))
            continue
        seen.add(looks)
        people.append((row, patient))
        lot.notes += [(row.line, note) for note in row.notes]
    official, identifiers, telecoms, addresses = [], [], [], []
    today = timezone.localdate()
    for row, patient in people:
        official.append(parts.official_name(patient))
        numbers = [(HOUSE, patient.mrn), *row.identifiers]
        identifiers += [Identifier(patient=patient, system=system, value=value) for system, value in numbers]
        telecoms += [Telecom(patient=patient, system=system, value=value) for system, value in row.telecoms]
        if any(row.address.values()):
            addresses.append(Address(patient=patient, from_on=today, **row.address))
    with transaction.atomic():
        Patient.objects.bulk_create([patient for _, patient in people])
        changes: dict[Any, list[dict[str, Any]]] = {
            patient.pk: [_as_difference(patient)] for _, patient in people
        }
        for made in (official, identifiers, telecoms, addresses):
            batch: list[Any] = list(made)
            if batch:
                type(batch[0]).objects.bulk_create(batch)
            for item in batch:
                changes[item.patient_id].append(_as_difference(item))
        for row, patient in people:
            detail = {"import_line": row.line, "changes": changes[patient.pk]}
            record(
                "patient.registered", by=by, patient=patient.pk, about=patient, reason="import", detail=detail
            )
    report.imported += len(people)
    report.refused += lot.refused
    report.skipped += lot.skipped
    report.notes += lot.notes


def import_people(*, by: User, rows: list[Row], report: Report) -> None:
    """Register these rows and add to the report. Raises Denied.

    When the database refuses the lot (somebody registered the same number meanwhile), each row is tried alone.
    """
    access.check_may_register(by)
    wanted = _sort_out(rows, report)
    try:
        with transaction.atomic():
            _register(by, wanted, report)
    except DatabaseError:
        for row in wanted:
            try:
                with transaction.atomic():
                    _register(by, [row], report)
            except DatabaseError as fault:
                report.refused.append((row.line, f"the database refused it ({type(fault).__name__})"))
