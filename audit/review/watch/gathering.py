"""The week, put together once for all rules: temporary tables of this connection, gone when the run is over.

Every statement commits by itself. A run takes minutes, and one transaction over all of it would hold up the sealing
of the log for as long.

- `watch_access`: event_id, at, hour (of the hospital's day), actor_id, roles, patient_id, action, event, object_type,
  session, ip, doubt (0 explained, 0.5 by the person's own word only, 1 not)
- `watch_pair`: one person and one chart: accesses, doubt (their sum), opened (documents and pages), days, first_at,
  last_at, event_ids (the doubtful ones first)
- `watch_person`: actor_id, role (the roles held last), created_at, ended_at (last day over, or switched off)
- `watch_person_name`: actor_id, key; `watch_chart_name`: patient_id, key: family names, former ones too, and the
  longer parts of double names
- `watch_address`: patient_id, home (the whole line), street (without number and flat), both with the postal code
- `watch_phone`: patient_id, digits
- `watch_search`: event_id, at, actor_id, roles, patient_ids, letters (how many were typed)
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.explaining import ACCESS_ACTIONS, Access, Verdict, explain
from audit.models import Event
from patients import names

# What somebody said of herself: it opens a chart and explains the access, but nobody else has confirmed it.
OWN_WORD = frozenset({"glass", "need"})
AT_ONCE = 25_000
EVIDENCE = 200  # accesses kept with an alert

TABLES = (
    "watch_access",
    "watch_pair",
    "watch_person",
    "watch_person_name",
    "watch_chart_name",
    "watch_address",
    "watch_phone",
    "watch_search",
    "watch_doubt",
    "watch_now",
    "watch_usual",
    "watch_own",
    "watch_hours",
)


@dataclass(frozen=True)
class Week:
    """Seven days of the hospital, from a Monday."""

    week_on: date

    @classmethod
    def of(cls, day: date) -> "Week":
        """The week that a day lies in."""
        return cls(day - timedelta(days=day.weekday()))

    @property
    def since(self) -> datetime:
        """The first instant."""
        return timezone.make_aware(datetime.combine(self.week_on, time.min))

    @property
    def until(self) -> datetime:
        """The first instant after it."""
        return timezone.make_aware(datetime.combine(self.week_on + timedelta(days=7), time.min))

    def as_parameters(self) -> dict[str, Any]:
        """For every statement of the run."""
        return {
            "since": self.since,
            "until": self.until,
            "week_on": self.week_on,
            "zone": settings.TIME_ZONE,
            "actions": sorted(ACCESS_ACTIONS),
            "evidence": EVIDENCE,
            "service": Role.SERVICE,
        }


ACCESSES = """
create temp table watch_access as
select e.id as event_id, e.at, extract(hour from e.at at time zone %(zone)s)::int as hour, e.actor_id, e.patient_id,
    e.action, e.event, e.object_type, e.session, e.ip, array_to_string(e.roles::text[], ' ') as roles, 1::real as doubt
from audit_event e
where e.at >= %(since)s and e.at < %(until)s and e.outcome = 'success' and e.patient_id is not null
    and e.action = any(%(actions)s)
    and exists (select from patients_patient p where p.id = e.patient_id)
    and e.actor_id in (
        select u.id from accounts_user u where not u.is_program and not exists (
            select from accounts_user_groups held join auth_group g on g.id = held.group_id
            where held.user_id = u.id and g.name = %(service)s
        )
    )
"""

SEARCHES = """
create temp table watch_search as
select e.id as event_id, e.at, e.actor_id, e.patient_ids, length(btrim(e.detail ->> 'q')) as letters,
    array_to_string(e.roles::text[], ' ') as roles
from audit_event e
where e.at >= %(since)s and e.at < %(until)s and e.outcome = 'success' and e.action = 'search'
    and e.event in ('patient.searched', 'patient.searched_outside')
    and e.actor_id in (select u.id from accounts_user u where not u.is_program)
"""

DOUBTS = """
update watch_access a set doubt = d.doubt
from unnest(%(ids)s::bigint[], %(doubts)s::real[]) as d (event_id, doubt) where d.event_id = a.event_id
"""

PAIRS = """
create temp table watch_pair as
select actor_id, patient_id, count(*)::int as accesses, sum(doubt)::real as doubt,
    count(*) filter (where object_type = 'documents.document')::int as opened,
    count(distinct (at at time zone %(zone)s)::date)::int as days, min(at) as first_at, max(at) as last_at,
    (array_agg(event_id order by doubt desc, at, event_id))[1:%(evidence)s] as event_ids
