"""A month that cannot have its partition (events of it lie in the default one) no longer keeps the later ones from theirs."""

from django.conf import settings
from django.db import migrations

APP = settings.APP_ROLE

ENSURE = f"""
create or replace function audit_ensure_partitions(ahead integer) returns integer language plpgsql
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
    return made;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_epochs")]

    operations = [migrations.RunSQL(ENSURE, migrations.RunSQL.noop)]
