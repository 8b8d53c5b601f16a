"""Sessions are `BrowserSession`; a database that was made before it keeps Django's table for nothing."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_emergency_of_the_house"),
    ]

    operations = [
        migrations.RunSQL("drop table if exists django_session", migrations.RunSQL.noop),
    ]
