"""The ledger of archived months, and new months in a tablespace of their own."""

from django.conf import settings
from django.db import migrations

from audit.guards import append_only

APP = settings.APP_ROLE

TABLE = """
create table audit_archive (
    id bigint generated always as identity primary key,
    month text not null check (month ~ '^[0-9]{4}-[0-9]{2}$'),
    state text not null check (state in ('archived', 'attached')),
    events bigint not null check (events >= 0),
    first_epoch bigint not null,
    last_epoch bigint not null,
    content_sha256 text not null check (content_sha256 ~ '^[0-9a-f]{64}$'),
    edges jsonb not null,
    key_id text not null,
    signature bytea not null check (length(signature) = 64),
    file text not null check (file ~ '^[0-9a-f]{64}$'),
    size_bytes bigint not null,
    place text not null,
    at timestamptz not null default clock_timestamp()
);
create index audit_archive_month on audit_archive (month, id desc);
"""

# As before, with the tablespace that new parts and their indexes go to; empty: the database's own.
ENSURE = f"""
create function audit_ensure_partitions(ahead integer, space text) returns integer language plpgsql
security definer set search_path = pg_catalog as $$
declare
    first_day timestamptz;
    name text;
    made integer := 0;
    former text := current_setting('default_tablespace');
begin
    perform set_config('default_tablespace', space, true);
    for step in 0..greatest(ahead, 0) loop
        first_day := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => step)) at time zone 'UTC';
        name := 'audit_event_' || to_char(first_day at time zone 'UTC', 'YYYYMM');
        if to_regclass('public.' || name) is null then
            begin
                execute format('create table public.%I partition of public.audit_event for values from (%L) to (%L)',
                               name, first_day, ((first_day at time zone 'UTC') + interval '1 month') at time zone 'UTC');
                execute format('create trigger %I before truncate on public.%I for each statement '
                               'execute function public.audit_refuse_change()', name || '_no_truncate', name);
                if '{APP}' <> current_user then
                    execute format('revoke all on public.%I from "{APP}"', name);
                end if;
                made := made + 1;
            exception when check_violation then
                raise warning 'Events of % lie outside every month; it cannot have a part of its own.', first_day;
            end;
        end if;
    end loop;
    perform set_config('default_tablespace', former, true);
    return made;
end $$;
revoke all on function audit_ensure_partitions(integer, text) from public;
grant execute on function audit_ensure_partitions(integer, text) to "{APP}";
create or replace function audit_ensure_partitions(ahead integer) returns integer language sql
security definer set search_path = pg_catalog as $$ select public.audit_ensure_partitions(ahead, '') $$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_deliveries_of_checkpoints")]

    operations = [
        migrations.RunSQL(TABLE, "drop table audit_archive;"),
        append_only("audit_archive", [""]),
        migrations.RunSQL(ENSURE, "drop function audit_ensure_partitions(integer, text);"),
    ]
