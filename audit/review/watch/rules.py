"""What the watch looks for. Each rule is one statement over the week's tables (`gathering`, `baselines`).

Words name no patient and no relative: they stand on lists. A relation is told as what it is ("the same family name"),
and whoever may see the chart sees whose name it is.
"""

from audit.review.watch.registry import Parameter, Rule

# The user's own chart, while the records department says so.
_OWN = """patients_ownentry own on own.user_id = pair.actor_id and own.since < %(until)s
        and (own.until is null or own.until >= %(since)s)"""
_IN_FORCE = "r.since <= pair.last_at and (r.until is null or r.until > pair.first_at)"
_NONE = "null::uuid"

SAME_NAME = """
with meeting as (
    select pair.actor_id, pair.patient_id, pair.event_ids, mine.key
    from watch_person_name mine join watch_chart_name theirs on theirs.key = mine.key
    join watch_pair pair on pair.actor_id = mine.actor_id and pair.patient_id = theirs.patient_id
), held as (
    select key, 10000.0 * (select count(*) from patients_patient p where p.family_key = key)
        / greatest((select count(*) from patients_patient), 10000) as per_10000
    from (select distinct key from meeting) keys
)
select actor_id, patient_id, max(greatest(0.2, least(1, %(rare)s / greatest(per_10000, 0.1)))),
    case when min(per_10000) <= %(rare)s then 'the same family name, a rare one' else 'the same family name' end,
    (array_agg(event_ids))[1]
from meeting join held using (key) group by actor_id, patient_id
"""

SAME_HOME = f"""
with mine as (
    select pair.actor_id, pair.patient_id, pair.event_ids, own.patient_id as own_id
    from watch_pair pair join {_OWN} where own.patient_id <> pair.patient_id
), found as (
    select m.actor_id, m.patient_id, 1.0 as strength, 'lives at the same address' as words
    from mine m join watch_address a on a.patient_id = m.own_id
    join watch_address b on b.patient_id = m.patient_id and b.home = a.home
    union all
    select m.actor_id, m.patient_id, 0.8, 'has the same telephone number'
    from mine m join watch_phone a on a.patient_id = m.own_id
    join watch_phone b on b.patient_id = m.patient_id and b.digits = a.digits
    union all
    select m.actor_id, m.patient_id, %(street)s / 100.0, 'lives in the same street'
    from mine m join watch_address a on a.patient_id = m.own_id
    join watch_address b on b.patient_id = m.patient_id and b.street = a.street and b.home <> a.home
), best as (
    select distinct on (actor_id, patient_id) * from found order by actor_id, patient_id, strength desc, words
)
select best.actor_id, best.patient_id, best.strength, best.words, pair.event_ids
from best join watch_pair pair using (actor_id, patient_id)
"""


def _that_week(table: str) -> str:
    return f"{table}.since < %(until)s and ({table}.until is null or {table}.until >= %(since)s)"


CO_WORKER = f"""
with theirs as (
    select pair.actor_id, pair.patient_id, pair.event_ids, colleague.user_id as colleague_id
    from watch_pair pair join patients_ownentry colleague on colleague.patient_id = pair.patient_id
        and colleague.user_id <> pair.actor_id and {_that_week("colleague")}
), judged as (
    select theirs.*, exists (
        select from patients_workplace a join patients_workplace b on b.location_id = a.location_id
        where a.user_id = theirs.actor_id and b.user_id = theirs.colleague_id
            and {_that_week("a")} and {_that_week("b")}
    ) or exists (
        select from accounts_user x where x.id in (theirs.actor_id, theirs.colleague_id)
            and x.manager_id in (theirs.actor_id, theirs.colleague_id)
    ) or exists (
        select from accounts_user x join accounts_user y on y.manager_id = x.manager_id
        where x.id = theirs.actor_id and y.id = theirs.colleague_id
    ) as is_near
    from theirs
)
select actor_id, patient_id, case when bool_or(is_near) then 1.0 else %(elsewhere)s / 100.0 end,
    case when bool_or(is_near) then 'a colleague of the same workplace or the same manager'
    else 'somebody who works in the house' end, (array_agg(event_ids))[1]
from judged group by actor_id, patient_id
"""

