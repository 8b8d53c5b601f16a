"""Tables of the record: each is guarded by the database, and none gives a name away by accident."""

from collections import deque
from typing import Any

import pytest
from django.apps import apps
from django.db import connections, models

from patients.models import Patient

# Tables that lead to a patient and need no guard, with the reason.
UNGUARDED = {
    "jobs_job": "work to be done: ids only, its verbs write the events",
    "audit_event": "the log itself",
}
MARKER = "Qwxyzzy"
OURS = [
    model
    for model in apps.get_models()
    if model._meta.managed
    and type(model).__module__
    and model.__module__.split(".")[0] in {"common", "audit", "accounts", "patients", "records", "demo"}
]


def _leads_to_patient(model: type[models.Model]) -> bool:
    """Whether a row belongs to a patient: by a column, or through the rows it hangs on."""
    seen: set[type[models.Model]] = set()
    queue: deque[Any] = deque([model])
    while queue:
        current = queue.popleft()
        if current is Patient:
            return True
        if current in seen or current._meta.app_label == "accounts":
            continue
        seen.add(current)
        for field in current._meta.get_fields():
            if field.concrete and (field.many_to_one or field.one_to_one):
                queue.append(field.related_model)
            if field.name == "patient_id" and isinstance(field, models.UUIDField):
                return True
    return False


RECORD = [model for model in OURS if _leads_to_patient(model) and model._meta.db_table not in UNGUARDED]


def _triggers() -> dict[str, set[str]]:
    """Functions that enabled triggers call, by table; INSERT, UPDATE and DELETE as letters."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "select c.relname, p.proname, t.tgtype, t.tgdeferrable from pg_trigger t join pg_class c on c.oid = tgrelid"
            " join pg_proc p on p.oid = tgfoid where not tgisinternal and tgenabled = 'O'"
        )
        found: dict[str, set[str]] = {}
        for table, function, kind, _ in cursor.fetchall():
            for bit, letter in ((4, "insert"), (8, "delete"), (16, "update"), (32, "truncate")):
                if kind & bit:
                    found.setdefault(table, set()).add(f"{function}:{letter}")
        return found


def test_the_record_is_what_we_think(db: None) -> None:
    tables = {model._meta.db_table for model in RECORD}
    assert tables >= {
        "patients_patient",
        "patients_patientname",
        "patients_identifier",
        "patients_encounter",
        "documents_document",
        "documents_documentversion",
        "release_recordrequest",
        "release_release",
        "release_disclosure",
    }


@pytest.mark.parametrize("model", RECORD, ids=lambda model: model._meta.label)
def test_every_table_of_the_record_is_guarded(model: type[models.Model], db: None) -> None:
    """Invariant 2: COMMIT refuses a change without an event, or the table takes no change at all."""
    found = _triggers().get(model._meta.db_table, set())
    for change in ("insert", "update", "delete"):
        guarded = f"audit_require_event:{change}" in found
        refused = f"audit_refuse_change:{change}" in found
        assert guarded or refused, (
            f"{model._meta.db_table}: {change} needs audit.guards.guard() in a migration"
        )


def test_the_exceptions_are_still_needed() -> None:
    tables = {model._meta.db_table for model in apps.get_models()}
    assert set(UNGUARDED) <= tables


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_no_row_says_a_name(model: type[models.Model]) -> None:
    """`str(row)` ends up in logs and error pages: ids, numbers and codes only."""
    if not _leads_to_patient(model):
        return
    row = model()
    kept = {"status", "kind", "number", "id", "pk"}
    for field in model._meta.concrete_fields:
        is_text = isinstance(field, (models.CharField, models.TextField)) and not field.choices
        if is_text and field.name not in kept:
            setattr(row, field.attname, MARKER)
    assert MARKER not in str(row)
    assert MARKER not in repr(row)


@pytest.mark.parametrize("model", RECORD, ids=lambda model: model._meta.label)
def test_rows_of_the_record_are_not_deleted_along(model: type[models.Model]) -> None:
    """Nothing of the record goes because something else went: PROTECT everywhere."""
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and field.remote_field is not None:
            assert field.remote_field.on_delete is models.PROTECT, f"{model._meta.label}.{field.name}"


def test_the_application_may_not_drop_or_alter_the_record(db: None) -> None:
    with connections["default"].cursor() as cursor:
        for model in OURS:
            cursor.execute(
                "select pg_get_userbyid(relowner) = current_user, has_table_privilege(oid, 'truncate') from pg_class"
                " where relname = %s",
                [model._meta.db_table],
            )
            assert cursor.fetchone() == (False, False), model._meta.db_table
