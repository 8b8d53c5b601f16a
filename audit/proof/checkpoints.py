"""Checkpoints leave the machine: only they show that the newest epochs were cut off, or the whole chain replaced."""

import hashlib
import re
from datetime import UTC
from typing import Any

from audit.proof import epochs, keys, stamps
from audit.proof.epochs import Epoch


def checkpoint(epoch: Epoch) -> dict[str, Any]:
    """What is worth keeping elsewhere about an epoch; a few hundred bytes, no patient data."""
    return {
        "n": epoch.n,
        "signature": epoch.signature.hex(),
        "root": epoch.root.hex(),
        "total": epoch.total,
        "sealed_at": epoch.sealed_at.isoformat(),
        "key_id": epoch.key_id,
        "public_key": keys.public_text(epoch.key_id),
        "fingerprint": fingerprint(epoch),
    }


def newest(count: int = 50) -> list[dict[str, Any]]:
    """The checkpoints of the last epochs, newest first, each with its time-stamp if an authority gave one."""
    last = epochs.last()
    if last is None:
        return []
    found = list(epochs.every(max(1, last.n - count + 1)))[::-1]
    stamped = stamps.of(epoch.n for epoch in found)
    return [
        {**checkpoint(epoch), "stamp": stamped[epoch.n].as_dict() if epoch.n in stamped else None}
        for epoch in found
    ]


def fingerprint(epoch: Epoch) -> str:
    """The epoch's signature as eight groups of four letters: short enough to print, long enough to trust (128 bits)."""
    text = hashlib.sha256(epoch.signature).hexdigest()[:32]
    return "-".join(text[i : i + 4] for i in range(0, 32, 4))


def printed(epoch: Epoch) -> str:
    """A few lines for paper or a mail: whoever keeps them can later ask `audit_verify --known "N FINGERPRINT"`."""
    return (
        f"Chartroom, checkpoint of the access log\n"
        f"Seal         {epoch.n}\n"
        f"Events       {epoch.total}\n"
        f"Made         {epoch.sealed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC\n"
        f"Key          {epoch.key_id}\n"
        f"Fingerprint  {fingerprint(epoch)}\n"
    )


def known(text: str) -> dict[str, Any]:
    """A printed checkpoint that somebody typed: seal number and fingerprint. Raises ValueError."""
    number, _, typed = text.strip().partition(" ")
    letters = re.sub(r"[^0-9a-f]", "", typed.lower())
    if not number.isdecimal() or len(letters) != 32:
        raise ValueError("Give the seal's number and its fingerprint of 32 letters and digits.")
    return {"n": int(number), "fingerprint": letters}