OWN_RECORD = f"""
select pair.actor_id, pair.patient_id, 1.0, 'their own chart', pair.event_ids
from watch_pair pair join {_OWN} and own.patient_id = pair.patient_id
"""

IN_THE_PUBLIC_EYE = f"""
select pair.actor_id, pair.patient_id, 1.0, 'a chart restricted because the person is in the public eye',
    pair.event_ids
from watch_pair pair where exists (
    select from patients_chartrestriction r where r.patient_id = pair.patient_id and r.kind = 'vip' and {_IN_FORCE}
)
"""

RESTRICTED = f"""
select pair.actor_id, pair.patient_id, max(case r.kind when 'employee' then 0.5 else 1.0 end),
    (array_agg(case r.kind when 'family' then 'a chart of this person''s own family'
        when 'person' then 'a chart closed to this person' when 'legal' then 'a chart closed by law or court order'
        else 'a chart restricted because the person works here' end order by r.kind desc))[1],
    (array_agg(pair.event_ids))[1]
from watch_pair pair join patients_chartrestriction r on r.patient_id = pair.patient_id and {_IN_FORCE}
    and (r.kind in ('legal', 'employee') or r.kind in ('family', 'person') and r.user_id = pair.actor_id)
group by pair.actor_id, pair.patient_id
"""

DECEASED = """
select pair.actor_id, pair.patient_id, 1.0,
    'the patient died ' || ((pair.last_at at time zone %(zone)s)::date - p.deceased_on) || ' days before',
    pair.event_ids
from watch_pair pair join patients_patient p on p.id = pair.patient_id
where (pair.last_at at time zone %(zone)s)::date - p.deceased_on > %(days)s
"""

CHILD = """
select pair.actor_id, pair.patient_id, 1.0, 'a child at home with this person, or of the same name', pair.event_ids
from watch_pair pair join patients_patient p on p.id = pair.patient_id
where p.birth_date > (pair.last_at at time zone %(zone)s)::date - %(years)s * interval '1 year' and (
    exists (
        select from watch_person_name mine join watch_chart_name theirs on theirs.key = mine.key
        where mine.actor_id = pair.actor_id and theirs.patient_id = pair.patient_id
    ) or exists (
        select from patients_ownentry own join watch_address a on a.patient_id = own.patient_id
        join watch_address b on b.home = a.home and b.patient_id = pair.patient_id
        where own.user_id = pair.actor_id and own.patient_id <> pair.patient_id and own.until is null
    )
)
"""

DECOY = f"""
select pair.actor_id, pair.patient_id, 1.0, 'a decoy: a chart of nobody', pair.event_ids
from watch_pair pair where exists (
    select from review_decoychart r where r.patient_id = pair.patient_id and {_IN_FORCE}
)
"""

# Nothing of the hospital's own doings with the patient, for a long while: neither a stay, nor a request, nor filing.
NO_RELATION = """
with doubtful as (
    select pair.*, not exists (
        select from patients_encounter e where e.patient_id = pair.patient_id
            and e.started_at <= pair.last_at + interval '2 days'
            and (e.ended_at is null or e.ended_at > pair.first_at - interval '1 day' * %(quiet_days)s)
    ) and not exists (
        select from release_recordrequest q where q.patient_id = pair.patient_id and q.created_at <= pair.last_at
            and (q.closed_at is null or q.closed_at > pair.first_at - interval '30 days')
    ) and not exists (
        select from documents_documentversion v where v.patient_id = pair.patient_id
            and v.filed_at between pair.first_at - interval '30 days' and pair.last_at
    ) as is_quiet
    from watch_pair pair where pair.doubt > 0
)
select actor_id, patient_id,
    least(1.0, 0.3 + 0.25 * is_quiet::int + 0.25 * (days > 1)::int + 0.2 * (opened >= %(documents)s)::int
        + 0.1 * (accesses >= %(looks)s)::int),
    concat_ws('; ', case when doubt < accesses * 0.75 then 'little explains it' else 'nothing explains it' end,
        case when is_quiet then 'nothing happened in this chart for a long while' end,
        case when days > 1 then 'looked on ' || days || ' days' end,
        case when opened >= %(documents)s then opened || ' documents and pages read' end), event_ids
from doubtful
"""

