"""What belongs to an identity beside its own columns: names, identifiers, telecoms, addresses."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from common.errors import RuleBroken
from patients import names
from patients.models import HOUSE, SSN, Address, Identifier, NameUse, Patient, PatientName, Telecom

NAME_LENGTHS = {"family": 80, "given": 80, "middle": 80, "suffix": 20}
NAME_FIELDS = tuple(NAME_LENGTHS)
ADDRESS_LENGTHS = {"line": 160, "city": 80, "state": 40, "postal_code": 20, "country": 60}
ADDRESS_FIELDS = tuple(ADDRESS_LENGTHS)
OTHER_NAME_FIELDS = ("use", *NAME_FIELDS, "from_on", "until_on")
SSN_SPELLINGS = {"ssn", "ss", "us:ssn", "us-ssn", "http://hl7.org/fhir/sid/us-ssn"}
# Numbers that forms are filled with when nobody knows: they belong to no one.
SSN_FILLERS = {"123456789", "987654321", "078051120"}


def fitted(value: Any, longest: int, field: str) -> str:
    """Tidied text that its column holds. Raises RuleBroken for one that is longer."""
    text = names.tidy(str(value or ""))
    if len(text) > longest:
        raise RuleBroken("too_long", f"At most {longest} characters.", field=field)
    return text


def set_name(patient: Patient, name: Mapping[str, Any]) -> None:
    """Give the patient this official name, tidied, with its keys. Raises RuleBroken without a family name."""
    for field, longest in NAME_LENGTHS.items():
        setattr(patient, field, fitted(name.get(field), longest, field))
    if not names.key(patient.family):
        raise RuleBroken("name", "A patient needs a family name.", field="family")
    patient.family_key = names.key(patient.family)[:80]
    patient.given_key = names.key(f"{patient.given} {patient.middle}")[:170]


def official_name(patient: Patient) -> PatientName:
    """The row that keeps the patient's present official name, unsaved."""
    return PatientName(
        patient=patient,
        use=NameUse.OFFICIAL,
        family_key=patient.family_key,
        given_key=patient.given_key,
        **{field: getattr(patient, field) for field in NAME_FIELDS},
    )


def other_name(patient: Patient, item: Mapping[str, Any]) -> PatientName:
    """A name beside the official one, unsaved. Raises RuleBroken."""
    values = {field: fitted(item.get(field), longest, "names") for field, longest in NAME_LENGTHS.items()}
    use = NameUse(item.get("use") or NameUse.ALIAS)
    from_on, until_on = item.get("from_on"), item.get("until_on")
    if not names.key(values["family"]):
        raise RuleBroken("name", "Another name needs a family name too.", field="names")
    if use == NameUse.OFFICIAL:
        raise RuleBroken("name", "A patient has one official name. Choose another kind.", field="names")
    if from_on and until_on and until_on < from_on:
        raise RuleBroken("name", "A name cannot end before it begins.", field="names")
    return PatientName(
        patient=patient,
        use=use,
        from_on=from_on,
        until_on=until_on,
        family_key=names.key(values["family"])[:80],
        given_key=names.key(f"{values['given']} {values['middle']}")[:170],
        **values,
    )


def add_alias(patient: Patient, item: Mapping[str, Any]) -> None:
    """A further name; nothing happens for one that is there already or empty."""
    if not names.key(str(item.get("family") or "")):
        return
    name = other_name(patient, item)
    if not patient.names.filter(family_key=name.family_key, given_key=name.given_key).exists():
        name.save(force_insert=True)


def replace_other_names(patient: Patient, items: Iterable[Mapping[str, Any]]) -> None:
    """Make the names beside the official one what was given; what is gone stays in the log."""

    def facts(name: PatientName) -> tuple[Any, ...]:
        return tuple(getattr(name, field) for field in OTHER_NAME_FIELDS)

    wanted = {facts(name): name for name in (other_name(patient, item) for item in items)}
    for old in patient.names.exclude(use=NameUse.OFFICIAL):
        if facts(old) in wanted:
            del wanted[facts(old)]
        else:
            old.delete()
    for name in wanted.values():
        name.save(force_insert=True)


