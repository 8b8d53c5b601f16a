"""The compliance office's questions on a large log: 20,000,000 events over two years, with the house they happened in.

Limits: who opened this chart, over two years, p50 ≤ 50 ms and p95 ≤ 150 ms; what did this person do, a week, p50 ≤ 100 ms
and p95 ≤ 300 ms; explanations of one day of 100,000 accesses ≤ 60 s; ≤ 500 bytes an event in table and indexes.

Charts and people are drawn as often as they are looked at, so the busy ones come up most. What is timed is the verb that a
page calls, its own event and the explanations of the page included. Everything is made in SQL, with the guards off.
BENCH_EVENTS makes the log smaller (default 20000000, about 10 GB, twice that while it is made).
"""
# ruff: noqa: E501  (statements read best as they are)

import os
import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from _measure import Verdict, in_turns, median, percentile, setup_django

setup_django()

from django.contrib.auth.models import Group  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from accounts.backends import RoleBackend  # noqa: E402
from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from audit.explaining import Access, explain  # noqa: E402
from audit.models import Event  # noqa: E402
from audit.review import services  # noqa: E402
from audit.review.questions import Question  # noqa: E402
from patients.models import Facility  # noqa: E402

EVENTS = int(os.environ.get("BENCH_EVENTS", "20000000"))
DAYS = 730
DAY_ACCESSES = min(100_000, max(1_000, EVENTS // 20))  # accesses of the one busy day
PATIENTS = max(2_000, EVENTS // 100)
STAYS = PATIENTS * 3 // 2
CLINICIANS, CLERKS, UNITS = 2_000, 60, 40
ASKED = 200
START = (datetime.now(UTC) - timedelta(days=DAYS)).replace(hour=0, minute=0, second=0, microsecond=0)
NEEDED_BYTES = EVENTS * 600

ID = "('00000000-0000-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
STAY, DOCUMENT = 1_000_000_000, 2_000_000_000
TABLES = (
    "patients_patient", "patients_encounter", "patients_careteammember", "patients_consult", "patients_workplace",
    "patients_glassbreak", "documents_document", "documents_documentversion", "release_recordrequest",
    "accounts_user", "accounts_user_groups", "patients_location",
)  # fmt: skip
# A patient's number from a stay's: a few are in the house again and again.
PATIENT_OF = "(1 + floor(power(mod({} * 7919, 1000003) / 1000003.0, 3) * %(patients)s))::bigint"


def _pick(ids: str, number: str) -> str:
    return f"({ids})[(1 + mod({number}, cardinality({ids})))::int]"


HOUSE = [
    (
        "patients",
        f"""insert into patients_patient (id, created_at, updated_at, version, family, given, middle, suffix, family_key,
            given_key, mrn, birth_date, sex, status)
        select {ID.format("n")}, now(), now(), 1, 'Family' || mod(n * 7919, 50000), 'Given' || mod(n * 104729, 9000), '', '',
            'family' || mod(n * 7919, 50000), 'given' || mod(n * 104729, 9000), lpad(n::text, 9, '0'),
            date '1930-01-01' + mod(n * 31, 30000)::int, 'female', 'active'
        from generate_series(1::bigint, %(patients)s) n""",
    ),
    (
        "stays",  # one after the other over the two years, one to nine days each
        f"""insert into patients_encounter (id, created_at, updated_at, version, patient_id, number, kind, location_id,
            attending_id, started_at, ended_at)
        select {ID.format(f"n + {STAY}")}, now(), now(), 1, {ID.format(PATIENT_OF.format("n"))}, 'S' || n, 'inpatient',
            {_pick("%(units)s::uuid[]", "n")}, {_pick("%(clinicians)s::uuid[]", "n")},
            %(start)s + %(step)s * n, %(start)s + %(step)s * n + interval '1 day' * (1 + mod(n * 31, 9))
        from generate_series(1::bigint, %(stays)s) n""",
    ),
    (
        "care teams",
        f"""insert into patients_careteammember (id, created_at, updated_at, version, encounter_id, patient_id, user_id,
            function, since)
        select gen_random_uuid(), now(), now(), 1, {ID.format(f"n + {STAY}")}, {ID.format(PATIENT_OF.format("n"))},
            {_pick("%(clinicians)s::uuid[]", "n + 7")}, 'nurse', %(start)s + %(step)s * n
        from generate_series(1::bigint, %(stays)s, 3) n""",
    ),
    (
        "consults",
        f"""insert into patients_consult (id, created_at, updated_at, version, patient_id, asked_by_id, asked_of_id, question,
            asked_at, answered_at)
        select gen_random_uuid(), now(), now(), 1, {ID.format(PATIENT_OF.format("n"))}, {_pick("%(clinicians)s::uuid[]", "n")},
            {_pick("%(clinicians)s::uuid[]", "n + 11")}, 'please see', %(start)s + %(step)s * n,
            %(start)s + %(step)s * n + interval '2 days'
        from generate_series(1::bigint, %(stays)s, 15) n""",
    ),
    (
        "workplaces",
        f"""insert into patients_workplace (id, created_at, updated_at, version, user_id, facility_id, location_id, since)
        select gen_random_uuid(), now(), now(), 1, u, %(facility)s, {_pick("%(units)s::uuid[]", "o")}, %(start)s
        from unnest(%(clinicians)s::uuid[]) with ordinality as t(u, o)""",
    ),
    (
        "broken glasses",
        f"""insert into patients_glassbreak (id, created_at, updated_at, version, patient_id, user_id, reason_code, reason,
            opened_at, expires_at, ended_at, is_drill, session)
        select gen_random_uuid(), now(), now(), 1, {ID.format(PATIENT_OF.format("n"))}, {_pick("%(clinicians)s::uuid[]", "n + 3")},
            'covering', 'for a colleague', %(start)s + %(step)s * n, %(start)s + %(step)s * n + interval '4 hours',
            %(start)s + %(step)s * n + interval '4 hours', false, ''
        from generate_series(1::bigint, %(stays)s, 60) n""",
    ),
    (
        "documents",
        f"""insert into documents_document (id, created_at, updated_at, version, patient_id, type_id, title, service_date,
            author, status, labels, source, filed_by_id, filed_at)
        select {ID.format(f"n + {DOCUMENT}")}, now(), now(), 1, {ID.format(PATIENT_OF.format("n"))}, %(type)s, 'Discharge summary',
            current_date, '', 'current', '{{}}', 'import', {_pick("%(clerks)s::uuid[]", "n")}, %(start)s + %(step)s * n
        from generate_series(1::bigint, %(stays)s) n""",
    ),
    (
        "versions",
        f"""insert into documents_documentversion (id, created_at, updated_at, version, document_id, patient_id, number, blob_id,
            filename, filed_by_id, filed_at, processing, error, flags)
        select gen_random_uuid(), now(), now(), 1, {ID.format(f"n + {DOCUMENT}")}, {ID.format(PATIENT_OF.format("n"))}, 1, %(blob)s,
            'a.pdf', {_pick("%(clerks)s::uuid[]", "n")}, %(start)s + %(step)s * n, 'done', '', '{{}}'
        from generate_series(1::bigint, %(stays)s) n""",
    ),
    (
        "requests",
        f"""insert into release_recordrequest (id, created_at, updated_at, version, number, patient_id, kind, requester_name,
            requester_organization, requester_address, requester_phone, requester_email, requester_fax, purpose, received_on,
            channel, scope, delivery_method, delivery_format, status, due_on, due_rule, assigned_to_id, logged_by_id, closed_at,
            cancel_reason)
        select gen_random_uuid(), %(start)s + %(step)s * n, now(), 1, 'B' || n, {ID.format(PATIENT_OF.format("n"))}, 'patient', 'Somebody',
            '', '', '', '', '', 'own file', current_date, 'mail', '{{}}', 'mail', 'paper', 'canceled', current_date, 'ACC-02',
            {_pick("%(clerks)s::uuid[]", "n / 7")}, {_pick("%(clerks)s::uuid[]", "n / 11")},
            %(start)s + %(step)s * n + interval '12 days', 'done'
        from generate_series(1::bigint, %(stays)s, 12) n""",
    ),
]  # fmt: skip

# Of a hundred events: 34 charts opened, 40 pages and documents, 10 lists of documents, 6 searches that showed twenty charts,
# 3 refusals, 7 by clerks. Seven in ten by whoever attends or works on the unit of a stay of that day, the rest by others.
LOOKS = f"""
insert into audit_event (at, txid, event, action, actor_id, actor, roles, session, patient_id, patient_ids, object_type,
    object_id, purpose, reason, outcome, channel, ip, request_id, detail)
select look.at, (10000000000 + n / 2)::text::xid8,
    case when kind < 34 then 'patient.viewed' when kind < 74 then 'document.page_viewed' when kind < 84 then 'document.listed'
        when kind < 90 then 'patient.searched' when kind < 93 then 'access.denied' else 'patient.viewed' end,
    case when kind between 84 and 89 then 'search' else 'view' end,
    who.id, 'user' || substr(who.id::text, 25), case when kind >= 93 then array['records_clerk'] else array['clinician'] end,
    substr(md5((n / 40)::text), 1, 16), case when kind between 84 and 89 then null else {ID.format(PATIENT_OF.format("stay"))} end,
    case when kind between 84 and 89 then array(
        select {ID.format("(1 + mod(n * 31 + other * 7907, %(patients)s))::bigint")} from generate_series(1, 20) other) end,
    case when kind between 34 and 73 then 'documents.document' when kind between 84 and 89 then '' else 'patients.patient' end,
    case when kind between 34 and 73 then {ID.format(f"stay + {DOCUMENT}")}::text when kind between 84 and 89 then ''
        else {ID.format(PATIENT_OF.format("stay"))}::text end,
    'TREAT', case when kind >= 93 then 'records role: Records clerk' else 'attending: encounter S' || stay end,
    case when kind between 90 and 92 then 'denied' else 'success' end, 'web', '10.1.2.3', substr(md5(n::text), 1, 16),
    case when kind between 34 and 73 then jsonb_build_object('version', 1, 'page', mod(n, 9), 'size', 'view')
        when kind between 84 and 89 then jsonb_build_object('q', 'smi', 'shown', 20) else '{{"part": "chart"}}' end
from (
    select n, mod(n * 7907, 100) as kind, mod(n * 104729, 10) as tie, %(from)s::timestamptz + %(each)s * n_in as at,
        greatest(1, least(%(stays)s, floor((extract(epoch from %(from)s::timestamptz + %(each)s * n_in - %(start)s))
            / extract(epoch from %(step)s))::bigint - mod(n * 31, %(in_a_day)s))) as stay
    from (select %(first)s::bigint + n_in as n, n_in from generate_series(0::bigint, %(count)s - 1) n_in) numbered
) look
cross join lateral (select case
    when kind >= 93 then {_pick("%(clerks)s::uuid[]", "n / 13")}
    when tie < 4 then {_pick("%(clinicians)s::uuid[]", "stay")}
    when tie < 7 then {_pick("%(clinicians)s::uuid[]", f"stay - 1 + {UNITS} * mod(n, 40)")}
    else {_pick("%(clinicians)s::uuid[]", "n / 17")} end as id) who
"""  # fmt: skip


def people() -> dict[str, list[UUID]]:
    """Clinicians and clerks, with their roles."""
    groups = {group.name: group for group in Group.objects.all()}
    found: dict[str, list[UUID]] = {}
    for name, count, role in (
        ("clinicians", CLINICIANS, Role.CLINICIAN),
        ("clerks", CLERKS, Role.RECORDS_CLERK),
    ):
        made = User.objects.bulk_create(
            [User(username=f"{name}{n}", name=f"{name} {n}") for n in range(count)]
        )
        through = User.groups.through
        through.objects.bulk_create([through(user_id=user.pk, group_id=groups[role].pk) for user in made])
        found[name] = [user.pk for user in made]
    officer = User.objects.create(username="officer-of-the-bench", name="Officer")
    officer.groups.add(groups[Role.COMPLIANCE_OFFICER])
    return found


def months() -> list[tuple[datetime, datetime]]:
    """Whole months from the first day to now, UTC, the first and last ones cut to the two years."""
    edges = [START]
    while edges[-1] < datetime.now(UTC):
        year, month = divmod(edges[-1].year * 12 + edges[-1].month, 12)
        edges.append(datetime(year, month + 1, 1, tzinfo=UTC))
    edges[-1] = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return list(pairwise(edges))


def make_partitions(cursor: Any) -> None:
    """The months that have passed: the house's own function makes those to come."""
    for first, _ in months():
        begin = first.replace(day=1)
        year, month = divmod(begin.year * 12 + begin.month, 12)
        name = f"audit_event_{begin:%Y%m}"
        cursor.execute(f"select to_regclass('public.{name}')")
        if cursor.fetchone()[0] is None:
            cursor.execute(
                f"create table {name} partition of audit_event for values from (%s) to (%s)",
                [begin, datetime(year, month + 1, 1, tzinfo=UTC)],
            )


def seed() -> datetime:
    """The house and its log, by the owner of the tables. Returns the busy day's first instant."""
    if not Facility.objects.exists():
        call_command("seed_bench", patients=1, documents=1)
    owner = connections["owner"]
    with owner.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"alter table {table} disable trigger user")
    staff = people()
    with owner.cursor() as cursor:
        cursor.execute("set synchronous_commit = off")
        make_partitions(cursor)
        cursor.execute("select min(id::text)::uuid from patients_facility")
        facility = cursor.fetchone()[0]
        cursor.execute(
            "insert into patients_location (id, created_at, updated_at, version, facility_id, name, is_active)"
            " select gen_random_uuid(), now(), now(), 1, %s, 'Bench ' || n, true from generate_series(1, %s) n returning id",
            [facility, UNITS],
        )
        units = [row[0] for row in cursor.fetchall()]
        cursor.execute("select id from documents_documenttype where code = '11506-3'")
        kind = cursor.fetchone()[0]
        cursor.execute("select sha256 from documents_blob limit 1")
        step = timedelta(days=DAYS) / STAYS
        values: dict[str, Any] = {
            **staff,
            "patients": PATIENTS,
            "stays": STAYS,
            "start": START,
            "step": step,
            "units": units,
            "facility": facility,
            "type": kind,
            "blob": cursor.fetchone()[0],
            "in_a_day": max(1, STAYS // DAYS),
        }
        for what, statement in HOUSE:
            cursor.execute(statement, values)
            print(f"{cursor.rowcount:>11,} {what}", flush=True)
        spread = months()
        whole = sum((end - first for first, end in spread), timedelta())
        number = 0
        for first, end in spread:
            count = int(EVENTS * ((end - first) / whole))
            values |= {"from": first, "each": (end - first) / max(1, count), "count": count, "first": number}
            cursor.execute(LOOKS, values)
            number += count
        busy = spread[-1][1] - timedelta(days=40)
        values |= {"from": busy, "count": DAY_ACCESSES * 5 // 4, "first": number}
        values["each"] = timedelta(hours=23) / values["count"]
        cursor.execute(LOOKS, values)
        for table in TABLES:
            cursor.execute(f"alter table {table} enable trigger user")
        cursor.execute("vacuum analyze")
    return busy


def officer() -> User:
    """As a request has her: with her rights in one query."""
    user = RoleBackend().get_user(User.objects.get(username="officer-of-the-bench").pk)
    assert user is not None
    return user


def drawn(what: str) -> list[Any]:
    """Charts, or people with an instant, drawn as often as they stand in the log."""
    rng = random.Random(7)
    found: list[Any] = []
    with connections["owner"].cursor() as cursor:
        for _ in range(ASKED + 10):
            instant = START + timedelta(days=rng.uniform(1, DAYS - 1))
            cursor.execute(
                f"select {what} from audit_event where at >= %s and patient_id is not null order by at limit 1",
                [instant],
            )
            found += cursor.fetchall()
    return found


def measure_questions(verdict: Verdict) -> None:
    """The verbs behind the two questions asked most, each with its own event, its count and its explanations."""
    by, until = officer(), datetime.now(UTC)
    charts = [row[0] for row in drawn("patient_id")]
    looks = drawn("actor_id, at")
    names = dict(User.objects.values_list("pk", "username"))

    def chart_question() -> None:
        patient = next(asked_charts)
        services.view_log(by=by, question=Question(patient=patient, since=START, until=until))

    def tab() -> None:
        services.view_chart_access(
            by=by, patient_id=next(tab_charts), question=Question(patient=next(tab_questions), since=START)
        )

    def week() -> None:
        person, at = next(asked_people)
        asked = Question(actor=names[person], since=at - timedelta(days=7), until=at)
        services.view_log(by=by, question=asked)

    asked_charts, asked_people = iter(charts), iter(looks)
    tab_charts, tab_questions = iter(charts), iter(charts)
    works: dict[str, Callable[[], object]] = {"chart": chart_question, "tab": tab, "week": week}
    times = in_turns(works, rounds=ASKED, warm=10)
    for name, words, half, most in (
        ("chart", "who opened this chart, two years", 50, 150),
        ("tab", "the chart's tab, unexplained on top", 100, 300),
        ("week", "what did this person do, a week", 100, 300),
    ):
        verdict.amount(f"{words}, p50", median(times[name]) * 1000, "ms", most=half)
        verdict.amount(f"{words}, p95", percentile(times[name], 0.95) * 1000, "ms", most=most)


def measure_explanations(verdict: Verdict, busy: datetime) -> None:
    """All accesses of the busy day, as the watch asks about them at night."""
    rows = (
        Event.objects.filter(at__gte=busy, at__lt=busy + timedelta(days=1))
        .defer("detail")
        .order_by("at", "id")
    )
    accesses = [access for row in rows.iterator(5_000) if (access := Access.of(row))][:DAY_ACCESSES]
    started = time.perf_counter()
    found = explain(accesses)
    took = time.perf_counter() - started
    share = len(found) / len(accesses)
    print(f"{len(accesses):,} accesses of one day: {share:.0%} explained, in {took:.1f} s")
    verdict.amount("explanations of 100,000 accesses", took * 100_000 / len(accesses), "s", most=60)


def measure_size(verdict: Verdict) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "select sum(pg_total_relation_size(inhrelid)) from pg_inherits where inhparent = 'audit_event'::regclass"
        )
        size = int(cursor.fetchone()[0])
        cursor.execute("select count(*) from audit_event")
        count = int(cursor.fetchone()[0])
    print(f"{count:,} events, {size / 1e9:.1f} GB")
    verdict.amount("bytes an event, table and indexes", size / count, "B", most=500)


def main() -> int:
    free = shutil.disk_usage(os.environ.get("CHARTROOM_DATA", "/tmp")).free  # noqa: S108
    if free < 2 * NEEDED_BYTES:
        raise SystemExit(
            f"{EVENTS:,} events need about {2 * NEEDED_BYTES / 1e9:.0f} GB while they are made; set BENCH_EVENTS."
        )
    started = time.perf_counter()
    busy = seed()
    print(f"made in {time.perf_counter() - started:.0f} s", flush=True)
    verdict = Verdict()
    measure_size(verdict)
    measure_explanations(verdict, busy)
    measure_questions(verdict)
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
