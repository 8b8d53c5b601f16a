"""Events to seal. Sealing waits for every open transaction of the cluster, those of tests beside us too."""

import threading
import time

from django.db import connection, transaction

from accounts.services import service_account
from audit.models import Event
from audit.proof import epochs, sealing
from audit.proof.epochs import Epoch
from audit.services import record
from common.ids import uuid7


def write_events(count: int) -> list[int]:
    """Some events, each committed alone; their ids."""
    actor = service_account("proof-test")
    for _ in range(count):
        with transaction.atomic():
            record("patient.viewed", by=actor, patient=uuid7(), patients=[uuid7()], detail={"n": [1, "é"]})
    ids = Event.objects.filter(actor=actor.username).order_by("-id").values_list("id", flat=True)
    return list(ids[:count])[::-1]


def wait_until_settled(xid: int, seconds: float = 300) -> None:
    """Wait for the transactions before this one, those of tests beside us too."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if int(cursor.fetchone()[0]) >= xid:
                return
        threading.Event().wait(0.05)
    raise AssertionError(f"An open transaction was not over after {seconds:.0f} s.")


def seal_everything(seconds: float = 300) -> Epoch:
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
    raise AssertionError(f"An open transaction held the seal back for {seconds:.0f} s.")
