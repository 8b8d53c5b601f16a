"""Events to seal. Sealing waits for every open transaction of the cluster, those of tests beside us too."""

from django.db import connection, transaction

from accounts.services import service_account
from audit.models import Event
from audit.proof import epochs, sealing
from audit.proof.epochs import Epoch
from audit.services import record
from common.ids import uuid7
from tests.launcher.waiting import until


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

    def settled() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("select pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            return int(cursor.fetchone()[0]) >= xid

    until(settled, seconds=seconds, what="every open transaction is over")


def seal_everything(seconds: float = 300) -> Epoch:
    """Seal until all that is committed now is sealed; the last epoch made."""
    with connection.cursor() as cursor:
        cursor.execute("select coalesce(max(txid::text::bigint), 0) from audit_event")
        newest = int(cursor.fetchone()[0])

    def sealed() -> Epoch | None:
        made, last = sealing.seal(), epochs.last()
        return (made or last) if last is not None and last.to_xid > newest else None

    epoch = until(sealed, seconds=seconds, what="no open transaction holds the seal back")
    assert epoch
    return epoch
