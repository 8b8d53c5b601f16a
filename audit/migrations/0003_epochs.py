"""The chain of seals over the log, the canonical form of an event, and the hashes that name a bad one."""

from django.db import migrations

from audit.guards import append_only

# PostgreSQL's own text of a row: fields parted by commas, quoted where they hold anything special, nothing at all for
# NULL, so that no two different events have the same text; and it is made in C, three times as fast as by hand.
# Times are microseconds since 1970 UTC. A new form gets a new version and a new function.
CANONICAL = """
create function audit_canonical(
    id bigint, at timestamptz, txid xid8, event text, action text, actor_id uuid, actor text, roles text[],
    session text, patient_id uuid, patient_ids uuid[], object_type text, object_id text, purpose text, reason text,
    outcome text, channel text, ip inet, request_id text, detail jsonb
) returns text language sql stable parallel safe as $$
    select 'chartroom-event-1;' || row(
        id, (extract(epoch from at) * 1000000)::bigint, txid, event, action, actor_id, actor, roles, session, patient_id,
        patient_ids, object_type, object_id, purpose, reason, outcome, channel, host(ip), request_id, detail
    )::text
$$;
"""

UNDO_CANONICAL = """
drop function audit_canonical(bigint, timestamptz, xid8, text, text, uuid, text, text[], text, uuid, uuid[], text, text,
    text, text, text, text, inet, text, jsonb);
"""

TABLE = """
create table audit_epoch (
    n bigint primary key,
    from_xid xid8 not null,
    to_xid xid8 not null,
    row_count bigint not null check (row_count >= 0),
    total bigint not null,
    root bytea not null check (length(root) = 32),
    previous bytea not null check (length(previous) = 32),
    first_at timestamptz,
    last_at timestamptz,
    cluster text not null,
    sealed_at timestamptz not null,
    key_id text not null,
    note text not null default '',
    signature bytea not null check (length(signature) = 64)
);
-- For each event of the epoch in order: 8 bytes of id, 32 bytes of leaf hash. They name the bad event, and they
-- outlive a month's partition that was exported and detached.
create table audit_epoch_leaves (
    n bigint primary key references audit_epoch (n),
    leaves bytea not null
);
alter table audit_epoch_leaves alter column leaves set storage external;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_as_django_sees_it")]

    operations = [
        migrations.RunSQL(CANONICAL, UNDO_CANONICAL),
        migrations.RunSQL(TABLE, "drop table audit_epoch_leaves; drop table audit_epoch;"),
        append_only(
            "audit_epoch",
            [
                "n", "from_xid", "to_xid", "row_count", "total", "root", "previous", "first_at", "last_at",
                "cluster", "sealed_at", "key_id", "note", "signature",
            ],
        ),
        append_only("audit_epoch_leaves", ["n", "leaves"]),
    ]  # fmt: skip