# A night that began on the last day ends on the next: what is explained within the hours of a shift counts a fifth.
EMPLOYMENT = """
select actor_id, patient_id,
    case when bool_and(doubt = 0 and at < ended_at + interval '1 hour' * %(hours)s) then 0.2 else 1.0 end,
    'looked after the last day, or while switched off', array_agg(event_id order by at)
from watch_access join watch_person using (actor_id) where at >= ended_at + interval '1 minute' * %(minutes)s
group by actor_id, patient_id
union all
select actor_id, patient_id, 1.0, 'looked before the account was made', array_agg(event_id order by at)
from watch_access join watch_person using (actor_id) where at < created_at group by actor_id, patient_id
"""

ODD_HOURS = """
select a.actor_id, a.patient_id,
    max(case when h.own is null then 0.6 when h.peers <= %(share)s / 100.0 then 1.0 else 0.5 end),
    'at ' || to_char(min(a.at) at time zone %(zone)s, 'HH24:MI') || case when max(h.own) is null
        then ', when colleagues hardly work' else ', when this person hardly works' end,
    array_agg(a.event_id order by a.at)
from watch_access a join watch_hours h on h.actor_id = a.actor_id and h.hour = a.hour
where coalesce(h.own, h.peers) <= %(share)s / 100.0
group by a.actor_id, a.patient_id
"""


def _excess(measure: str) -> str:
    """SQL: how far this week stands out, by the role's thresholds and by the person's own weeks."""
    return f"""
    select now.actor_id, now.{measure} as value, usual.middle as usual, own.middle as own,
        (now.{measure} - usual.middle) / usual.spread as z,
        case when own.weeks >= 3 then (now.{measure} - own.middle) / own.spread end as own_z
    from watch_now now join watch_usual usual on usual.role = now.role and usual.measure = '{measure}'
    left join watch_own own on own.actor_id = now.actor_id and own.measure = '{measure}'
    """


VOLUME = f"""
with excess as ({_excess("charts")})
select actor_id, {_NONE}, least(1.0, 0.5 + (least(z, coalesce(own_z, z)) - %(times)s) / (2 * %(times)s)),
    value || ' charts in the week; colleagues of the role open about ' || round(usual)
        || coalesce(', this person ' || round(own), ''),
    (select array_agg(event_id) from (
        select event_id from watch_access a where a.actor_id = excess.actor_id
        order by doubt desc, at limit %(evidence)s
    ) shown)
from excess where value >= %(charts)s and z >= %(times)s and coalesce(own_z, z) >= %(times)s
"""

TAKEN_OUT = f"""
with excess as ({_excess("taken")}), taken as (
    select actor_id, at, event_id, doubt, count(*) over (
        partition by actor_id order by at range between interval '1 hour' preceding and current row
    ) as within
    from watch_access where action in ('print', 'export', 'copy')
), burst as (
    select actor_id, max(within) as most, (array_agg(event_id order by doubt desc, at))[1:%(evidence)s] as event_ids
    from taken group by actor_id
)
select burst.actor_id, {_NONE}, least(1.0, 0.5 + burst.most / (4.0 * %(in_an_hour)s)),
    burst.most || ' prints and downloads within an hour, ' || excess.value || ' in the week; colleagues about '
        || round(excess.usual), burst.event_ids
from burst join excess using (actor_id)
where burst.most >= %(in_an_hour)s and z >= %(times)s and coalesce(own_z, z) >= %(times)s
"""

