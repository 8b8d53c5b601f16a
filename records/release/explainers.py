"""What requests for records say about why somebody had a chart open: one was in her hands, or waited for her yes."""

from accounts.explainers import role_allows
from audit.explaining import Explainer, ask

# Whose a request was is overwritten when it is given to somebody else; the log keeps what was there before, so the
# first change after the access tells who had it then.
_ASSIGNED_THEN = """coalesce((
    select (array_agg(jsonb_path_query_first(changed.detail, '$.changes[*].fields.assigned_to[0]') #>> '{}'
        order by changed.at))[1]
    from audit_event changed
    where changed.patient_id = request.patient_id and changed.at > access.at
        and changed.at <= coalesce(request.closed_at, statement_timestamp())
        and changed.event = 'request.updated' and changed.object_id = request.id::text
        and changed.detail @? '$.changes[*].fields.assigned_to'
), request.assigned_to_id::text) = access.actor_id::text"""

# A day more: the answer goes out, and what was sent is looked at once again. An hour before it is logged: the chart is
# looked for first.
REQUEST = f"""
select access.event_id, 'request ' || request.number || ' in hand', 'release.recordrequest:' || request.id
from access join release_recordrequest request on request.patient_id = access.patient_id
    and request.created_at - interval '1 hour' <= access.at
    and (request.closed_at is null or access.at < request.closed_at + interval '1 day')
where request.logged_by_id = access.actor_id or request.created_at <= access.at and (
    {_ASSIGNED_THEN}
    or exists (select from release_evidence evidence
        where evidence.request_id = request.id and evidence.added_by_id = access.actor_id)
    or exists (select from release_release release
        where release.request_id = request.id and access.actor_id in (release.asked_by_id, release.delivered_by_id))
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
