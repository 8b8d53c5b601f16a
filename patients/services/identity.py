"""Register a person, and correct what is known of her."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import RuleBroken, Stale
from patients import access, mrn, names
from patients.models import (
    HOUSE,
    Address,
    Identifier,
    NameUse,
    Patient,
    PatientName,
    PatientStatus,
    Sex,
    Telecom,
)

OLDEST = date(1850, 1, 1)
NAME_FIELDS = ("family", "given", "middle", "suffix")


def check_dates(birth_date: date, deceased_on: date | None) -> None:
    """Raises RuleBroken for a birth in the future or before 1850, or a death before birth or in the future."""
    today = timezone.localdate()
    if birth_date > today:
        raise RuleBroken("birth_date", "The birth date lies in the future.", field="birth_date")
    if birth_date < OLDEST:
        raise RuleBroken("birth_date", "The birth date lies before 1850.", field="birth_date")
    if deceased_on and not birth_date <= deceased_on <= today:
        raise RuleBroken(
            "deceased_on", "The date of death must lie between birth and today.", field="deceased_on"
        )


def _next_mrn() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select nextval('patients_mrn_number')")
        return mrn.make(int(cursor.fetchone()[0]))


def _set_name(patient: Patient, name: Mapping[str, str]) -> None:
    for field in NAME_FIELDS:
        setattr(patient, field, names.tidy(name.get(field, "")))
    if not patient.family or not patient.given:
        missing = "family" if not patient.family else "given"
        raise RuleBroken("name", "A patient needs a family name and a given name.", field=missing)
    patient.family_key = names.key(patient.family)[:80]
    patient.given_key = names.key(f"{patient.given} {patient.middle}")[:170]


def _official_name(patient: Patient) -> PatientName:
    return PatientName(
        patient=patient,
        use=NameUse.OFFICIAL,
        family_key=patient.family_key,
        given_key=patient.given_key,
        **{field: getattr(patient, field) for field in NAME_FIELDS},
    )


def _add_identifiers(patient: Patient, identifiers: Iterable[Mapping[str, str]]) -> None:
    for item in identifiers:
        system, value = names.tidy(item["system"]), names.tidy(item["value"])
        if system == HOUSE:
            raise RuleBroken("identifier", "Chartroom gives its MRNs itself.", field="identifiers")
        if Identifier.objects.filter(system=system, value=value).exclude(patient=patient).exists():
            raise RuleBroken("identifier", f"Somebody else has this {system} number.", field="identifiers")
        if not Identifier.objects.filter(system=system, value=value).exists():
            Identifier.objects.create(patient=patient, system=system, value=value)


def _replace_contacts(
    patient: Patient,
    telecoms: Iterable[Mapping[str, str]] | None,
    addresses: Iterable[Mapping[str, str]] | None,
) -> None:
    """Make the lists what was given; an address no longer given ends today and stays as history."""
    if telecoms is not None:
        wanted = {(item["system"], names.tidy(item["value"])) for item in telecoms if item.get("value")}
        for old in patient.telecoms.all():
            if (old.system, old.value) in wanted:
                wanted.discard((old.system, old.value))
            else:
                old.delete()
        for system, value in sorted(wanted):
            Telecom.objects.create(patient=patient, system=system, value=value)
    if addresses is not None:
        fields = ("line", "city", "state", "postal_code", "country")
        wanted_addresses = {tuple(names.tidy(item.get(field, "")) for field in fields) for item in addresses}
        wanted_addresses.discard(("",) * len(fields))
        for current in patient.addresses.filter(until_on=None):
            shown = tuple(getattr(current, field) for field in fields)
            if shown in wanted_addresses:
                wanted_addresses.discard(shown)
            else:
                current.until_on = timezone.localdate()
                current.save()
        for values in sorted(wanted_addresses):
            today = timezone.localdate()
            Address.objects.create(patient=patient, from_on=today, **dict(zip(fields, values, strict=True)))


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
    identifiers: Iterable[Mapping[str, str]] = (),
    telecoms: Iterable[Mapping[str, str]] = (),
    addresses: Iterable[Mapping[str, str]] = (),
    aliases: Iterable[Mapping[str, str]] = (),
) -> Patient:
    """Add a person to the index and give her an MRN. Raises Denied, RuleBroken."""
    access.check_may_register(by)
    check_dates(birth_date, None)
    patient = Patient(birth_date=birth_date, sex=Sex(sex), status=PatientStatus.ACTIVE, mrn=_next_mrn())
    _set_name(patient, {"family": family, "given": given, "middle": middle, "suffix": suffix})
    patient.save(force_insert=True)
    Identifier.objects.create(patient=patient, system=HOUSE, value=patient.mrn)
    _official_name(patient).save(force_insert=True)
    for alias in aliases:
        add_alias(patient, family=alias.get("family", ""), given=alias.get("given", ""))
    _add_identifiers(patient, identifiers)
    _replace_contacts(patient, telecoms, addresses)
    record("patient.registered", by=by, patient=patient.pk, about=patient)
    return patient


def add_alias(patient: Patient, *, family: str, given: str, use: str = NameUse.ALIAS) -> None:
    """A further name; nothing happens for one that is there already or empty."""
    family, given = names.tidy(family), names.tidy(given)
    family_key, given_key = names.key(family)[:80], names.key(given)[:170]
    if not family or patient.names.filter(family_key=family_key, given_key=given_key).exists():
        return
    PatientName.objects.create(
        patient=patient, use=use, family=family, given=given, family_key=family_key, given_key=given_key
    )


@transaction.atomic
def update_patient(*, by: User, patient_id: Any, seen_version: int | None = None, **changes: Any) -> Patient:
    """Correct identity or contacts; a former official name stays as history.

    `changes` may hold any of family, given, middle, suffix, birth_date, sex, deceased_on, status, telecoms,
    addresses, identifiers, aliases. Raises NotFound, Denied, RuleBroken, and Stale when the row is no longer
    the version that was seen: what the other one wrote is not overwritten.
    """
    patient, decision = access.get_for(by, patient_id, lock=True)
    access.check_may_edit(by, patient)
    if seen_version is not None and patient.version != seen_version:
        raise Stale("Somebody else changed this patient while you were typing. Your entries are kept below.")
    named = {field: changes.get(field, getattr(patient, field)) for field in NAME_FIELDS}
    is_renamed = any(names.tidy(named[field]) != getattr(patient, field) for field in NAME_FIELDS)
    for field in ("birth_date", "sex", "deceased_on"):
        if field in changes:
            setattr(patient, field, changes[field])
    if changes.get("status") in {PatientStatus.ACTIVE, PatientStatus.INACTIVE}:
        patient.status = changes["status"]
    check_dates(patient.birth_date, patient.deceased_on)
    if is_renamed:
        _set_name(patient, named)
        for former in patient.names.filter(use=NameUse.OFFICIAL, until_on=None):
            former.use = NameUse.OLD
            former.until_on = timezone.localdate()
            former.save()
        _official_name(patient).save(force_insert=True)
    for alias in changes.get("aliases") or ():
        add_alias(patient, family=alias.get("family", ""), given=alias.get("given", ""))
    _add_identifiers(patient, changes.get("identifiers") or ())
    _replace_contacts(patient, changes.get("telecoms"), changes.get("addresses"))
    patient.version += 1
    patient.save()
    record("patient.updated", by=by, patient=patient.pk, about=patient, reason=str(decision))
    return patient
