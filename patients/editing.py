"""Two people edit one identity: what each saw, typed and saved is compared field by field, and nothing is lost."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core import signing

from patients.models import HOUSE, SSN, SYSTEM_LABELS, NameUse, Patient, PatientStatus, Sex
from patients.services.parts import ADDRESS_FIELDS, NAME_FIELDS, OTHER_NAME_FIELDS

SALT = "patients.identity-as-seen"
PARTICULARS = (*NAME_FIELDS, "birth_date", "sex", "deceased_on", "status")
LISTS = {
    "names": OTHER_NAME_FIELDS,
    "identifiers": ("system", "value", "is_current"),
    "telecoms": ("system", "value"),
    "addresses": ADDRESS_FIELDS,
}
LABELS = {
    "family": "Family name",
    "given": "Given name",
    "middle": "Middle name",
    "suffix": "Suffix",
    "birth_date": "Birth date",
    "sex": "Sex",
    "deceased_on": "Date of death",
    "status": "Status",
    "names": "Other names",
    "identifiers": "Identifiers",
    "telecoms": "Telephone and e-mail",
    "addresses": "Addresses",
}
CHOICES = {**dict(Sex.choices), **dict(PatientStatus.choices)}
State = dict[str, Any]


@dataclass(frozen=True)
class Difference:
    """One field that somebody else changed meanwhile: as first seen, on record now, as typed here."""

    field: str
    seen: Any
    now: Any
    typed: Any

    @property
    def label(self) -> str:
        """The field in words."""
        return LABELS[self.field]

    @property
    def texts(self) -> tuple[str, str, str]:
        """As first seen, now and typed here, in words."""
        return (
            in_words(self.field, self.seen),
            in_words(self.field, self.now),
            in_words(self.field, self.typed),
        )

    @property
    def is_conflict(self) -> bool:
        """Both changed it, differently: the person at the desk decides."""
        return bool(self.typed != self.seen and self.typed != self.now)


def in_words(field: str, value: Any) -> str:
    """A value of the state as people read it; social security numbers by their last four digits."""
    if field in LISTS:
        rows = []
        for row in value:
            parts = [str(part) for part in row if part not in ("", True, False)]
            if parts and parts[0] == SSN:
                parts = [SYSTEM_LABELS[SSN], f"ends in {parts[1][-4:]}"]
            rows.append(" ".join(parts))
        return "; ".join(rows) or "none"
    return str(CHOICES.get(value, value)) or "nothing"


def _plain(value: Any) -> Any:
    """A value as JSON has it, so that what comes back from a form compares equal."""
    return value.isoformat() if isinstance(value, date) else (value if value is not None else "")


def state_of(patient: Patient) -> State:
    """Everything of the identity that the form edits. Four queries."""
    state: State = {field: _plain(getattr(patient, field)) for field in PARTICULARS}
    rows: dict[str, Any] = {
        "names": patient.names.exclude(use=NameUse.OFFICIAL),
        "identifiers": patient.identifiers.exclude(system=HOUSE),
        "telecoms": patient.telecoms.all(),
        "addresses": patient.addresses.filter(until_on=None),
    }
    for name, fields in LISTS.items():
        state[name] = as_rows([{f: getattr(row, f) for f in fields} for row in rows[name]], fields)
    return state


def as_rows(items: list[dict[str, Any]], fields: tuple[str, ...]) -> list[list[Any]]:
    """Rows of a list as plain values in a fixed order."""
    return sorted([_plain(item.get(field)) for field in fields] for item in items)


def as_items(rows: list[list[Any]], fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """The opposite of as_rows, for a form's initial values."""
    return [dict(zip(fields, row, strict=True)) for row in rows]


def sealed(state: State) -> str:
    """The state as a hidden field carries it: it cannot be changed on the way."""
    return signing.dumps(state, salt=SALT, compress=True)


def opened(text: str) -> State | None:
    """The opposite of sealed; None for what we did not seal."""
    try:
        state: State = signing.loads(text, salt=SALT)
    except signing.BadSignature:
        return None
    return state


def three_way(seen: State, now: State, typed: State) -> tuple[State, list[Difference]]:
    """What the form should show next, and what somebody else changed meanwhile.

    A field left as it was seen takes the value on record now; a field typed here keeps what was typed.
    """
    merged = {field: now[field] if typed[field] == seen[field] else typed[field] for field in typed}
    changed = [
        Difference(field, seen[field], now[field], typed[field])
        for field in LABELS
        if field in typed and now[field] != seen[field]
    ]
    return merged, changed
