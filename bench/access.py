"""The chart policy on a large house: 1,000,000 patients, 5,000,000 documents, 2,000 users, 100,000 grants.

Limits: a chart's check ≤ 1 ms p50; a list of 25 charts one may open ≤ 10 ms p95, and its count ("more than 10,000"
above that) ≤ 50 ms, for the lightest and the heaviest user, one who opens every chart and one who opens none; the 25
newest documents of all these charts ≤ 25 ms (our own limit); the policy adds ≤ 15 % to the chart page against the same
page with the check taken out, in the same run.

The rows are narrow and made in SQL. BENCH_PATIENTS makes the house smaller (default 1000000).
"""
# ruff: noqa: B023, E501  (the functions are called within their turn; statements read best as they are)

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from uuid import UUID

from _measure import Verdict, in_turns, median, percentile, setup_django

setup_django()

from django.contrib.auth.models import Group, Permission  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, connections  # noqa: E402
from django.test import Client  # noqa: E402
from pages import session_cookie  # noqa: E402

from accounts.backends import RoleBackend  # noqa: E402
from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from patients import access  # noqa: E402
from patients.access import charts, registry  # noqa: E402
from patients.models import Patient  # noqa: E402
from records.documents import access as document_access  # noqa: E402
from records.documents import clearance  # noqa: E402
from records.documents import queries as document_queries  # noqa: E402
from records.documents.models import Document  # noqa: E402

PATIENTS = int(os.environ.get("BENCH_PATIENTS", "1000000"))
DOCUMENTS_EACH = 5
USERS = 2_000
GRANTS = 100_000
GRANTS_OF_ONE = 10_000
LIST = 25
MOST = 10_000
HEAVY, LIGHT, STRANGER, CLERK, NOBODY = "heavy", "light", "stranger", "clerk-of-all", "no-rights"

# A patient's id from her number, and the n-th of a list of ids.
ID = "('00000000-0000-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
TABLES = (
    "patients_patient", "patients_encounter", "patients_careteammember", "patients_consult",
    "patients_patientgrant", "patients_chartrestriction", "patients_ownentry", "patients_workplace",
    "documents_document", "accounts_user", "accounts_user_groups",
)  # fmt: skip


def _pick(ids: str, number: str) -> str:
    return f"({ids})[(1 + mod({number}, cardinality({ids})))::int]"


SEED = [
    (
        "patients",
        f"""insert into patients_patient (id, created_at, updated_at, version, family, given, middle, suffix, family_key,
            given_key, mrn, birth_date, sex, status)
        select {ID.format("n")}, now(), now(), 1, 'Family' || mod(n * 7919, 50000),
            'Given' || mod(n * 104729, 9000), '', '', 'family' || mod(n * 7919, 50000), 'given' || mod(n * 104729, 9000), lpad(n::text, 9, '0'),
            date '1930-01-01' + mod(n * 31, 30000)::int, 'female', 'active'
        from generate_series(1::bigint, %(patients)s) n""",
    ),
    (
        "encounters",  # one in a thousand is still in the house, the rest is spread over three years
        f"""insert into patients_encounter (id, created_at, updated_at, version, patient_id, number, kind, location_id,
            attending_id, started_at, ended_at)
        select {ID.format("n + 100000000")}, now(), now(), 1, {ID.format("n")}, 'S' || n, 'inpatient',
            {_pick("%(units)s::uuid[]", "n")},
            case when mod(n, 200) = 0 then %(heavy)s else {_pick("%(clinicians)s::uuid[]", "n / 7")} end,
            now() - interval '1 hour' * (10 + mod(n * 17, 26000)),
            case when mod(n, 1000) = 3 then null else now() - interval '1 hour' * (1 + mod(n * 17, 26000)) end
        from generate_series(1::bigint, %(patients)s) n""",
    ),
    (
        "care teams",
        f"""insert into patients_careteammember (id, created_at, updated_at, version, encounter_id, patient_id, user_id,
            function, since)
        select gen_random_uuid(), now(), now(), 1, {ID.format("n + 100000000")}, {ID.format("n")},
            {_pick("%(clinicians)s::uuid[]", "n / 3")}, 'nurse', now() - interval '1 year'
        from generate_series(1::bigint, %(patients)s, 5) n""",
    ),
    (
        "consults",
        f"""insert into patients_consult (id, created_at, updated_at, version, patient_id, asked_by_id, asked_of_id, question)
        select gen_random_uuid(), now(), now(), 1, {ID.format("n")}, %(heavy)s,
            {_pick("%(clinicians)s::uuid[]", "n / 11")}, 'please see'
        from generate_series(1::bigint, %(patients)s, 50) n""",
    ),
    (
        "grants",
        f"""insert into patients_patientgrant (id, created_at, permission_id, user_id, patient_id, given_by_id, reason, expires_at)
        select gen_random_uuid(), now(), %(permission)s,
            case when n <= %(grants_of_one)s then %(heavy)s else {_pick("%(clinicians)s::uuid[]", "n")} end,
            {ID.format("1 + mod(n * 97, %(patients)s)")}, %(giver)s, 'asked', now() + interval '30 days'
        from generate_series(1::bigint, %(grants)s) n
        on conflict do nothing""",
    ),
    (
        "restrictions",
        f"""insert into patients_chartrestriction (id, created_at, updated_at, version, patient_id, kind, why, set_by_id)
        select gen_random_uuid(), now(), now(), 1, {ID.format("n")}, case when mod(n, 3) = 0 then 'legal' else 'vip' end,
            'invented', %(giver)s
        from generate_series(1::bigint, %(patients)s, 200) n""",
    ),
    (
        "own entries",
        f"""insert into patients_ownentry (id, created_at, updated_at, version, patient_id, user_id)
        select gen_random_uuid(), now(), now(), 1, {ID.format("1000 * o")}, u
        from unnest(%(clinicians)s::uuid[]) with ordinality as t(u, o) where 1000 * o <= %(patients)s""",
    ),
    (
        "workplaces",
        f"""insert into patients_workplace (id, created_at, updated_at, version, user_id, facility_id, location_id)
        select gen_random_uuid(), now(), now(), 1, u, %(facility)s, {_pick("%(units)s::uuid[]", "o")}
        from unnest(%(clinicians)s::uuid[]) with ordinality as t(u, o)
        union all
        select gen_random_uuid(), now(), now(), 1, %(heavy)s, %(facility)s, l from unnest((%(units)s::uuid[])[1:5]) l""",
    ),
    (
        "documents",  # one in twenty carries a label
        f"""insert into documents_document (id, created_at, updated_at, version, patient_id, type_id, title, service_date,
            author, status, labels, source, filed_by_id, filed_at)
        select {ID.format("n + 200000000")}, now(), now(), 1, {ID.format("1 + mod(n * 7 + n / 1000, %(patients)s)")}, %(type)s, 'Note',
            current_date - mod(n * 13, 1000)::int, '', 'current',
            case when mod(n, 20) = 0 then (array['{{hiv}}', '{{part2}}', '{{behavioral}}', '{{vip}}', '{{psychotherapy}}'])
                [(1 + mod(n / 20, 5))::int]::varchar[] else '{{}}' end,
            'import', %(giver)s, now()
        from generate_series(1::bigint, %(patients)s * {DOCUMENTS_EACH}) n""",
    ),
]  # fmt: skip