from watch_access group by actor_id, patient_id
"""

PEOPLE = """
create temp table watch_person as
select u.id as actor_id, u.created_at,
    coalesce(
        (select a.roles from watch_access a where a.actor_id = u.id order by a.at desc limit 1),
        (select s.roles from watch_search s where s.actor_id = u.id order by s.at desc limit 1)
    ) as role,
    case when not u.is_active and u.deactivated_at is not null and u.last_day is not null
        then least((u.last_day + 1)::timestamp at time zone %(zone)s, u.deactivated_at)
        when not u.is_active then u.deactivated_at
        else (u.last_day + 1)::timestamp at time zone %(zone)s end as ended_at
from accounts_user u
where u.id in (select actor_id from watch_access union select actor_id from watch_search)
"""

# A double name is found by each of its longer parts as well.
CHART_NAMES = """
create temp table watch_chart_name as
with touched as (select distinct patient_id from watch_access),
whole as (
    select p.id as patient_id, p.family_key as key from patients_patient p join touched t on t.patient_id = p.id
    union
    select n.patient_id, n.family_key from patients_patientname n join touched t on t.patient_id = n.patient_id
)
select patient_id, key from whole where key <> ''
union
select patient_id, part from whole, string_to_table(key, ' ') part where length(part) >= 4
"""

OWN_NAMES = """
insert into watch_person_name (actor_id, key)
with own as (
    select o.user_id, o.patient_id from patients_ownentry o join watch_person w on w.actor_id = o.user_id
    where o.since < %(until)s and (o.until is null or o.until >= %(since)s)
), whole as (
    select own.user_id, p.family_key as key from own join patients_patient p on p.id = own.patient_id
    union
    select own.user_id, n.family_key from own join patients_patientname n on n.patient_id = own.patient_id
)
select user_id, key from whole where key <> ''
union
select user_id, part from whole, string_to_table(key, ' ') part where length(part) >= 4
on conflict do nothing
"""

SHORT = {
    "street": "st", "avenue": "ave", "av": "ave", "road": "rd", "drive": "dr", "lane": "ln", "boulevard": "blvd",
    "court": "ct", "place": "pl", "square": "sq", "terrace": "ter", "parkway": "pkwy", "highway": "hwy",
    "north": "n", "south": "s", "east": "e", "west": "w", "apartment": "apt", "suite": "ste", "number": "no",
}  # fmt: skip


def _line(column: str) -> str:
    """SQL: an address line as it is compared, the usual words in their short form."""
    text = f"btrim(regexp_replace(lower({column}), '[^[:alnum:]]+', ' ', 'g'))"
    for long, short in SHORT.items():
        text = rf"regexp_replace({text}, '\m{long}\M', '{short}', 'g')"
    return text


ADDRESSES = rf"""
create temp table watch_address as
with wanted as (
    select patient_id from watch_pair
    union select o.patient_id from patients_ownentry o join watch_person w on w.actor_id = o.user_id
), lines as (
    select a.patient_id, {_line("a.line")} as line, left(regexp_replace(a.postal_code, '\D', '', 'g'), 5) as post,
        lower(btrim(a.city)) as city
    from patients_address a join wanted on wanted.patient_id = a.patient_id
    where a.line ~ '\d' and (a.until_on is null or a.until_on > %(week_on)s::date - 730)
)
select distinct patient_id, line || '|' || coalesce(nullif(post, ''), city) as home,
    btrim(regexp_replace(regexp_replace(line, '^\d+\w* ', ''), ' (apt|unit|ste|no|fl|floor|room) .*$', ''))
        || '|' || coalesce(nullif(post, ''), city) as street
