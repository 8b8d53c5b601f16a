"""Columns as they are looked for (letters and digits only), keys in the order of their indexes, birth date may be unknown."""

import django.db.models.functions.text
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("patients", "0002_guards_and_numbers"),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="identifier",
            name="identifier_value",
        ),
        migrations.RemoveIndex(
            model_name="patient",
            name="patient_family_given",
        ),
        migrations.RemoveIndex(
            model_name="patient",
            name="patient_given_family",
        ),
        migrations.RemoveIndex(
            model_name="patient",
            name="patient_mrn_prefix",
        ),
        migrations.RemoveIndex(
            model_name="patientname",
            name="patientname_family_given",
        ),
        migrations.AddField(
            model_name="identifier",
            name="value_key",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(
                    django.db.models.functions.text.Upper("value"),
                    models.Value("[^A-Z0-9]"),
                    models.Value(""),
                    models.Value("g"),
                    function="regexp_replace",
                ),
                output_field=models.CharField(db_collation="C", max_length=60),
            ),
        ),
        migrations.AddField(
            model_name="telecom",
            name="digits_reversed",
            field=models.GeneratedField(
                db_persist=True,
                expression=django.db.models.functions.text.Reverse(
                    models.Func(
                        models.F("value"),
                        models.Value("[^0-9]"),
                        models.Value(""),
                        models.Value("g"),
                        function="regexp_replace",
                    )
                ),
                output_field=models.CharField(db_collation="C", max_length=120),
            ),
        ),
        migrations.AlterField(
            model_name="patient",
            name="birth_date",
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="patient",
            name="family_key",
            field=models.CharField(db_collation="C", editable=False, max_length=80),
        ),
        migrations.AlterField(
            model_name="patient",
            name="given",
            field=models.CharField(blank=True, max_length=80),
        ),
        migrations.AlterField(
            model_name="patient",
            name="given_key",
            field=models.CharField(db_collation="C", editable=False, max_length=170),
        ),
        migrations.AlterField(
            model_name="patient",
            name="mrn",
            field=models.CharField(db_collation="C", editable=False, max_length=12, unique=True),
        ),
        migrations.AlterField(
            model_name="patientname",
            name="family_key",
            field=models.CharField(db_collation="C", editable=False, max_length=80),
        ),
        migrations.AlterField(
            model_name="patientname",
            name="given_key",
            field=models.CharField(db_collation="C", editable=False, max_length=170),
        ),
        migrations.AddIndex(
            model_name="identifier",
            index=models.Index(fields=["value_key"], name="identifier_value_key"),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["family_key", "given_key"], name="patient_by_family"),
        ),
        migrations.AddIndex(
            model_name="patient",
            index=models.Index(fields=["given_key", "family_key"], name="patient_by_given"),
        ),
        migrations.AddIndex(
            model_name="patientname",
            index=models.Index(
                condition=models.Q(("use__in", ["alias", "maiden", "old"])),
                fields=["family_key", "given_key"],
                name="other_name_by_family",
            ),
        ),
        migrations.AddIndex(
            model_name="patientname",
            index=models.Index(
                condition=models.Q(("use__in", ["alias", "maiden", "old"])),
                fields=["given_key", "family_key"],
                name="other_name_by_given",
            ),
        ),
        migrations.AddIndex(
            model_name="telecom",
            index=models.Index(fields=["digits_reversed"], name="telecom_last_digits"),
        ),
    ]
