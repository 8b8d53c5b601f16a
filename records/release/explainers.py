"""What requests for records say about why somebody had a chart open: one was in her hands, or waited for her yes."""

from accounts.explainers import role_allows
from audit.explaining import Explainer, ask

# A day more: the answer goes out, and what was sent is looked at once again. An hour before it is logged: the chart is
# looked for first. Whose a request was is overwritten when it is given to somebody else; the log keeps what was there
# before, so the first change after the access tells who had it then. A request's changes are read once, whoever looked.
REQUEST = """
with near as (
    select access.event_id, access.at, access.actor_id, request.*
    from access join release_recordrequest request on request.patient_id = access.patient_id
        and request.created_at - interval '1 hour' <= access.at
        and (request.closed_at is null or access.at < request.closed_at + interval '1 day')
), handed_on as (
    select request.id, changed.at,
        jsonb_path_query_first(changed.detail, '$.changes[*].fields.assigned_to[0]') #>> '{}' as assigned_to
    from (select distinct id, patient_id, closed_at from near) request
    join audit_event changed on changed.patient_id = request.patient_id and changed.at > %(first)s
        and changed.at <= coalesce(request.closed_at, statement_timestamp())
        and changed.action = 'update' and changed.event = 'request.updated' and changed.object_id = request.id::text
        and changed.detail @? '$.changes[*].fields.assigned_to'
), then_held as (
    select distinct on (near.event_id, near.id) near.*,
        case when handed_on.id is null then near.assigned_to_id::text else handed_on.assigned_to end as holder
    from near left join handed_on on handed_on.id = near.id and handed_on.at > near.at
    order by near.event_id, near.id, handed_on.at
)
select event_id, 'request ' || number || ' in hand', 'release.recordrequest:' || id
from then_held request
where logged_by_id = actor_id or created_at <= at and (
    holder = actor_id::text
    or exists (select from release_evidence evidence
        where evidence.request_id = request.id and evidence.added_by_id = actor_id)
    or exists (select from release_release release
        where release.request_id = request.id and actor_id in (release.asked_by_id, release.delivered_by_id))
)
"""

APPROVAL = f"""
select access.event_id, 'agreement to the package of request ' || request.number || ' asked for',
    'release.release:' || release.id
from access join release_release release on release.patient_id = access.patient_id and release.needs_approval
    and release.built_at <= access.at and release.asked_by_id <> access.actor_id
    and (release.approved_at is null or access.at < release.approved_at + interval '1 hour')
join release_recordrequest request on request.id = release.request_id
    and (request.closed_at is null or access.at < request.closed_at)
where release.approved_by_id = access.actor_id
    or release.status <> 'withdrawn' and {role_allows("release.approve_release")}
"""

EXPLAINERS = (
    Explainer("request", "Request for records in hand", ask(REQUEST)),
    Explainer("approval", "Release to agree to", ask(APPROVAL)),
)
