"""Reports over two years of twenty million events, counted by day. Limit: each ≤ 2 s.

The days are made up as they would be counted (2,000 people, 28,000 events a day); the log itself is not filled: what a
report costs does not depend on it. What counting one day costs is measured over real events beside it.
"""

from datetime import timedelta

from _measure import Verdict, in_turns, median, setup_django, timed

setup_django()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.services import service_account  # noqa: E402
from audit.review import counting, reports  # noqa: E402
from audit.review.models import DayCount, DayPerson, DayState  # noqa: E402

DAYS, PEOPLE, EVENTS_A_DAY = 730, 2_000, 28_000
LIMIT = 2.0

STATES = """
insert into review_daystate (day, mark, counted_at, events, accesses, people, charts, late_seconds, explained, is_short)
select %(first)s::date + n, '1', now(), %(events)s, %(events)s / 2, %(people)s, 9000, n %% 3, %(events)s / 2 - 400,
    false
from generate_series(0, %(days)s - 1) n
"""
COUNTS = """
insert into review_daycount (day, role, event, action, outcome, is_access, count)
select %(first)s::date + n,
    (array['clinician', 'records_clerk', 'roi_specialist', 'compliance_officer', ''])[k %% 5 + 1],
    'event.kind_' || k, (array['view', 'search', 'copy', 'update', 'print'])[k %% 5 + 1],
    case when k %% 20 = 0 then 'denied' else 'success' end, k %% 2 = 1, %(events)s / 300
from generate_series(0, %(days)s - 1) n, generate_series(0, 299) k
"""
PERSONS = """
insert into review_dayperson (day, actor_id, accesses, refused, taken, unexplained, contradicted)
select %(first)s::date + n, md5(k::text)::uuid, 14, (k %% 97 = n %% 97)::int, k %% 3, (k %% 50 = n %% 50)::int, 0
from generate_series(0, %(days)s - 1) n, generate_series(1, %(people)s) k
"""
EVENTS = """
insert into audit_event (event, action, actor_id, actor, roles, patient_id, outcome)
select 'patient.viewed', 'view', md5((n %% 2000)::text)::uuid, 'bench', array['clinician'], gen_random_uuid(), 'success'
from generate_series(1, %(events)s) n
"""


def fill() -> None:
    """Two years of counted days."""
    asked = {
        "first": timezone.localdate() - timedelta(days=DAYS),
        "days": DAYS,
        "people": PEOPLE,
        "events": EVENTS_A_DAY,
    }
    for model in (DayCount, DayPerson, DayState):
        model.objects.all().delete()
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in (STATES, COUNTS, PERSONS):
            cursor.execute(statement, asked)
    with connection.cursor() as cursor:
        cursor.execute("analyze review_daycount, review_dayperson, review_daystate")


def main() -> int:
    service_account("bench")
    fill()
    until = timezone.localdate() - timedelta(days=1)
    since = until - timedelta(days=DAYS - 1)
    works = {kind.name: (lambda name=kind.name: reports.make(name, since, until)) for kind in reports.KINDS}
    works["numbers of a quarter"] = lambda: reports.numbers(until - timedelta(days=91), until)
    verdict = Verdict()
    for name, times in in_turns(works, rounds=5).items():
        verdict.amount(f"report, two years: {name}", median(times), "s", most=LIMIT)
    with connection.cursor() as cursor:
        cursor.execute(EVENTS, {"events": 100_000})
    state = DayState(day=timezone.localdate(), mark="1")
    verdict.amount("counting a day of 100,000 events", timed(lambda: counting._count(state)), "s", most=10.0)
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
