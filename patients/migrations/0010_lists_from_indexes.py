"""Lists by name come out of their index in order, to the id; what is asked of grants is answered by theirs alone."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("patients", "0009_broken_glass"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="patient",
            name="patient_by_family",
        ),
        migrations.RemoveIndex(
            model_name="patientgrant",
            name="grant_user_patient",
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["family_key", "given_key", "id"], name="patient_by_family"),
        ),
        migrations.AddIndex(
            model_name="patientgrant",
            index=models.Index(
                condition=models.Q(("revoked_at", None)),
                fields=["user", "content_object"],
                include=("permission", "expires_at"),
                name="grant_user_patient",
            ),
        ),
    ]