from lines where line <> ''
"""

PHONES = """
create temp table watch_phone as
with wanted as (
    select patient_id from watch_pair
    union select o.patient_id from patients_ownentry o join watch_person w on w.actor_id = o.user_id
)
select distinct t.patient_id, right(reverse(t.digits_reversed), 10) as digits
from patients_telecom t join wanted on wanted.patient_id = t.patient_id
where t.system <> 'email' and length(t.digits_reversed) >= 7
"""

INDEXES = (
    "create index on watch_access (actor_id, patient_id, at)",
    "create unique index on watch_access (event_id)",
    "create index on watch_search (actor_id, at)",
)
LATER_INDEXES = (
    "create unique index on watch_pair (actor_id, patient_id)",
    "create index on watch_pair (patient_id)",
    "create unique index on watch_person (actor_id)",
    "create index on watch_chart_name (key)",
    "create index on watch_address (patient_id)",
    "create index on watch_phone (patient_id)",
)

ANALYZE = tuple(
    f"analyze watch_{name}"
    for name in ("pair", "person", "person_name", "chart_name", "address", "phone", "search")
)

TITLES = frozenset(
    "dr prof mr mrs ms miss mx md do rn np pa lpn cna phd msn bsn facs jr sr ii iii iv rhit rhia mba dnp".split()
)


def family_keys(name: str) -> set[str]:
    """The family name in a colleague's name as she is called, for comparing: `Dr. Ana Ruiz-Soto, RN` → ruiz soto.

    What stands behind a comma is a title, or the given name: `RUIZ, Ana`.
    """
    before, _, after = name.partition(",")
    if after and not {word for word in names.key(after).split() if word not in TITLES}:
        after = ""
    words = [word for word in before.split() if names.key(word) and names.key(word) not in TITLES]
    if not words:
        return set()
    whole = names.key(" ".join(words) if after else words[-1])
    return {whole, *(part for part in whole.split() if len(part) >= 4)} - {""}


def _run(statement: str, parameters: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def _drop() -> None:
    _run(f"drop table if exists {', '.join(f'pg_temp.{name}' for name in TABLES)}", {})


@dataclass(frozen=True)
class Counted:
    """How many accesses a week has, how many are explained, and which explanations could not be had."""

    accesses: int
    explained: int
    missing: tuple[str, ...]


def _explain(week: Week) -> Counted:
    """Write down which accesses nothing explains."""
    rows = Event.objects.filter(
        at__gte=week.since,
        at__lt=week.until,
        outcome="success",
        patient_id__isnull=False,
        action__in=ACCESS_ACTIONS,
    )
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from watch_access")
        total = int(cursor.fetchone()[0])
        cursor.execute("select event_id, at from watch_access order by at, event_id")
        explained, missing = 0, dict[str, None]()
        while batch := cursor.fetchmany(AT_ONCE):
            first, last = batch[0][1], batch[-1][1]
            wanted = {key for key, _ in batch}
            found = rows.filter(at__gte=first, at__lte=last).defer("detail", "patient_ids")
            asked = [one for row in found.iterator(AT_ONCE) if row.pk in wanted and (one := Access.of(row))]
            answers = explain(asked)
            missing |= dict.fromkeys(answers.missing)
            doubts = {}
            for key, reasons in answers.items():
                if any(one.verdict is Verdict.CONTRADICTED for one in reasons):
                    continue
                explained += 1
                doubts[key] = 0.5 if all(one.kind in OWN_WORD for one in reasons) else 0.0
            _run(DOUBTS, {"ids": list(doubts), "doubts": list(doubts.values())})
    return Counted(total, explained, tuple(missing))


def _names_of_people() -> None:
    _run("create temp table watch_person_name (actor_id uuid, key text, primary key (actor_id, key))", {})
    with connection.cursor() as cursor:
        cursor.execute("select actor_id from watch_person")
        ids = [key for (key,) in cursor.fetchall()]
    pairs = [
        (str(key), word)
        for key, name in User.objects.filter(pk__in=ids).values_list("pk", "name")
        for word in family_keys(name)
    ]
    _run(
        "insert into watch_person_name select * from unnest(%(ids)s::uuid[], %(keys)s::text[])",
        {"ids": [key for key, _ in pairs], "keys": [word for _, word in pairs]},
    )


@contextmanager
def gathered(week: Week) -> Iterator[Counted]:
    """The tables of this week while the block runs, and how much there was."""
    parameters = week.as_parameters()
    _drop()
    try:
        for statement in (ACCESSES, SEARCHES, *INDEXES, "analyze watch_access"):
            _run(statement, parameters)
        counted = _explain(week)
        for statement in (PAIRS, PEOPLE, CHART_NAMES):
            _run(statement, parameters)
        _names_of_people()
        for statement in (OWN_NAMES, ADDRESSES, PHONES, *LATER_INDEXES, *ANALYZE):
            _run(statement, parameters)
        yield counted
    finally:
        with suppress(
            DatabaseError
        ):  # after an error that broke the caller's transaction: the next run drops them
            _drop()
