"""Is this authorization valid? 45 CFR 164.508(c)(1) elements, (c)(2) statements, (b)(2) defects."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from records.release.rules import Broken

SIGNERS = {"patient", "representative"}
# (rule, field, citation, what the form lacks)
_ELEMENTS = (
    ("AUTH-1", "description", "(c)(1)(i)", "what information may be released"),
    ("AUTH-2", "discloser", "(c)(1)(ii)", "who may release it"),
    ("AUTH-3", "recipient", "(c)(1)(iii)", "to whom it may be released"),
    ("AUTH-4", "purpose", "(c)(1)(iv)", "the purpose"),
)
_STATEMENTS = (
    ("AUTH-7", "right_to_revoke", "(c)(2)(i)", "the statement that it may be revoked in writing"),
    ("AUTH-8", "no_conditioning", "(c)(2)(ii)", "the statement that treatment does not depend on signing"),
    ("AUTH-9", "redisclosure", "(c)(2)(iii)", "the statement that the recipient may disclose it further"),
)


def _lacks(rule: str, citation: str, what: str) -> Broken:
    return Broken(rule, f"The form lacks {what}, 45 CFR 164.508{citation}.")


def missing_elements(form: Mapping[str, Any]) -> list[Broken]:
    """What a valid form must say and this one does not (AUTH-1 to AUTH-9)."""
    missing = [
        _lacks(rule, citation, what)
        for rule, field, citation, what in _ELEMENTS
        if not str(form.get(field) or "").strip()
    ]
    if not form.get("expires_on") and not str(form.get("expires_event") or "").strip():
        missing.append(_lacks("AUTH-5", "(c)(1)(v)", "the day or event on which it ends"))
    if form.get("signed_by") not in SIGNERS or not form.get("signed_on"):
        missing.append(_lacks("AUTH-6", "(c)(1)(vi)", "the signature and its date"))
    elif form["signed_by"] == "representative" and not str(form.get("authority") or "").strip():
        missing.append(_lacks("AUTH-6", "(c)(1)(vi)", "the representative's authority to sign"))
    missing += [
        _lacks(rule, citation, what) for rule, field, citation, what in _STATEMENTS if not form.get(field)
    ]
    return missing


def defects(form: Mapping[str, Any], *, received_on: date, on: date) -> list[Broken]:
    """Everything that makes the form invalid on the day `on`; nothing when it is valid.

    A form with elements missing breaks AUTH-D2 and each of those elements' rules.
    """
    missing = missing_elements(form)
    broken = []
    if missing:
        text = "The form is not filled out completely: send it back with the list below, 45 CFR 164.508(b)(2)(ii)."
        broken += [Broken("AUTH-D2", text), *missing]
    expires_on, signed_on = form.get("expires_on"), form.get("signed_on")
    if expires_on and expires_on < on:
        ended = f"It ended on {expires_on:%d %b %Y}, 45 CFR 164.508(b)(2)(i). Ask for a new one."
        broken.append(Broken("AUTH-D1", ended))
    if signed_on and signed_on > min(received_on, on):
        late = "The signature is dated after the day the request came in. Ask which date is right."
        broken.append(Broken("AUTH-6", late))
    if signed_on and expires_on and expires_on < signed_on:
        broken.append(Broken("AUTH-5", "It ends before it was signed. Ask which date is right."))
    if form.get("psychotherapy"):
        both = (
            "An authorization for psychotherapy notes stands alone: it cannot also release other records, "
            "45 CFR 164.508(b)(3)(ii)."
        )
        broken.append(Broken("AUTH-D4", both))
    return broken


def is_for_somebody_else(form: Mapping[str, Any], names: list[str]) -> bool:
    """Whether the recipient on the form shares no word with any of the requester's names."""

    def words(text: str) -> set[str]:
        plain = "".join(letter if letter.isalnum() else " " for letter in text.casefold())
        return {word for word in plain.split() if len(word) > 2 and word not in _COMMON}

    return not words(str(form.get("recipient", ""))) & set().union(*(words(name) for name in names))


_COMMON = {
    "the",
    "and",
    "inc",
    "llc",
    "llp",
    "for",
    "law",
    "office",
    "offices",
    "group",
    "company",
    "any",
    "all",
}
