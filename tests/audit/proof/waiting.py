"""Sealing waits for every open transaction of the cluster, those of tests beside us too."""

import threading
import time

from django.db import connection

from audit.proof import epochs, sealing
from audit.proof.epochs import Epoch


def seal_everything(seconds: float = 60) -> Epoch:
    """Seal until all that is committed now is sealed; the last epoch made."""
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(max(txid::text::bigint), 0) from audit_event")
        newest = int(cursor.fetchone()[0])
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        made = sealing.seal()
        last = epochs.last()
        if last is not None and last.to_xid > newest:
            return made or last
        threading.Event().wait(0.05)
    raise AssertionError("An open transaction held the seal back for a minute.")
