"""What the person index knows about why somebody had a chart open: as it was at the time, not as it is now."""

from django.conf import settings

from audit.explaining import Explainer, ask

ATTENDING = """
select access.event_id, 'attending of encounter ' || encounter.number, 'patients.encounter:' || encounter.id
from access join patients_encounter encounter
    on encounter.patient_id = access.patient_id and encounter.attending_id = access.actor_id
    and encounter.started_at - interval '1 hour' * %s <= access.at
    and (encounter.ended_at is null or access.at < encounter.ended_at + interval '1 day' * %s)
"""

EXPLAINERS = (
    Explainer("attending", "Attending", ask(ATTENDING, [settings.APPOINTMENT_HOURS, settings.CARE_DAYS])),
)
