"""The person index changes only together with an event; MRNs and encounter numbers come from sequences."""

from django.conf import settings
from django.db import migrations

from audit.guards import guard

SEQUENCES = f"""
create sequence patients_mrn_number;
create sequence patients_encounter_number;
grant usage, select on patients_mrn_number, patients_encounter_number to "{settings.APP_ROLE}";
"""


class Migration(migrations.Migration):
    dependencies = [("patients", "0001_person_index"), ("audit", "0001_event_table")]

    operations = [
        migrations.RunSQL(
            SEQUENCES, "drop sequence patients_mrn_number; drop sequence patients_encounter_number;"
        ),
        guard("patients_patient", "id"),
        guard("patients_patientname"),
        guard("patients_identifier"),
        guard("patients_address"),
        guard("patients_telecom"),
        guard("patients_encounter"),
    ]
