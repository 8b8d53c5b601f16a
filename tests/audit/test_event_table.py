"""Invariants 2 and 3: the log cannot be edited, and nothing changes without an event."""

from typing import Any

import pytest
from django.db import DatabaseError, connections, transaction

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.services import record
from patients import services
from patients.models import Patient
from tests.factories import PatientFactory, make_user
from tests.support import events

STATEMENTS = [
    "update audit_event set actor = 'nobody'",
    "delete from audit_event",
    "truncate audit_event",
    "truncate audit_event_elsewhere",
]


@pytest.mark.committed
@pytest.mark.parametrize("alias", ["default", "owner"])
@pytest.mark.parametrize("statement", STATEMENTS)
def test_nobody_edits_the_log(alias: str, statement: str, committed: None) -> None:
    """45 CFR 170.315(d)(2)(iv): neither the application's role nor the owner of the table."""
    make_user(Role.RECORDS_CLERK)
    before = Event.objects.count()
    with pytest.raises(DatabaseError), transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        cursor.execute(statement)
    assert Event.objects.count() == before > 0


@pytest.mark.committed
def test_nobody_truncates_a_month(committed: None) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_event'::regclass"
        )
        partitions = [row[0] for row in cursor.fetchall()]
    assert len(partitions) >= 14
    for partition in partitions:
        with (
            pytest.raises(DatabaseError),
            transaction.atomic("owner"),
            connections["owner"].cursor() as cursor,
        ):
            cursor.execute(f"truncate {partition}")


@pytest.mark.committed
@pytest.mark.parametrize("columns", ["id", "at", "txid"])
def test_the_application_cannot_back_date_or_number_its_events(columns: str, committed: None) -> None:
    value = {"id": "1", "at": "'2020-01-01'", "txid": "'5'::xid8"}[columns]
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connections["default"].cursor() as cursor,
    ):
        cursor.execute(
            f"insert into audit_event (event, action, actor, {columns}) overriding system value"
            f" values ('x', 'view', 'x', {value})"
        )


@pytest.mark.committed
def test_the_application_cannot_reach_a_partition_directly(committed: None) -> None:
    for statement in (
        "insert into audit_event_elsewhere (event, action, actor) values ('x', 'view', 'x')",
        "select count(*) from audit_event_elsewhere",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            with connections["default"].cursor() as cursor:
                cursor.execute(statement)


def _change_quietly(patient: Patient) -> None:
    Patient.objects.filter(pk=patient.pk).update(middle="Quiet")


@pytest.mark.committed
def test_commit_without_an_event_is_refused(committed: None) -> None:
    patient = PatientFactory.create()
    with pytest.raises(DatabaseError, match="not written to the audit log"), transaction.atomic():
        _change_quietly(patient)
    patient.refresh_from_db()
    assert patient.middle == ""


@pytest.mark.committed
def test_an_event_about_somebody_else_does_not_help(committed: None) -> None:
    patient, other = PatientFactory.create(), PatientFactory.create()
    with pytest.raises(DatabaseError, match="not written to the audit log"), transaction.atomic():
        _change_quietly(patient)
        record("patient.updated", by=None, actor="test", patient=other.pk)
    with transaction.atomic():
        _change_quietly(patient)
        record("patient.updated", by=None, actor="test", patients=[other.pk, patient.pk])


@pytest.mark.committed
def test_an_event_of_an_earlier_transaction_does_not_help(committed: None) -> None:
    patient = PatientFactory.create()
    with transaction.atomic():
        record("patient.updated", by=None, actor="test", patient=patient.pk)
    with pytest.raises(DatabaseError, match="not written to the audit log"), transaction.atomic():
        _change_quietly(patient)


@pytest.mark.committed
def test_a_temporary_table_of_that_name_deceives_nobody(committed: None) -> None:
    patient = PatientFactory.create()
    with pytest.raises(DatabaseError, match="not written to the audit log"), transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute(
                "create temp table audit_event on commit drop as select pg_current_xact_id() as txid, now() as at,"
                f" '{patient.pk}'::uuid as patient_id, null::uuid[] as patient_ids"
            )
        _change_quietly(patient)


@pytest.mark.committed
def test_deleting_rows_needs_an_event_too(committed: None) -> None:
    patient = PatientFactory.create()
    with pytest.raises(DatabaseError, match="not written to the audit log"), transaction.atomic():
        patient.identifiers.all().delete()
    assert patient.identifiers.count() == 1


def test_one_search_is_one_row_however_many_it_shows(clerk: User) -> None:
    for _ in range(25):
        PatientFactory.create(family="Zyxwv")
    found = services.search_patients(by=clerk, text="zyxwv")
    written = events("patient.searched", actor_id=clerk.pk)
    assert len(written) == 1
    assert set(written[0].patient_ids or []) == {hit.patient.pk for hit in found}
    assert len(found) == 25


def test_a_change_carries_before_and_after(clerk: User) -> None:
    patient = PatientFactory.create(given="Ada")
    services.update_patient(by=clerk, patient_id=patient.pk, given="Adah")
    event = events("patient.updated", about=patient)[-1]
    assert event.detail is not None
    changed = {change["model"]: change["fields"] for change in event.detail["changes"]}
    assert changed["patients.patient"]["given"] == ["Ada", "Adah"]
    assert event.roles == ["records_clerk"]
    assert event.purpose == "RECORDMGT"


def test_differences_of_a_rolled_back_savepoint_are_forgotten(clerk: User) -> None:
    patient = PatientFactory.create(given="Ada")

    class Halt(Exception):
        pass

    with pytest.raises(Halt), transaction.atomic():
        patient.given = "Wrong"
        patient.save()
        raise Halt
    patient.refresh_from_db()
    services.update_patient(by=clerk, patient_id=patient.pk, middle="Rose")
    event = events("patient.updated", about=patient)[-1]
    assert "Wrong" not in str(event.detail)


HOSTILE: list[Any] = [
    "\0",
    "\ud800",
    "a" * 10_000,
    "'; drop table audit_event; --",
    "\u202egnp.exe",
    "<script>",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_kept_harmlessly(text: str, clerk: User) -> None:
    record("patient.searched", by=clerk, patients=[], reason=text, detail={"q": text})
    event = events("patient.searched", actor_id=clerk.pk)[-1]
    assert len(event.reason) <= 500
    assert event.outcome == "success"


def test_an_unknown_event_cannot_be_written(clerk: User) -> None:
    with pytest.raises(LookupError):
        record("nobody.registered_this", by=clerk)


def test_a_difference_names_the_rows_own_fields_only(clerk: User) -> None:
    """Not the reverse relations that django-auditlog lists too (`documents: documents.Document.None`)."""
    patient = services.register_patient(
        by=clerk, family="Own", given="Fields", birth_date=PatientFactory.build().birth_date, sex="female"
    )
    detail = events("patient.registered", about=patient)[-1].detail
    assert detail is not None
    of_patient = next(change for change in detail["changes"] if change["model"] == "patients.patient")
    assert set(of_patient["fields"]) <= {field.name for field in Patient._meta.concrete_fields}
    assert of_patient["fields"]["family"] == ["None", "Own"]
