"""Why the compliance office itself had a chart open: a review of broken glass or a case was to be worked on."""

from accounts.explainers import role_allows
from audit.explaining import Explainer, ask

GLASS_REVIEW = f"""
select access.event_id, 'broken glass to review', 'review.glassreview:' || review.id
from access join review_glassreview review on review.created_at <= access.at
    and (review.decided_at is null or access.at < review.decided_at + interval '1 hour')
    and review.subject_id <> access.actor_id and review.second_id is distinct from access.actor_id
    and (review.patient_id = access.patient_id or review.emergency_id is not null and exists (
        select from audit_event opened
        where opened.patient_id = access.patient_id
            and starts_with(opened.reason, 'house emergency: ' || review.emergency_id)
            and opened.at >= review.created_at and opened.at <= access.at
    ))
where {role_allows("review.review_glass")}
"""

# Any officer but its subject: a case is handed on, and a second one looks at what the first has found.
CASE = f"""
select access.event_id, 'case ' || matter.number || ' in hand', 'review.case:' || matter.id
from access
join review_casepatient link on link.patient_id = access.patient_id and link.created_at <= access.at
join review_case matter on matter.id = link.case_id and matter.subject_id is distinct from access.actor_id
    and (matter.closed_at is null or access.at < matter.closed_at + interval '1 hour')
where {role_allows("review.work_cases")}
"""

EXPLAINERS = (
    Explainer("glass_review", "Review of broken glass", ask(GLASS_REVIEW)),
    Explainer("case", "Case in hand", ask(CASE)),
)
