"""A sensible, strict beginning for a house that has not decided yet: what has no row is not seen.

Whose work is the record handles every label but psychotherapy notes. A clinician sees what she treats; records of a
substance use program need the patient's consent first (42 CFR 2.31), and employee health is no business of the wards.
"""

from typing import Any

from django.db import migrations

ALLOWED, REASON = "allowed", "reason"
TREATMENT = ["hiv", "behavioral", "reproductive", "genetic", "minor_confidential"]
EVERY = [*TREATMENT, "part2", "vip", "employee", "legal"]
BEGINNING: dict[str, dict[str, str]] = {
    "records_clerk": {label: REASON if label in {"employee", "legal"} else ALLOWED for label in EVERY},
    "roi_specialist": dict.fromkeys(EVERY, ALLOWED),
    "records_supervisor": dict.fromkeys(EVERY, ALLOWED),
    "clinician": {**dict.fromkeys(TREATMENT, ALLOWED), "vip": REASON},
    "compliance_officer": dict.fromkeys(EVERY, REASON),
    "service": dict.fromkeys(EVERY, ALLOWED),
}


def write(apps: Any, schema_editor: Any) -> None:
    """One row a role and label. The roles are groups of these names, made here where there are none yet."""
    using = schema_editor.connection.alias
    groups = apps.get_model("auth", "Group").objects.using(using)
    rules = apps.get_model("documents", "LabelRule").objects.using(using)
    for name, verdicts in BEGINNING.items():
        role, _ = groups.get_or_create(name=name)
        for label, verdict in verdicts.items():
            rules.get_or_create(label=label, role=role, defaults={"verdict": verdict})


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0005_who_sees_which_label"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(write, migrations.RunPython.noop)]
