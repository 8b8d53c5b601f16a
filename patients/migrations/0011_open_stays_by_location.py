"""Who lies on a unit now is answered by an index of the open stays alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("patients", "0010_lists_from_indexes")]

    operations = [
        migrations.AddIndex(
            model_name="encounter",
            index=models.Index(
                condition=models.Q(("ended_at", None)),
                fields=["location", "started_at"],
                include=("patient",),
                name="encounter_open_location",
            ),
        ),
    ]
