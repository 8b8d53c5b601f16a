"""Was it proven who asks? 45 CFR 164.514(h)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from records.release.rules import Broken

METHODS = {
    "photo_id": "Photo identification seen",
    "known": "Known to the staff in person",
    "signature": "Signature compared with the one on file",
    "portal": "Signed in to the patient portal",
    "questions": "Questions from the record answered",
}


def defects(seen: Mapping[str, Any], *, on: date) -> list[Broken]:
    """VER-01: the method and the day; no number of the document is kept."""
    broken = []
    if not str(seen.get("method") or "").strip():
        broken.append(Broken("VER-01", "Say how the identity was checked, 45 CFR 164.514(h)(1)."))
    if not seen.get("seen_on"):
        broken.append(Broken("VER-01", "Say on which day the identity was checked."))
    elif seen["seen_on"] > on:
        broken.append(Broken("VER-01", "The identity cannot have been checked on a day that is yet to come."))
    return broken
