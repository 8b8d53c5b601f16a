"""Which explanations could not be had when the watch looked, on its runs and alerts."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0009_kept_questions"),
    ]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="missing",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="watchrun",
            name="missing",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), default=list, size=None
            ),
        ),
    ]
