"""How far each other system has been told of the log."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_archived_months")]

    operations = [
        migrations.CreateModel(
            name="FeedDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("destination", models.CharField(max_length=300, unique=True)),
                ("last_n", models.BigIntegerField(default=0)),
                ("place", models.BigIntegerField(default=0)),
                ("delivered", models.BigIntegerField(default=0)),
                ("last_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("failing_since", models.DateTimeField(null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_try_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        name="feed_fails_with_an_error",
                        condition=Q(error="", failing_since=None)
                        | (~Q(error="") & Q(failing_since__isnull=False)),
                    )
                ],
            },
        )
    ]
