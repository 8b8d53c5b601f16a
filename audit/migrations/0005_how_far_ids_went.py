"""The application may read how many event ids were ever given: after an older backup was restored they are fewer."""

from django.conf import settings
from django.db import migrations

APP = settings.APP_ROLE


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_partitions_one_by_one")]

    operations = [
        migrations.RunSQL(
            f'grant select on sequence audit_event_id_seq to "{APP}"',
            f'revoke select on sequence audit_event_id_seq from "{APP}"',
        )
    ]
