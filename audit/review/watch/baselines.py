"""What is usual: learnt from the weeks before, for each role and for each person, and stored with the run.

The middle is the median, the spread 1.4826 times the median distance from it: a few people who did much do not move
them. A spread is at least what chance alone gives a count of that size.

- `watch_now`: actor_id, role and this week's measures and hours
- `watch_usual`: role, measure, middle, spread, people (weeks of people it was learnt from)
- `watch_own`: actor_id, measure, middle, spread, weeks
- `watch_hours`: actor_id, hour, own (share of her former accesses within an hour of it; NULL while she is new), peers
  (of her role's)
"""

from typing import Any

from django.db import connection

WEEKS = 8  # looked back
ENOUGH = 30  # weeks of people a role needs; below, this week's colleagues count as well
ENOUGH_HOURS = 40  # accesses of her own before somebody's hours say anything

NOW = """
create temp table watch_now as
select p.actor_id, p.role, coalesce(a.accesses, 0) as accesses, coalesce(a.charts, 0) as charts,
    coalesce(a.taken, 0) as taken, coalesce(s.searches, 0) as searches,
    coalesce(h.hours, array_fill(0, array[24])) as hours
from watch_person p
left join (
    select actor_id, count(*)::int as accesses, count(distinct patient_id)::int as charts,
        count(*) filter (where action in ('print', 'export', 'copy'))::int as taken
    from watch_access group by actor_id
) a on a.actor_id = p.actor_id
left join (select actor_id, count(*)::int as searches from watch_search group by actor_id) s on s.actor_id = p.actor_id
left join (
    select actor_id, array_agg(n order by hour) as hours
    from (
        select one.actor_id, slot.hour, count(a.event_id)::int as n
        from (select distinct actor_id from watch_access) one cross join generate_series(0, 23) as slot (hour)
        left join watch_access a on a.actor_id = one.actor_id and a.hour = slot.hour
        group by one.actor_id, slot.hour
    ) counted group by actor_id
) h on h.actor_id = p.actor_id
"""

_LONG = "cross join lateral (values ('charts', charts), ('taken', taken), ('searches', searches)) as m (measure, value)"
_BEFORE = "week_on >= %(week_on)s::date - 7 * %(weeks)s and week_on < %(week_on)s::date"
_SPREAD = (
    "greatest(1.4826 * percentile_cont(0.5) within group (order by abs(value - middle)), sqrt(middle), 1)"
)

USUAL = f"""
create temp table watch_usual as
with before as (
    select role, measure, value from review_staffweek {_LONG} where {_BEFORE}
), known as (
    select role from before where measure = 'charts' group by role having count(*) >= %(enough)s
), used as (
    select * from before
    union all
    select role, measure, value from watch_now {_LONG} where role not in (select role from known)
), middles as (
    select role, measure, percentile_cont(0.5) within group (order by value) as middle from used group by role, measure
)
select role, measure, middle, {_SPREAD} as spread, count(*)::int as people
from used join middles using (role, measure) group by role, measure, middle
"""

OWN = f"""
create temp table watch_own as
with before as (
    select user_id as actor_id, measure, value from review_staffweek {_LONG}
    where {_BEFORE} and user_id in (select actor_id from watch_now)
), middles as (
    select actor_id, measure, percentile_cont(0.5) within group (order by value) as middle
    from before group by actor_id, measure
)
select actor_id, measure, middle, {_SPREAD} as spread, count(*)::int as weeks
from before join middles using (actor_id, measure) group by actor_id, measure, middle
"""

# An hour counts with the ones beside it: a shift that began late is no other shift.
HOURS = f"""
create temp table watch_hours as
with before as (
    select user_id, role, slot.hour - 1 as hour, slot.n from review_staffweek
    cross join unnest(hours) with ordinality as slot (n, hour) where {_BEFORE}
), by_person as (
    select user_id as actor_id, hour, sum(n)::float as n from before group by user_id, hour
), by_role as (
    select role, hour, sum(n)::float as n from (
        select role, hour, n from before
        union all
        select role, slot.hour - 1, slot.n from watch_now cross join unnest(hours) with ordinality as slot (n, hour)
    ) everybody group by role, hour
), person_all as (select actor_id, sum(n) as n from by_person group by actor_id),
role_all as (select role, sum(n) as n from by_role group by role),
person_share as (
    select x.actor_id, x.hour, sum(y.n) / nullif(max(t.n), 0) as share
    from by_person x join by_person y on y.actor_id = x.actor_id and (y.hour - x.hour + 25) %% 24 <= 2
    join person_all t on t.actor_id = x.actor_id where t.n >= %(enough_hours)s group by x.actor_id, x.hour
), role_share as (
    select x.role, x.hour, sum(y.n) / nullif(max(t.n), 0) as share
    from by_role x join by_role y on y.role = x.role and (y.hour - x.hour + 25) %% 24 <= 2
    join role_all t on t.role = x.role group by x.role, x.hour
)
select now.actor_id, slot.hour, own.share as own, coalesce(peers.share, 0) as peers
from watch_now now cross join generate_series(0, 23) as slot (hour)
left join person_share own on own.actor_id = now.actor_id and own.hour = slot.hour
left join role_share peers on peers.role = now.role and peers.hour = slot.hour
"""

KEEP = """
insert into review_staffweek (user_id, week_on, role, accesses, charts, taken, searches, hours)
select actor_id, %(week_on)s, left(role, 150), accesses, charts, taken, searches, hours from watch_now order by actor_id
on conflict (user_id, week_on) do update set role = excluded.role, accesses = excluded.accesses,
    charts = excluded.charts, taken = excluded.taken, searches = excluded.searches, hours = excluded.hours
"""


def learn(parameters: dict[str, Any]) -> dict[str, Any]:
    """Make the tables above; the thresholds by role, as a run keeps them."""
    asked = {**parameters, "weeks": WEEKS, "enough": ENOUGH, "enough_hours": ENOUGH_HOURS}
    thresholds: dict[str, Any] = {}
    with connection.cursor() as cursor:
        for statement in (NOW, USUAL, OWN, HOURS):
            cursor.execute(statement, asked)
        cursor.execute("select role, measure, middle, spread, people from watch_usual order by role, measure")
        for role, measure, middle, spread, people in cursor.fetchall():
            found = {"middle": round(middle, 1), "spread": round(spread, 1), "people": people}
            thresholds.setdefault(role, {})[measure] = found
    return thresholds


def keep(parameters: dict[str, Any]) -> None:
    """Store how this week was, for the weeks to come. Call it in the transaction that stores the run."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, parameters)