def seed() -> None:
    """The house, written by the owner of the tables with the guards off: it is thrown away afterwards."""
    call_command("seed_bench", patients=40, documents=1_200)  # charts with documents that can be shown
    clinicians = [User(username=f"c{n}", name=f"Clinician {n}") for n in range(USERS - 5)]
    special = {
        HEAVY: Role.CLINICIAN,
        LIGHT: Role.CLINICIAN,
        STRANGER: Role.CLINICIAN,
        CLERK: Role.RECORDS_CLERK,
        NOBODY: Role.ADMINISTRATOR,
    }
    others = {name: User(username=name, name=name) for name in special}
    owner = connections["owner"]
    with owner.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"alter table {table} disable trigger user")
    User.objects.bulk_create([*clinicians, *others.values()])
    groups = {group.name: group for group in Group.objects.all()}
    through = User.groups.through
    held = [through(user_id=user.pk, group_id=groups[Role.CLINICIAN].pk) for user in clinicians]
    held += [through(user_id=user.pk, group_id=groups[special[name]].pk) for name, user in others.items()]
    through.objects.bulk_create(held)
    with owner.cursor() as cursor:
        cursor.execute("select array_agg(id), min(facility_id::text)::uuid from patients_location")
        units, facility = cursor.fetchone()
        cursor.execute("select id from documents_documenttype where code = '11506-3'")
        values: dict[str, Any] = {
            "patients": PATIENTS,
            "grants": GRANTS * PATIENTS // 1_000_000 or 1,
            "grants_of_one": GRANTS_OF_ONE * PATIENTS // 1_000_000 or 1,
            "units": units,
            "facility": facility,
            "type": cursor.fetchone()[0],
            "heavy": others[HEAVY].pk,
            "giver": others[CLERK].pk,
            "clinicians": [user.pk for user in clinicians],
            "permission": Permission.objects.get(codename="view_chart").pk,
        }
        cursor.execute("set synchronous_commit = off")
        for what, statement in SEED:
            cursor.execute(statement, values)
            print(f"{cursor.rowcount:>9,} {what}")
        light = [ID.format(n) for n in (11, 12, 13)]
        cursor.execute(
            f"update patients_encounter set attending_id = %s, ended_at = null where patient_id in ({', '.join(light)})",
            [others[LIGHT].pk],
        )
        for table in TABLES:
            cursor.execute(f"alter table {table} enable trigger user")
        cursor.execute("vacuum analyze")


def person(username: str) -> User:
    """As a request has her: with her rights in one query."""
    user = RoleBackend().get_user(User.objects.get(username=username).pk)
    assert user is not None
    return user