SEARCHING = f"""
with excess as ({_excess("searches")}), judged as (
    select s.actor_id, s.event_id, s.at, s.letters, exists (
        select from watch_access a where a.actor_id = s.actor_id and a.patient_id = any(s.patient_ids)
            and a.at between s.at and s.at + interval '15 minutes'
    ) as is_opened
    from watch_search s
), counted as (
    select actor_id, count(*) as searches, count(*) filter (where not is_opened) as unopened,
        count(*) filter (where letters between 1 and 2) as short,
        (array_agg(event_id order by is_opened, at))[1:%(evidence)s] as event_ids
    from judged group by actor_id
)
select actor_id, {_NONE}, least(1.0, 0.6 + 0.4 * (short >= %(letters)s)::int),
    searches || ' searches, ' || unopened || ' of them without opening anybody found'
        || case when short > 0 then ', ' || short || ' for one or two letters' else '' end, event_ids
from counted join excess using (actor_id)
where short >= %(letters)s and unopened * 2 >= searches
    or searches >= %(searches)s and unopened * 100 >= searches * %(unopened)s
        and z >= %(times)s and coalesce(own_z, z) >= %(times)s
"""

GLASS = """
select g.user_id, g.patient_id, 1.0, 'broke the glass, and nothing of care followed', pair.event_ids
from patients_glassbreak g join watch_pair pair on pair.actor_id = g.user_id and pair.patient_id = g.patient_id
where not g.is_drill and g.opened_at >= %(since)s and g.opened_at < %(until)s
    and not exists (
        select from patients_encounter e where e.patient_id = g.patient_id
            and e.started_at <= g.opened_at + interval '1 hour' * %(hours)s
            and (e.ended_at is null or e.ended_at > g.opened_at - interval '1 hour' * %(hours)s)
    ) and not exists (
        select from patients_consult c where c.patient_id = g.patient_id and c.asked_of_id = g.user_id
            and c.asked_at between g.opened_at - interval '1 hour' * %(hours)s
                and g.opened_at + interval '1 hour' * %(hours)s
    ) and not exists (
        select from watch_access a where a.actor_id = g.user_id and a.patient_id = g.patient_id
            and a.action in ('create', 'update', 'sign')
    )
"""

TWO_PLACES = f"""
with steps as (
    select actor_id, at, event_id, ip, session, lag(ip) over own as ip_before, lag(session) over own as session_before,
        lag(at) over own as at_before
    from watch_access where ip is not null window own as (partition by actor_id order by at, event_id)
), jumps as (
    select actor_id, at, event_id from steps
    where ip <> ip_before and session <> session_before and at - at_before <= interval '1 minute' * %(minutes)s
), counted as (
    select actor_id, event_id, at, count(*) over (
        partition by actor_id order by at range between interval '1 hour' preceding and current row
    ) as within
    from jumps
)
select actor_id, {_NONE}, least(1.0, 0.4 + 0.1 * max(within)),
    'at two places at once: ' || max(within) || ' changes of place within an hour, each within minutes',
    (array_agg(event_id order by at))[1:%(evidence)s]
from counted group by actor_id having max(within) >= %(jumps)s
"""

_TIMES = Parameter("times", "How many times the usual spread above the usual", 4, 1, 50)

