"""What this machine last sealed, beside its keys and not in the database.

The sealer signs whatever follows the chain. Somebody who alters an event and deletes the seals from there on would have
it signed anew by the sealer itself; so the sealer keeps its newest seal, and seals nothing while the chain does not
hold it.
"""

import json
import logging
import os
from typing import Any

from django.conf import settings

from audit.proof import epochs
from audit.proof.checkpoints import checkpoint
from audit.proof.epochs import Epoch

logger = logging.getLogger("chartroom.audit")


def remembered() -> dict[str, Any] | None:
    """The checkpoint of the newest seal this machine made; None where it made none, or keeps none."""
    if not settings.SEAL_MEMORY:
        return None
    try:
        found: dict[str, Any] = json.loads(settings.SEAL_MEMORY.read_text())
        return {**found, "n": int(found["n"]), "signature": str(found["signature"])}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.error("What was sealed last cannot be read from %s: %r", settings.SEAL_MEMORY, error)
        return None


def is_in_chain(known: dict[str, Any]) -> bool:
    """Whether the chain holds this seal."""
    epoch = epochs.of([known["n"]]).get(known["n"])
    return epoch is not None and epoch.signature.hex() == known["signature"]


def keep(epoch: Epoch) -> None:
    """Remember this seal, once it is committed. A file that cannot be written holds up no seal."""
    if not settings.SEAL_MEMORY:
        return
    coming = settings.SEAL_MEMORY.with_name(f"{settings.SEAL_MEMORY.name}.{os.getpid()}")
    try:
        with open(os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(json.dumps(checkpoint(epoch)) + "\n")
            file.flush()
            os.fsync(file.fileno())
        coming.replace(settings.SEAL_MEMORY)
    except OSError as error:
        logger.error("What was sealed last cannot be kept in %s: %s", settings.SEAL_MEMORY, error)
