"""What writing an event costs, against the bare INSERT of the same row, each committed alone.

Limit: ≤ 1.3 × the bare INSERT. And: a search that shows 25 charts writes one row, not 25.
"""

from _measure import Verdict, in_turns, median, setup_django

setup_django()

from django.db import connection, transaction  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.services import service_account  # noqa: E402
from audit import context, services  # noqa: E402
from audit.models import Event  # noqa: E402
from common.ids import uuid7  # noqa: E402

ROUNDS = 1500


def main() -> int:
    actor: User = service_account("bench")
    patient = uuid7()
    shown = [uuid7() for _ in range(25)]
    row = [
        "patient.viewed", "view", actor.pk, actor.username, actor.role_names, "0" * 16, patient, None, "",
        "", "TREAT", "attending: encounter E-0000001", "success", "web", "127.0.0.1", "0" * 36, None,
    ]  # fmt: skip

    def bare() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(services._INSERT, row)

    def event() -> None:
        with transaction.atomic():
            services.record(
                "patient.viewed", by=actor, patient=patient, reason="attending: encounter E-0000001"
            )

    def search() -> None:
        with transaction.atomic():
            services.record("patient.searched", by=actor, patients=shown, detail={"q": "lovelace"})

    verdict = Verdict()
    request = context.Context(
        channel="web", session="0" * 16, ip="127.0.0.1", request_id="0" * 36, purpose="TREAT"
    )
    with context.use(request):
        times = in_turns({"bare": bare, "event": event, "search": search}, rounds=ROUNDS, warm=100)
        before = Event.objects.filter(event="patient.searched", actor_id=actor.pk).count()
        search()
        rows = Event.objects.filter(event="patient.searched", actor_id=actor.pk).count() - before
    verdict.ratio("event, committed alone, p50", median(times["event"]), median(times["bare"]), most=1.3)
    verdict.ratio("search event with 25 ids, p50", median(times["search"]), median(times["bare"]), most=3)
    verdict.amount("rows of a search that shows 25", rows, "row", most=1)
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
