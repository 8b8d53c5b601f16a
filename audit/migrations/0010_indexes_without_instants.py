"""Smaller indexes on the log: a chart's events by chart alone, a person's by person and day.

With the instant in the key every entry was different: 54 and 63 bytes an event. Without it PostgreSQL keeps one key for many
events: 7 and 10. A month's events of one chart, or a day's of one person, are few enough to be put in order when asked for.
What changed a chart is asked for by chart and instant (why somebody had it open), and rare.
"""

from django.db import migrations

FORWARDS = """
drop index audit_event_patient;
create index audit_event_patient on audit_event (patient_id) where patient_id is not null;
drop index audit_event_actor;
create index audit_event_actor on audit_event (actor_id, date_trunc('day', at at time zone 'UTC'));
create index audit_event_changes on audit_event (patient_id, at)
    where patient_id is not null and action in ('create', 'update');
"""

BACKWARDS = """
drop index audit_event_changes;
drop index audit_event_patient;
create index audit_event_patient on audit_event (patient_id, at) where patient_id is not null;
drop index audit_event_actor;
create index audit_event_actor on audit_event (actor_id, at);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0009_stamps")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
