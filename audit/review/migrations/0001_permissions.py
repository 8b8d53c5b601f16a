from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="AccessLog",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
            ],
            options={
                "permissions": [
                    ("view_log", "Can read the access log"),
                    ("export_log", "Can take the access log out as a file"),
                    ("view_chart_access", "Can see who looked at a chart"),
                ],
                "managed": False,
                "default_permissions": (),
            },
        ),
    ]