def identifier_of(item: Mapping[str, Any]) -> tuple[str, str]:
    """(system, value) as it is kept. Raises RuleBroken for our own MRN, and for what is no number at all."""
    system = fitted(item.get("system"), 120, "identifiers")
    value = fitted(item.get("value"), 60, "identifiers")
    if not system or not value:
        raise RuleBroken(
            "identifier", "An identifier needs its authority and its value.", field="identifiers"
        )
    if system == HOUSE:
        raise RuleBroken("identifier", "Chartroom gives its MRNs itself.", field="identifiers")
    if system.lower() in SSN_SPELLINGS:
        digits = "".join(character for character in value if character.isdecimal() and character.isascii())
        if not is_ssn(digits):
            raise RuleBroken(
                "identifier", "This is no social security number anybody was given.", field="identifiers"
            )
        return SSN, digits
    return system, value


def is_ssn(digits: str) -> bool:
    """Whether nine digits can be somebody's social security number (SSA: no 000, 666, 9xx; no zero group)."""
    if len(digits) != 9 or digits in SSN_FILLERS or len(set(digits)) == 1:
        return False
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    return area not in {"000", "666"} and area[0] != "9" and group != "00" and serial != "0000"


def add_identifiers(patient: Patient, items: Iterable[Mapping[str, Any]]) -> None:
    """Add what is new; `is_current` False retires a number, which then still finds the person.

    Raises RuleBroken for a number that its authority gave to somebody else. A social security number may stand
    in two entries: that is how duplicates are found.
    """
    for item in items:
        system, value = identifier_of(item)
        rows = Identifier.objects.filter(system=system, value=value)
        mine = rows.filter(patient=patient).first()
        is_current = bool(item.get("is_current", True))
        if mine is not None:
            if mine.is_current != is_current:
                mine.is_current = is_current
                mine.save()
            continue
        try:
            with transaction.atomic():
                Identifier.objects.create(patient=patient, system=system, value=value, is_current=is_current)
        except IntegrityError:
            raise RuleBroken(
                "identifier", f"Somebody else has this number of {system}.", field="identifiers"
            ) from None


def replace_telecoms(patient: Patient, items: Iterable[Mapping[str, Any]]) -> None:
    """Make the telephone numbers and e-mail addresses what was given."""
    wanted = {(item["system"], fitted(item.get("value"), 120, "telecoms")) for item in items}
    wanted = {(system, value) for system, value in wanted if value}
    for old in patient.telecoms.all():
        if (old.system, old.value) in wanted:
            wanted.discard((old.system, old.value))
        else:
            old.delete()
    for system, value in sorted(wanted):
        Telecom.objects.create(patient=patient, system=system, value=value)


def address_of(item: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields of an address in the order of ADDRESS_FIELDS."""
    return tuple(fitted(item.get(field), longest, "addresses") for field, longest in ADDRESS_LENGTHS.items())


def replace_addresses(
    patient: Patient, items: Iterable[Mapping[str, Any]], *, today: date | None = None
) -> None:
    """Make the present addresses what was given; one no longer given ends today and stays as history."""
    today = today or timezone.localdate()
    wanted = {address_of(item) for item in items}
    wanted.discard(("",) * len(ADDRESS_FIELDS))
    for current in patient.addresses.filter(until_on=None):
        shown = tuple(getattr(current, field) for field in ADDRESS_FIELDS)
        if shown in wanted:
            wanted.discard(shown)
        else:
            current.until_on = today
            current.save()
    for values in sorted(wanted):
        fields = dict(zip(ADDRESS_FIELDS, values, strict=True))
        Address.objects.create(patient=patient, from_on=today, **fields)