def random_charts(count: int) -> list[Patient]:
    rng = random.Random(5)
    ids = [UUID(f"00000000-0000-7000-8000-{rng.randint(1, PATIENTS):012x}") for _ in range(count)]
    return list(Patient.objects.filter(pk__in=ids))


def measure_checks(verdict: Verdict) -> None:
    """A check of one chart, by each kind of person, on charts drawn at random."""
    people = {name: person(name) for name in (HEAVY, LIGHT, STRANGER, CLERK, NOBODY)}
    drawn = random_charts(400)
    times: dict[str, list[float]] = {}
    for name, user in people.items():
        turn = iter(drawn)
        works: dict[str, Callable[[], object]] = {name: lambda: access.decide(user, next(turn))}
        times |= in_turns(works, rounds=len(drawn) - 20, warm=20)
    for name, seconds in times.items():
        verdict.amount(f"chart check, {name}, p50", median(seconds) * 1000, "ms", most=1)


def page_of_charts(user: User) -> list[Patient]:
    return list(access.visible_to(user).order_by("family_key", "given_key", "pk")[:LIST])


def count_of_charts(user: User) -> int:
    return access.count_open(user, MOST + 1)


def page_of_documents(user: User) -> list[Document]:
    return list(document_access.visible_to(user).order_by("-service_date", "-pk")[:LIST])


def measure_lists(verdict: Verdict) -> None:
    """A first page of 25 and the honest count, of charts and of documents."""
    for name in (LIGHT, HEAVY, CLERK, STRANGER, NOBODY):
        user = person(name)
        count = count_of_charts(user)
        known = f"{count:,}" if count <= MOST else f"more than {MOST:,}"
        works: dict[str, Callable[[], object]] = {
            "charts": lambda: page_of_charts(user),
            "count": lambda: count_of_charts(user),
            "documents": lambda: page_of_documents(user),
        }
        times = in_turns(works, rounds=100, warm=5)
        middles = ", ".join(f"{what} {median(times[what]) * 1000:.1f} ms" for what in works)
        print(f"{name} ({known}), p50: {middles}")
        verdict.amount(
            f"25 charts, {name} ({known}), p95", percentile(times["charts"], 0.95) * 1000, "ms", most=10
        )
        verdict.amount(f"count, {name}, p95", percentile(times["count"], 0.95) * 1000, "ms", most=50)
        verdict.amount(
            f"25 newest documents, {name}, p95", percentile(times["documents"], 0.95) * 1000, "ms", most=25
        )


def _any_document(user_id: UUID) -> registry.Condition:
    """True of every document, whoever asks."""
    return registry.Condition("(true or %s::uuid is null)", [user_id])


# Statements are written once: those without the labels' rule are others.
BARE_ROWS = {answer: document_queries._newest(with_withdrawn=answer) for answer in (False, True)}
BARE_COUNTS = {answer: document_queries._counted(with_withdrawn=answer) for answer in (False, True)}


@contextmanager
def without_the_policy() -> Iterator[None]:
    """Every question is answered with yes, without asking: what is left is the page."""
    yes = access.Decision("benchmark")
    everything = registry.Asked(
        (registry.Opener("all", rows=lambda _: Patient.objects.all(), patient="id"),), ()
    )
    with (
        patch.object(charts, "decide", lambda user, patient: yes),
        patch.object(charts, "_asked_of", lambda user: (everything, ())),
        patch.object(clearance, "shown_to", _any_document),
        patch.object(clearance, "may_be_asked_for", _any_document),
        patch.object(document_queries, "_NEWEST_ROWS", BARE_ROWS),
        patch.object(document_queries, "_COUNTED", BARE_COUNTS),
    ):
        yield


def measure_page(verdict: Verdict) -> None:
    """The chart page with the policy and without, in turns."""
    from django.db.models import Count

    patient = Patient.objects.filter(mrn__gte="5").annotate(count=Count("documents")).order_by("-count")[0]
    for name in (CLERK, HEAVY):
        user = User.objects.get(username=name)
        if name == HEAVY:
            with connections["owner"].cursor() as cursor:
                cursor.execute("alter table patients_encounter disable trigger user")
                cursor.execute(
                    "update patients_encounter set attending_id = %s, ended_at = null where patient_id = %s",
                    [user.pk, patient.pk],
                )
                cursor.execute("alter table patients_encounter enable trigger user")
        client = Client(headers=session_cookie(user))

        def page() -> None:
            answer = client.get(f"/patients/{patient.pk}/", secure=True)
            assert answer.status_code == 200, answer.content[:500]

        def bare() -> None:
            with without_the_policy():
                page()

        times = in_turns({"with": page, "without": bare}, rounds=200, warm=15)
        verdict.ratio(f"chart page, {name}, p50", median(times["with"]), median(times["without"]), most=1.15)


def main() -> int:
    if "--measure-only" not in sys.argv:
        seed()
    connection.ensure_connection()
    verdict = Verdict()
    measure_checks(verdict)
    measure_page(verdict)
    measure_lists(verdict)  # last: what was just written is on the disk by then
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
