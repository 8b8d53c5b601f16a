"""What the person index knows about why somebody had a chart open: as it was at the time, not as it is now.

Who attends a patient, and on which unit she lies, is overwritten when it changes; the log keeps by which of them the
chart opened then, and so says it for the former ones.
"""

import json

from django.conf import settings

from accounts.explainers import role_allows
from audit.explaining import Explainer, Verdict, ask
from patients.models import GlassReason, Restriction

# Care ends some time after a patient's death, whatever was left open in the index.
_ALIVE = """join patients_patient patient on patient.id = access.patient_id and (
    patient.deceased_on is null
    or access.at < (patient.deceased_on + 1 + %(care_days)s)::timestamp at time zone %(zone)s
)"""
_UNDER_WAY = """encounter.started_at <= access.at
    and (encounter.ended_at is null or access.at < encounter.ended_at)"""
_ENDED_LATELY = """encounter.ended_at <= access.at
    and access.at < encounter.ended_at + interval '1 day' * %(care_days)s"""
# Of a sensitive document the log notes after this what opened its labels.
_OPENED_BY = "split_part(access.reason, '; labels ', 1)"
_CARE = {"care_days": settings.CARE_DAYS, "zone": settings.TIME_ZONE}

ATTENDING = f"""
select access.event_id, 'attending of encounter ' || encounter.number, 'patients.encounter:' || encounter.id
from access {_ALIVE}
join patients_encounter encounter on encounter.patient_id = access.patient_id and {_UNDER_WAY}
where encounter.attending_id = access.actor_id or {_OPENED_BY} = 'attending: encounter ' || encounter.number
"""

CARE_TEAM = f"""
select access.event_id, 'care team of encounter ' || encounter.number, 'patients.encounter:' || encounter.id
from access {_ALIVE}
join patients_careteammember member on member.patient_id = access.patient_id and member.user_id = access.actor_id
    and member.since <= access.at and (member.until is null or access.at < member.until)
join patients_encounter encounter on encounter.id = member.encounter_id
    and (encounter.ended_at is null or access.at < encounter.ended_at)
"""

UNIT = f"""
select access.event_id, 'works on ' || location.name || ', encounter ' || encounter.number,
    'patients.encounter:' || encounter.id
from access {_ALIVE}
join patients_encounter encounter on encounter.patient_id = access.patient_id and {_UNDER_WAY}
join patients_workplace workplace on workplace.user_id = access.actor_id
    and workplace.location_id = encounter.location_id
    and workplace.since <= access.at and (workplace.until is null or access.at < workplace.until)
join patients_location location on location.id = encounter.location_id
union
select access.event_id, 'works on ' || substr({_OPENED_BY}, length('unit: ') + 1),
    'patients.encounter:' || encounter.id
from access {_ALIVE}
join patients_encounter encounter on encounter.patient_id = access.patient_id and {_UNDER_WAY}
where starts_with(access.reason, 'unit: ')
    and right({_OPENED_BY}, length(encounter.number) + 12) = ', encounter ' || encounter.number
"""

RECENT = f"""
select access.event_id, 'attended encounter ' || encounter.number || ' until '
    || to_char(encounter.ended_at at time zone %(zone)s, 'DD Mon YYYY'), 'patients.encounter:' || encounter.id
from access {_ALIVE}
join patients_encounter encounter on encounter.patient_id = access.patient_id
    and encounter.attending_id = access.actor_id and {_ENDED_LATELY}
union
select access.event_id, 'care team of encounter ' || encounter.number || ' until '
    || to_char(encounter.ended_at at time zone %(zone)s, 'DD Mon YYYY'), 'patients.encounter:' || encounter.id
from access {_ALIVE}
join patients_careteammember member on member.patient_id = access.patient_id and member.user_id = access.actor_id
    and member.since <= access.at
join patients_encounter encounter on encounter.id = member.encounter_id and {_ENDED_LATELY}
"""

CONSULT = f"""
select access.event_id, 'asked for a consult on '
    || to_char(consult.asked_at at time zone %(zone)s, 'DD Mon YYYY'), 'patients.consult:' || consult.id
from access {_ALIVE}
join patients_consult consult on consult.patient_id = access.patient_id and consult.asked_of_id = access.actor_id
    and consult.asked_at <= access.at and (consult.answered_at is null or access.at < consult.answered_at)
"""

APPOINTMENT = f"""
select access.event_id, 'appointment of encounter ' || encounter.number || ' on '
    || to_char(encounter.started_at at time zone %(zone)s, 'DD Mon YYYY'), 'patients.encounter:' || encounter.id
from access {_ALIVE}
join patients_encounter encounter on encounter.patient_id = access.patient_id
    and access.at < encounter.started_at and encounter.started_at <= access.at + interval '1 hour' * %(hours)s
where encounter.attending_id = access.actor_id or exists (
    select from patients_workplace workplace
    where workplace.user_id = access.actor_id and workplace.location_id = encounter.location_id
        and workplace.since <= access.at and (workplace.until is null or access.at < workplace.until)
)
"""

GRANT = """
select access.event_id, 'let in by ' || giver.username || ': ' || allowed.reason,
    'patients.patientgrant:' || allowed.id
from access join patients_patientgrant allowed on allowed.patient_id = access.patient_id
    and allowed.user_id = access.actor_id and allowed.created_at <= access.at and access.at < allowed.expires_at
    and (allowed.revoked_at is null or access.at < allowed.revoked_at)
join accounts_user giver on giver.id = allowed.given_by_id
"""

