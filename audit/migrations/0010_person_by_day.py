"""A person's events by person and day; what changed a chart by itself.

With the instant in the key every entry was different: 63 bytes an event. With the day PostgreSQL keeps one key for many
events: 10. A person's day is few enough to be put in order when asked for; a busy chart's month is not, so the index by chart
keeps its instants. What changed a chart is asked for by chart and instant (why somebody had it open), and rare.
"""

from django.db import migrations

# A former form of this step, 0010_indexes_without_instants, made the index of what changed a chart, and the one by chart
# without its instants: where it was run, both are made anew.
FORWARDS = """
drop index if exists audit_event_changes;
drop index audit_event_patient;
create index audit_event_patient on audit_event (patient_id, at) where patient_id is not null;
drop index audit_event_actor;
create index audit_event_actor on audit_event (actor_id, date_trunc('day', at at time zone 'UTC'));
create index audit_event_changes on audit_event (patient_id, at)
    where patient_id is not null and action in ('create', 'update');
"""

BACKWARDS = """
drop index audit_event_changes;
drop index audit_event_actor;
create index audit_event_actor on audit_event (actor_id, at);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0009_stamps")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
