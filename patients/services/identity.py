"""Register a person, and correct what is known of her."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import RuleBroken, Stale, WrongMove
from patients import access, mrn
from patients.models import HOUSE, SSN, Identifier, NameUse, Patient, PatientStatus, Sex
from patients.services import duplicates, parts

OLDEST = date(1850, 1, 1)


def check_dates(birth_date: date | None, deceased_on: date | None) -> None:
    """Raises RuleBroken for a birth in the future or before 1850, or a death before birth or in the future."""
    today = timezone.localdate()
    if birth_date and birth_date > today:
        raise RuleBroken("birth_date", "The birth date lies in the future.", field="birth_date")
    if birth_date and birth_date < OLDEST:
        raise RuleBroken("birth_date", "The birth date lies before 1850.", field="birth_date")
    if deceased_on and not (birth_date or OLDEST) <= deceased_on <= today:
        raise RuleBroken(
            "deceased_on", "The date of death must lie between birth and today.", field="deceased_on"
        )


def next_mrns(count: int) -> list[str]:
    """Fresh MRNs, each given once for ever. A rolled-back registration leaves a gap, never a double."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval('patients_mrn_number') from generate_series(1, %s)", [count])
        return [mrn.make(int(number)) for (number,) in cursor.fetchall()]


def new_patient(fields: Mapping[str, Any], *, number: str) -> Patient:
    """A person to be registered, checked, not yet saved. Raises RuleBroken."""
    check_dates(fields.get("birth_date"), None)
    patient = Patient(
        birth_date=fields.get("birth_date"),
        sex=Sex(fields.get("sex") or Sex.UNKNOWN),
        status=PatientStatus.ACTIVE,
        mrn=number,
    )
    parts.set_name(patient, fields)
    return patient


@transaction.atomic
def register_patient(
    *,
    by: User,
    family: str,
    given: str,
    birth_date: date,
    sex: str,
    middle: str = "",
    suffix: str = "",
    identifiers: Iterable[Mapping[str, Any]] = (),
    telecoms: Iterable[Mapping[str, Any]] = (),
    addresses: Iterable[Mapping[str, Any]] = (),
    aliases: Iterable[Mapping[str, Any]] = (),
    override_duplicates: str = "",
) -> Patient:
    """Add a person to the index and give her an MRN.

    Raises Denied, RuleBroken, and PossibleDuplicates when somebody with the same name, birth date and sex, or the
    same social security number, is there already and `override_duplicates` does not say why this is another one.
    """
    access.check_may_register(by)
    fields = {"family": family, "given": given, "middle": middle, "suffix": suffix}
    patient = new_patient({**fields, "birth_date": birth_date, "sex": sex}, number="")
    if not patient.given:
        raise RuleBroken("name", "A patient needs a given name.", field="given")
    numbers = [parts.identifier_of(item) for item in identifiers]
    duplicates.wait_for_twins(patient)
    twins = duplicates.twins_of(patient, [value for system, value in numbers if system == SSN])
    why = override_duplicates.strip()[:300]
    if twins and not why:
        raise duplicates.PossibleDuplicates(twins)
    patient.mrn = next_mrns(1)[0]
    patient.save(force_insert=True)
    Identifier.objects.create(patient=patient, system=HOUSE, value=patient.mrn)
    parts.official_name(patient).save(force_insert=True)
    for alias in aliases:
        parts.add_alias(patient, alias)
    parts.add_identifiers(patient, [{"system": system, "value": value} for system, value in numbers])
    parts.replace_telecoms(patient, telecoms)
    parts.replace_addresses(patient, addresses)
    detail = {"not_the_same_as": [str(twin.patient.pk) for twin in twins], "why": why} if twins else None
    record(
        "patient.registered",
        by=by,
        patient=patient.pk,
        about=patient,
        reason="registered by this role",
        detail=detail,
    )
    return patient


def _rename(patient: Patient, changes: Mapping[str, Any]) -> None:
    """Take a new official name if one was given; the former one stays with the day it ended."""
    before = tuple(getattr(patient, field) for field in parts.NAME_FIELDS)
    named = {field: changes.get(field, getattr(patient, field)) for field in parts.NAME_FIELDS}
    parts.set_name(patient, named)
    if tuple(getattr(patient, field) for field in parts.NAME_FIELDS) == before:
        return
    for former in patient.names.filter(use=NameUse.OFFICIAL, until_on=None):
        former.use = NameUse.OLD
        former.until_on = timezone.localdate()
        former.save()
    parts.official_name(patient).save(force_insert=True)


def _set_particulars(patient: Patient, changes: Mapping[str, Any]) -> None:
    if "birth_date" in changes:
        if changes["birth_date"] is None and patient.birth_date is not None:
            raise RuleBroken(
                "birth_date", "A birth date that is known is corrected, not removed.", "birth_date"
            )
        patient.birth_date = changes["birth_date"]
    if "sex" in changes:
        patient.sex = Sex(changes["sex"])
    if "deceased_on" in changes:
        patient.deceased_on = changes["deceased_on"]
    if "status" in changes:
        if changes["status"] not in {PatientStatus.ACTIVE, PatientStatus.INACTIVE}:
            raise RuleBroken("status", "An entry becomes merged by a merge, not by an edit.", "status")
        patient.status = PatientStatus(changes["status"])
    check_dates(patient.birth_date, patient.deceased_on)


@transaction.atomic
def update_patient(*, by: User, patient_id: Any, seen_version: int | None = None, **changes: Any) -> Patient:
    """Correct identity or contacts; a former official name stays as history.

    `changes` may hold any of family, given, middle, suffix, birth_date, sex, deceased_on, status, names (all those
    beside the official one), aliases (further ones), identifiers (further ones, or `is_current` of one that is
    there), telecoms, addresses (all of them). Raises NotFound, Denied, RuleBroken, WrongMove for a merged entry,
    and Stale when the row is no longer the version that was seen: what the other one wrote is not overwritten.
    """
    patient, decision = access.get_for(by, patient_id, lock=True)
    access.check_may_edit(by, patient)
    if patient.status == PatientStatus.MERGED:
        raise WrongMove("This entry was merged into another one. Change that one.", code="merged")
    if seen_version is not None and patient.version != seen_version:
        raise Stale("Somebody else changed this patient while you were typing. Your entries are kept below.")
    _set_particulars(patient, changes)
    if changes.get("names") is not None:  # before the renaming, whose former name is none of these
        parts.replace_other_names(patient, changes["names"])
    _rename(patient, changes)
    for alias in changes.get("aliases") or ():
        parts.add_alias(patient, alias)
    parts.add_identifiers(patient, changes.get("identifiers") or ())
    if changes.get("telecoms") is not None:
        parts.replace_telecoms(patient, changes["telecoms"])
    if changes.get("addresses") is not None:
        parts.replace_addresses(patient, changes["addresses"])
    patient.version += 1
    patient.save()
    record(
        "patient.updated",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={"version": patient.version},
    )
    return patient