RULES = (
    Rule(
        "decoy",
        "Decoy chart",
        "A chart that the compliance office keeps so that nobody has a reason to open it.",
        100,
        DECOY,
        sinks=False,
    ),
    Rule("own-record", "Own chart", "Somebody's own chart, opened from the inside.", 60, OWN_RECORD, sinks=False),
    Rule(
        "same-name",
        "Same family name",
        "Patient and colleague have or had the same family name; a common name counts less than a rare one.",
        40,
        SAME_NAME,
        (Parameter("rare", "A name is rare up to so many in ten thousand patients", 5, 0.1, 500),),
    ),
    Rule(
        "same-home",
        "Same household or street",
        "The patient has the address, the telephone number or the street of the colleague's own chart.",
        50,
        SAME_HOME,
        (Parameter("street", "What the same street alone counts, of a hundred", 40, 0, 100),),
    ),
    Rule(
        "child",
        "A child of the family",
        "A minor of the same home or family name: parents ask the records department like everybody.",
        25,
        CHILD,
        (Parameter("years", "A child is younger than so many years", 18, 1, 25),),
    ),
    Rule(
        "co-worker",
        "Co-worker",
        "The chart of somebody who works here, above all of the same workplace or under the same manager.",
        45,
        CO_WORKER,
        (Parameter("elsewhere", "What somebody from elsewhere in the house counts, of a hundred", 40, 0, 100),),
    ),
    Rule(
        "public-eye",
        "Somebody in the public eye",
        "A chart restricted as that of somebody in the public eye.",
        50,
        IN_THE_PUBLIC_EYE,
    ),
    Rule(
        "restricted",
        "Restricted or closed chart",
        "A chart closed by law or to this person, of this person's own family, or of an employee.",
        40,
        RESTRICTED,
    ),
    Rule(
        "deceased",
        "Long after death",
        "The patient had died long before.",
        40,
        DECEASED,
        (Parameter("days", "So many days after the death", 30, 0, 3650),),
    ),
    Rule(
        "no-relation",
        "No relation to the patient",
        "Nothing that the hospital knows explains the looks; more when nothing had happened in the chart, on several "
        "days, or when much was read.",
        50,
        NO_RELATION,
        (
            Parameter("quiet_days", "Quiet means: no stay for so many days", 60, 1, 3650),
            Parameter("documents", "So many documents and pages are much", 4, 1, 1000),
            Parameter("looks", "So many looks are many", 8, 1, 1000),
        ),
    ),
    Rule(
        "employment",
        "After the last day, or before the first",
        "Looks with an account that was to be closed already, or not to be there yet.",
        80,
        EMPLOYMENT,
        (
            Parameter("minutes", "So many minutes are forgiven", 30, 0, 1440),
            Parameter("hours", "So many hours, if explained, may be a shift that began before", 12, 0, 72),
        ),
        sinks=False,
    ),
    Rule(
        "odd-hours",
        "Odd hours",
        "At an hour in which this person, and colleagues of the role, hardly ever work.",
        20,
        ODD_HOURS,
        (Parameter("share", "Up to so many in a hundred of the former looks, give or take an hour", 1, 0, 20),),
    ),
    Rule(
        "volume",
        "Many charts",
        "Far more charts in the week than colleagues of the role open, and than this person does.",
        60,
        VOLUME,
        (_TIMES, Parameter("charts", "At least so many charts", 25, 1, 10_000)),
    ),
    Rule(
        "taken-out",
        "Burst of prints and downloads",
        "Many prints, downloads and exports within an hour, far above what is usual.",
        70,
        TAKEN_OUT,
        (_TIMES, Parameter("in_an_hour", "At least so many within an hour", 10, 2, 1000)),
    ),
    Rule(
        "searching",
        "Searching without opening",
        "Many searches that lead to no chart, or for one or two letters: browsing through names.",
        60,
        SEARCHING,
        (
            _TIMES,
            Parameter("searches", "At least so many searches", 25, 1, 10_000),
            Parameter("unopened", "So many in a hundred without opening anybody", 80, 1, 100),
            Parameter("letters", "So many for one or two letters", 10, 1, 1000),
        ),
        sinks=False,
    ),
    Rule(
        "glass",
        "Glass without follow-up",
        "Glass was broken, and neither a stay, nor a consult, nor an entry of that person stands beside it.",
        60,
        GLASS,
        (Parameter("hours", "So many hours before and after", 72, 1, 720),),
    ),
    Rule(
        "two-places",
        "Two places at once",
        "One name at work from two addresses in turns, each time within minutes.",
        60,
        TWO_PLACES,
        (
            Parameter("minutes", "So many minutes from one place to the other", 3, 0.1, 60),
            Parameter("jumps", "So many changes within an hour", 4, 2, 100),
        ),
        sinks=False,
    ),
)  # fmt: skip
