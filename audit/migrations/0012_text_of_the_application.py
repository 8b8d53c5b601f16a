"""The text that is sealed is made by a statement of the application's: the owner of a function can make it say anything."""

from importlib import import_module

from django.db import migrations

former = import_module("audit.migrations.0011_shorter_rows")


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_shorter_rows")]

    operations = [
        migrations.RunSQL(
            former.DROP.format(roles="text"),
            former.CANONICAL.format(columns=former.COLUMNS.format(roles="text")),
        )
    ]
