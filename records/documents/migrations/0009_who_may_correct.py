"""A right of its own for whoever corrects and retracts documents."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0008_newest_of_all_charts"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="document",
            options={
                "default_permissions": (),
                "permissions": [
                    ("view_document", "Can look at documents of charts they may open"),
                    ("file_document", "Can file documents"),
                    ("correct_document", "Can correct and retract documents"),
                    ("download_document", "Can download originals"),
                    ("print_document", "Can print documents"),
                ],
            },
        ),
    ]
