"""Who is let in and who is shut out changes only together with an event."""

from django.db import migrations

from audit.guards import guard


class Migration(migrations.Migration):
    dependencies = [("patients", "0006_what_opens_and_closes_a_chart")]

    operations = [
        guard("patients_workplace", None),
        guard("patients_careteammember"),
        guard("patients_consult"),
        guard("patients_patientgrant"),
        guard("patients_ownentry"),
        guard("patients_chartrestriction"),
        guard("patients_statedneed"),
    ]
