"""How far each place outside this machine has been told of the chain of seals."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0005_how_far_ids_went"),
    ]

    operations = [
        migrations.CreateModel(
            name="CheckpointDelivery",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("destination", models.CharField(max_length=300, unique=True)),
                ("last_n", models.BigIntegerField(default=0)),
                ("last_at", models.DateTimeField(null=True)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("failing_since", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("error", ""), ("failing_since", None)),
                            models.Q(
                                models.Q(("error", ""), _negated=True), ("failing_since__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="delivery_fails_with_an_error",
                    )
                ],
            },
        ),
    ]
