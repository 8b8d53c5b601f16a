"""Who sees which label, and who said why, changes only together with an event."""

from django.db import migrations

from audit.guards import guard


class Migration(migrations.Migration):
    dependencies = [("documents", "0006_label_rules_to_begin_with")]

    operations = [guard("documents_labelrule", None), guard("documents_labelneed")]
