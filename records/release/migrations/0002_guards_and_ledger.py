"""Requests change only together with an event; the ledger of disclosures only grows; numbers come from a
sequence.
"""

from django.conf import settings
from django.db import migrations

from audit.guards import append_only, guard

SEQUENCE = f"""
create sequence release_request_number;
grant usage, select on release_request_number to "{settings.APP_ROLE}";
"""

# A row that belongs to a request belongs to the request's patient: the database says so, not only the code.
_OF_REQUEST = ("release_evidence", "release_selecteddocument", "release_release", "release_disclosure")
SAME_PATIENT = "".join(
    f"alter table {table} add constraint {table}_same_patient foreign key (request_id, patient_id) "
    f"references release_recordrequest (id, patient_id) deferrable initially deferred;"
    for table in _OF_REQUEST
)
ANY_PATIENT = "".join(f"alter table {table} drop constraint {table}_same_patient;" for table in _OF_REQUEST)

# The ledger's own clock: the application cannot write `at`, so it cannot back-date a line.
LEDGER = """
alter table release_disclosure alter column at set default clock_timestamp();
"""
LEDGER_COLUMNS = [
    "id",
    "disclosed_on",
    "patient_id",
    "request_id",
    "release_id",
    "kind",
    "recipient_name",
    "recipient_address",
    "description",
    "purpose",
    "how",
    "release_sha256",
    "pages",
    "is_in_accounting",
    "sent_by_id",
]


class Migration(migrations.Migration):
    dependencies = [
        ("release", "0001_requests_and_releases"),
        ("audit", "0001_event_table"),
    ]

    operations = [
        migrations.RunSQL(SEQUENCE, "drop sequence release_request_number;"),
        migrations.RunSQL(SAME_PATIENT, ANY_PATIENT),
        migrations.RunSQL(LEDGER, migrations.RunSQL.noop),
        guard("release_recordrequest"),
        guard("release_evidence"),
        guard("release_selecteddocument"),
        guard("release_release"),
        guard("release_disclosure"),
        append_only("release_disclosure", LEDGER_COLUMNS),
    ]
