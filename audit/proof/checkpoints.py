"""Checkpoints leave the machine: only they show that the newest epochs were cut off, or the whole chain replaced."""

import json
import os
from pathlib import Path
from typing import Any

from django.conf import settings

from audit.proof import epochs, keys
from audit.proof.epochs import Epoch

FILE = "checkpoints.jsonl"


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
    }


def newest(count: int = 50) -> list[dict[str, Any]]:
    """The checkpoints of the last epochs, newest first."""
    last = epochs.last()
    if last is None:
        return []
    return [checkpoint(epoch) for epoch in epochs.every(max(1, last.n - count + 1))][::-1]


def send(epoch: Epoch) -> Path | None:
    """Append the checkpoint to the file in CHARTROOM_CHECKPOINTS; None when no folder is set. Raises OSError."""
    if not settings.CHECKPOINTS:
        return None
    folder = Path(settings.CHECKPOINTS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = folder / FILE
    line = json.dumps(checkpoint(epoch)) + "\n"
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return target