NEED = """
select access.event_id, 'said why: ' || need.reason, 'patients.statedneed:' || need.id
from access join patients_statedneed need on need.patient_id = access.patient_id
    and need.user_id = access.actor_id and need.since <= access.at
    and (need.until is null or access.at < need.until)
"""

_GLASS_OPEN = """glass.patient_id = access.patient_id and glass.user_id = access.actor_id
    and not glass.is_drill and glass.opened_at <= access.at
    and access.at < coalesce(glass.ended_at, glass.expires_at)"""

GLASS = f"""
select access.event_id, coalesce(%(reasons)s::jsonb ->> glass.reason_code, glass.reason_code) || ': ' || glass.reason,
    'patients.glassbreak:' || glass.id
from access join patients_glassbreak glass on {_GLASS_OPEN}
"""

# Only what opened by it: somebody's everyday work goes on in an emergency.
EMERGENCY = f"""
select access.event_id, 'emergency of the house: ' || emergency.reason, 'accounts.houseemergency:' || emergency.id
from access join accounts_houseemergency emergency
    on {_OPENED_BY} = 'house emergency: ' || emergency.id and not emergency.is_drill
    and emergency.confirmed_at <= access.at and access.at < coalesce(emergency.ended_at, emergency.expires_at)
"""

# The index was worked on by the same person: in the same session within half a day, or within the hour.
WORKED_ON = """
select distinct on (access.event_id) access.event_id,
    case work.event when 'patient.registered' then 'registered the patient' when 'patient.updated' then
    'changed the patient''s identity' when 'encounter.team_joined' then 'changed the care team'
    when 'encounter.team_left' then 'changed the care team' else 'entered an encounter' end, 'audit.event:' || work.id
from access join audit_event work on work.patient_id = access.patient_id and work.actor_id = access.actor_id
    and work.action in ('create', 'update') and work.event = any(string_to_array(%(work)s, ' '))
    and work.outcome = 'success'
    and work.at >= %(first)s - interval '12 hours' and work.at <= %(last)s + interval '12 hours'
    and work.at >= access.at - interval '12 hours' and work.at <= access.at + interval '12 hours'
where (work.session = access.session and access.session <> '')
    or work.at between access.at - interval '1 hour' and access.at + interval '1 hour'
order by access.event_id, work.at, work.id
"""

# Who keeps the charts completes those of patients who went home: the role alone explains nothing.
DISCHARGED = f"""
select access.event_id, 'discharge work: encounter ' || encounter.number || ' ended on '
    || to_char(encounter.ended_at at time zone %(zone)s, 'DD Mon YYYY'), 'patients.encounter:' || encounter.id
from access join patients_encounter encounter on encounter.patient_id = access.patient_id
    and encounter.ended_at <= access.at and access.at < encounter.ended_at + interval '1 day' * %(days)s
where {role_allows("patients.edit_encounter")}
"""

OWN_CHART = """
select access.event_id, 'their own chart', 'patients.ownentry:' || entry.id
from access join patients_ownentry entry on entry.patient_id = access.patient_id and entry.user_id = access.actor_id
    and entry.since <= access.at and (entry.until is null or access.at < entry.until)
"""

CLOSED = f"""
select access.event_id, case when closed.user_id is null then 'the chart was closed by law or court order'
    else 'the chart was closed to this person' end, 'patients.chartrestriction:' || closed.id
from access join patients_chartrestriction closed on closed.patient_id = access.patient_id
    and closed.since <= access.at and (closed.until is null or access.at < closed.until)
where closed.kind = %(person)s and closed.user_id = access.actor_id
    or closed.kind = %(legal)s and not exists (
        select from patients_glassbreak glass where {_GLASS_OPEN} and glass.reason_code = %(emergency)s
    )
"""

EXPLAINERS = (
    Explainer("attending", "Attending", ask(ATTENDING, **_CARE)),
    Explainer("care_team", "Care team", ask(CARE_TEAM, **_CARE)),
    Explainer("unit", "Unit of the stay", ask(UNIT, **_CARE)),
    Explainer("recent_stay", "Stay that ended lately", ask(RECENT, **_CARE)),
    Explainer("consult", "Consult", ask(CONSULT, **_CARE)),
    Explainer("appointment", "Appointment", ask(APPOINTMENT, hours=settings.APPOINTMENT_HOURS, **_CARE)),
    Explainer("grant", "Let in by name", ask(GRANT)),
    Explainer("need", "Stated need", ask(NEED)),
    Explainer("glass", "Broken glass", ask(GLASS, reasons=json.dumps(dict(GlassReason.choices)))),
    Explainer("emergency", "House emergency", ask(EMERGENCY)),
    Explainer(
        "identity_work",
        "Work on the index",
        ask(
            WORKED_ON,
            work="patient.registered patient.updated encounter.opened encounter.updated encounter.closed"
            " encounter.team_joined encounter.team_left",
        ),
    ),
    Explainer(
        "discharge", "Discharge work", ask(DISCHARGED, days=settings.WORK_DAYS, zone=settings.TIME_ZONE)
    ),
    Explainer("own_chart", "Own chart", ask(OWN_CHART), Verdict.CONTRADICTED),
    Explainer(
        "closed",
        "Closed chart",
        ask(CLOSED, person=Restriction.PERSON, legal=Restriction.LEGAL, emergency=GlassReason.EMERGENCY),
        Verdict.CONTRADICTED,
    ),
)
