"""The watch works in temporary tables of its own connection, so the application's role may make some."""

from django.conf import settings
from django.db import migrations

APP = settings.APP_ROLE

GRANT = f"""
do $$ begin
    if '{APP}' <> current_user then
        execute format('grant temporary on database %I to "{APP}"', current_database());
    end if;
end $$;
"""
REVOKE = f"""
do $$ begin
    if '{APP}' <> current_user then
        execute format('revoke temporary on database %I from "{APP}"', current_database());
    end if;
end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0005_guards_of_cases")]

    operations = [migrations.RunSQL(GRANT, REVOKE)]
