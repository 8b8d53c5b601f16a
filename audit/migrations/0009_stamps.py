"""Time-stamps that an outside authority gave for seals (RFC 3161)."""

from django.db import migrations

from audit.guards import append_only

# No foreign key: a stamp outlives the epoch it speaks of, and so tells that the epoch was cut off.
TABLE = """
create table audit_stamp (
    n bigint primary key,
    authority text not null,
    nonce text not null check (nonce ~ '^[0-9]{1,60}$'),
    response bytea not null check (length(response) <= 64000),
    received_at timestamptz not null
);
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0008_feeds")]

    operations = [
        migrations.RunSQL(TABLE, "drop table audit_stamp;"),
        append_only("audit_stamp", ["n", "authority", "nonce", "response", "received_at"]),
    ]
