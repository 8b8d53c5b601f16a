"""What documents say about why somebody had a chart open: who wrote one, who filed one, who had one read again."""

from django.conf import settings

from audit.explaining import Explainer, ask

WROTE = """
select access.event_id, 'wrote the document', 'documents.document:' || document.id
from access join documents_document document on document.id = access.object_key
    and access.object_type = 'documents.document' and document.written_by_id = access.actor_id
    and document.filed_at <= access.at
"""

FILED = """
select distinct on (access.event_id) access.event_id,
    case when version.number = 1 then 'filed the document on ' else 'corrected the document on ' end
    || to_char(version.filed_at at time zone %(zone)s, 'DD Mon YYYY'), 'documents.document:' || version.document_id
from access join documents_documentversion version on version.document_id = access.object_key
    and access.object_type = 'documents.document' and version.filed_by_id = access.actor_id
    and version.filed_at <= access.at and access.at < version.filed_at + interval '1 day' * %(days)s
order by access.event_id, version.number desc
"""

# On the same day of the hospital, before it was filed as well: whose chart it is has to be seen first.
FILING = """
select access.event_id, 'filed ' || case count(*) when 1 then 'a document' else count(*) || ' documents' end
    || ' in this chart on that day',
    'documents.document:' || (array_agg(version.document_id order by version.filed_at))[1]
from access join documents_documentversion version on version.patient_id = access.patient_id
    and version.filed_by_id = access.actor_id
    and (version.filed_at at time zone %(zone)s)::date = (access.at at time zone %(zone)s)::date
group by access.event_id
"""

# Each chart is read once: a busy one was looked at a hundred times that day.
READING = """
with chart as (
    select distinct patient_id from access where object_type = 'documents.document' and object_key is not null
), retried as materialized (
    select again.patient_id, again.actor_id, again.object_id, again.at
    from chart join audit_event again on again.patient_id = chart.patient_id
        and again.action = 'update' and again.event = 'document.reading_retried'
        and again.at >= %(first)s - interval '1 day' and again.at <= %(last)s + interval '1 day'
)
select distinct on (access.event_id) access.event_id, 'had the document read again',
    'documents.document:' || access.object_key
from access join retried on retried.patient_id = access.patient_id
    and retried.actor_id = access.actor_id and retried.object_id = access.object_id
    and retried.at between access.at - interval '1 day' and access.at + interval '1 day'
where access.object_type = 'documents.document' and access.object_key is not null
order by access.event_id
"""

EXPLAINERS = (
    Explainer("author", "Author of the document", ask(WROTE)),
    Explainer("filer", "Filed the document", ask(FILED, days=settings.WORK_DAYS, zone=settings.TIME_ZONE)),
    Explainer("filing", "Filing in this chart", ask(FILING, zone=settings.TIME_ZONE)),
    Explainer("reading", "Reading that had failed", ask(READING)),
)
