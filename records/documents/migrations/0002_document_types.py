"""The kinds of document, by LOINC code. A hospital switches off those it does not use."""

from typing import Any

from django.db import migrations

from common.ids import uuid7

# LOINC codes of the FHIR R4 value set c80-doc-typecodes, with short names as a clerk says them.
TYPES = [
    ("18842-5", "Discharge summary"),
    ("34117-2", "History and physical note"),
    ("34105-7", "Hospital discharge summary"),
    ("51849-8", "Admission history and physical note"),
    ("11506-3", "Progress note"),
    ("34130-5", "Hospital progress note"),
    ("34131-3", "Outpatient progress note"),
    ("11488-4", "Consult note"),
    ("28570-0", "Procedure note"),
    ("11504-8", "Operation note"),
    ("34876-3", "Preoperative evaluation and management note"),
    ("29752-3", "Perioperative records"),
    ("11485-0", "Anesthesia records"),
    ("18748-4", "Diagnostic imaging study"),
    ("11502-2", "Laboratory report"),
    ("11526-1", "Pathology study"),
    ("11529-5", "Surgical pathology study"),
    ("11524-6", "EKG study"),
    ("18745-0", "Cardiac catheterization study"),
    ("34111-5", "Emergency department note"),
    ("54094-8", "Emergency department triage note"),
    ("57053-1", "Emergency department nurse note"),
    ("34746-8", "Nurse note"),
    ("28623-7", "Nurse progress note"),
    ("34744-3", "Nurse admission evaluation note"),
    ("46209-3", "Provider orders"),
    ("56447-6", "Plan of care note"),
    ("18761-7", "Transfer summary"),
    ("74213-0", "Discharge instructions"),
    ("57133-1", "Referral note"),
    ("34133-9", "Summary of episode note"),
    ("60591-5", "Patient summary"),
    ("28653-4", "Social work note"),
    ("46210-1", "Case manager note"),
    ("28579-1", "Physical therapy note"),
    ("28578-3", "Occupational therapy note"),
    ("28571-8", "Speech-language pathology note"),
    ("34838-3", "Respiratory therapy note"),
    ("34801-1", "Nutrition and dietetics note"),
    ("34820-1", "Pharmacy consult note"),
    ("28628-6", "Psychiatry note"),
    ("28627-8", "Psychiatry progress note"),
    ("15508-5", "Labor and delivery records"),
    ("57057-2", "Labor and delivery summary note"),
    ("18743-5", "Autopsy report"),
    ("47046-8", "Summary of death note"),
    ("64297-5", "Death certificate"),
    ("71230-7", "Birth certificate"),
    ("29749-9", "Dialysis records"),
    ("74207-2", "Prehospital summary"),
    ("67796-3", "EMS patient care report"),
    ("34748-4", "Telephone encounter note"),
    ("59284-0", "Patient consent"),
    ("64293-4", "Procedure consent"),
    ("61358-8", "Surgical operation consent"),
    ("61359-6", "Anesthesia consent"),
    ("64292-6", "Release of information consent"),
    ("64298-3", "Power of attorney"),
    ("64300-7", "Organ donation consent"),
    ("53244-0", "Notice of privacy practices receipt"),
    ("57016-8", "Privacy policy acknowledgment"),
    ("64290-0", "Health insurance card"),
    ("64291-8", "Health insurance-related form"),
    ("52034-6", "Payer letter"),
    ("52033-8", "General correspondence"),
    ("51851-4", "Administrative note"),
    ("55107-7", "Addendum"),
    ("11503-0", "Medical records from elsewhere"),
    ("72170-4", "Photographic image"),
    ("42348-3", "Advance directives"),
]


def add(apps: Any, schema_editor: Any) -> None:
    """Add what is not there yet; run again, it changes nothing."""
    model = apps.get_model("documents", "DocumentType")
    rows = model.objects.using(schema_editor.connection.alias)
    known = set(rows.values_list("code", flat=True))
    rows.bulk_create(model(id=uuid7(), code=code, name=name) for code, name in TYPES if code not in known)


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_documents")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
