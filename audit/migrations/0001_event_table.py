"""The event table: append-only, monthly partitions, restricted role, and the guard other tables use."""

from django.conf import settings
from django.db import migrations

from audit.catalogue import ACTIONS

ACTION_LIST = ", ".join(f"'{action}'" for action in sorted(ACTIONS))
APP = settings.APP_ROLE

ROLE = f"""
do $$
begin
    if not exists (select from pg_roles where rolname = '{APP}') then
        raise exception 'The database role {APP} does not exist. Create it first: docs/operators/real-servers.md.';
    end if;
    if '{APP}' <> current_user then
        execute 'revoke create on schema public from public';
        execute 'grant usage on schema public to "{APP}"';
        execute 'grant select, insert, update, delete on all tables in schema public to "{APP}"';
        execute 'grant usage, select on all sequences in schema public to "{APP}"';
        execute 'revoke insert, update, delete on django_migrations from "{APP}"';
        execute 'alter default privileges in schema public grant select, insert, update, delete on tables to "{APP}"';
        execute 'alter default privileges in schema public grant usage, select on sequences to "{APP}"';
    end if;
end $$;
"""

FUNCTIONS = f"""
create function audit_refuse_change() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    raise exception using errcode = 'insufficient_privilege',
        message = format('%s is append-only: %s is refused.', tg_table_name, tg_op);
end $$;

-- Rights of the application's role on an append-only table: read, and insert of the listed columns.
create function audit_restrict(target regclass, columns text) returns void language plpgsql as $$
begin
    if '{APP}' <> current_user then
        execute format('revoke all on %s from "{APP}"', target);
        execute format('grant select on %s to "{APP}"', target);
        if columns <> '' then
            execute format('grant insert (%s) on %s to "{APP}"', columns, target);
        end if;
    end if;
end $$;
revoke all on function audit_restrict(regclass, text) from public;

-- Fully qualified and with a fixed search path: a temporary table named audit_event must not deceive it.
create function audit_require_event() returns trigger language plpgsql
security definer set search_path = pg_catalog as $$
declare
    wanted uuid[] := '{{}}';
    one uuid;
begin
    if tg_nargs = 0 then
        if exists (select from public.audit_event
                   where txid = pg_current_xact_id() and at >= transaction_timestamp()) then
            return null;
        end if;
        raise exception using errcode = 'integrity_constraint_violation',
            message = format('A change of %s was not written to the audit log.', tg_table_name);
    end if;
    if tg_op <> 'INSERT' then
        execute format('select ($1).%I', tg_argv[0]) into one using old;
        wanted := wanted || one;
    end if;
    if tg_op <> 'DELETE' then
        execute format('select ($1).%I', tg_argv[0]) into one using new;
        wanted := wanted || one;
    end if;
    foreach one in array wanted loop
        if not exists (select from public.audit_event
                       where txid = pg_current_xact_id() and at >= transaction_timestamp()
                         and (patient_id = one or patient_ids @> array[one] or one is null)) then
            raise exception using errcode = 'integrity_constraint_violation',
                message = format('A change of %s was not written to the audit log.', tg_table_name);
        end if;
    end loop;
    return null;
end $$;

-- Makes the partitions of this month and `ahead` months after it; safe to call at any time.
create function audit_ensure_partitions(ahead integer) returns integer language plpgsql
security definer set search_path = pg_catalog as $$
declare
    first_day timestamptz;
    name text;
    made integer := 0;
begin
    for step in 0..greatest(ahead, 0) loop
        first_day := (date_trunc('month', now() at time zone 'UTC') + make_interval(months => step)) at time zone 'UTC';
        name := 'audit_event_' || to_char(first_day at time zone 'UTC', 'YYYYMM');
        if to_regclass('public.' || name) is null then
            execute format('create table public.%I partition of public.audit_event for values from (%L) to (%L)',
                           name, first_day, ((first_day at time zone 'UTC') + interval '1 month') at time zone 'UTC');
            execute format('create trigger %I before truncate on public.%I for each statement '
                           'execute function public.audit_refuse_change()', name || '_no_truncate', name);
            if '{APP}' <> current_user then
                execute format('revoke all on public.%I from "{APP}"', name);
            end if;
            made := made + 1;
        end if;
    end loop;
    return made;
end $$;
"""

TABLE = f"""
create table audit_event (
    id bigint generated always as identity,
    at timestamptz not null default clock_timestamp(),
    txid xid8 not null default pg_current_xact_id(),
    event text not null,
    action text not null constraint audit_event_action_is_known check (action in ({ACTION_LIST})),
    actor_id uuid,
    actor text not null,
    roles text[] not null default '{{}}',
    session text not null default '',
    patient_id uuid,
    patient_ids uuid[],
    object_type text not null default '',
    object_id text not null default '',
    purpose text not null default '',
    reason text not null default '',
    outcome text not null constraint audit_event_outcome_is_known check (outcome in ('success', 'denied', 'failed')),
    channel text not null default '',
    ip inet,
    request_id text not null default '',
    detail jsonb,
    primary key (at, id)
) partition by range (at);
create index audit_event_patient on audit_event (patient_id, at) where patient_id is not null;
create index audit_event_patients on audit_event using gin (patient_ids) where patient_ids is not null;
create index audit_event_actor on audit_event (actor_id, at);
create index audit_event_txid on audit_event (txid);
create index audit_event_id on audit_event using brin (id) with (pages_per_range = 16);
create table audit_event_elsewhere partition of audit_event default;
create trigger audit_event_elsewhere_no_truncate before truncate on audit_event_elsewhere
    for each statement execute function audit_refuse_change();
create trigger audit_event_append_only before update or delete on audit_event
    for each row execute function audit_refuse_change();
create trigger audit_event_no_truncate before truncate on audit_event
    for each statement execute function audit_refuse_change();
select audit_restrict('audit_event', 'event, action, actor_id, actor, roles, session, patient_id, patient_ids, '
    'object_type, object_id, purpose, reason, outcome, channel, ip, request_id, detail');
do $$ begin
    if '{APP}' <> current_user then
        execute 'revoke all on audit_event_elsewhere from "{APP}"';
    end if;
end $$;
select audit_ensure_partitions(13);
grant execute on function audit_ensure_partitions(integer) to "{APP}";
"""


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.RunSQL(ROLE, migrations.RunSQL.noop),
        migrations.RunSQL(
            FUNCTIONS,
            "drop function audit_ensure_partitions(integer); drop function audit_require_event();"
            " drop function audit_restrict(regclass, text); drop function audit_refuse_change();",
        ),
        migrations.RunSQL(TABLE, "drop table audit_event;"),
    ]
