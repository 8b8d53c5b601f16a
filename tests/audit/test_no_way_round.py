"""Invariants 2 and 3: what somebody with the application's password could try, and what she gets."""

import io

import psycopg2
import pytest
from django.db import DatabaseError, connections, transaction

from tests.factories import PatientFactory

pytestmark = pytest.mark.committed
APP = "chartroom_app"
INSUFFICIENT_PRIVILEGE = "42501"
COLUMNS, VALUES = "event, action, actor, outcome", "'x', 'view', 'x', 'success'"

TRIED = [
    "alter table audit_event disable trigger all",
    "alter table audit_event disable trigger audit_event_append_only",
    "drop trigger audit_event_append_only on audit_event",
    "alter table patients_patient disable trigger all",
    "drop trigger patients_patient_needs_event on patients_patient",
    "set session_replication_role = replica",
    "drop table audit_event",
    "drop table audit_event_elsewhere",
    "alter table audit_event detach partition audit_event_elsewhere",
    "alter table audit_event add column forged text",
    "create rule forget as on insert to audit_event do instead nothing",
    "create trigger forget before insert on audit_event for each row execute function audit_refuse_change()",
    "create or replace function audit_require_event() returns trigger language plpgsql as 'begin return null; end'",
    "create or replace function audit_refuse_change() returns trigger language plpgsql as 'begin return null; end'",
    "alter function audit_require_event() set search_path = pg_temp",
    "drop function audit_refuse_change() cascade",
    "select audit_restrict('audit_event', 'at')",
    "create table public.mine (x int)",
    "create function public.mine() returns int language sql as 'select 1'",
    "create schema mine",
    f"insert into audit_event (id, {COLUMNS}) overriding system value values (1, {VALUES})",
    f"insert into audit_event (at, {COLUMNS}) values (default, {VALUES})",
    f"insert into audit_event (txid, {COLUMNS}) values (default, {VALUES})",
    "copy audit_event (id, at, event, action, actor, outcome) from stdin",
    "merge into audit_event e using (select 1 as one) s on true when matched then delete",
    "select * from audit_event for update",
    "lock table audit_event in access exclusive mode",
    "select setval('audit_event_id_seq', 1)",
    f"set role {APP}; reset role; set session authorization chartroom_owner",
    "insert into django_migrations (app, name, applied) values ('audit', 'forged', now())",
]


@pytest.mark.parametrize("statement", TRIED)
def test_the_application_cannot(statement: str, committed: None) -> None:
    PatientFactory.create()
    with pytest.raises((DatabaseError, psycopg2.Error)) as refused, transaction.atomic():
        with connections["default"].cursor() as cursor:
            if statement.startswith("copy"):
                cursor.copy_expert(statement, io.StringIO(""))
            else:
                cursor.execute(statement)
    fault = refused.value.__cause__ or refused.value
    assert getattr(fault, "pgcode", "") == INSUFFICIENT_PRIVILEGE


def test_what_runs_with_the_owners_rights_looks_nothing_up_by_the_callers_path(committed: None) -> None:
    """A SECURITY DEFINER function without a fixed search_path runs whatever a caller put in front."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "select p.oid::regprocedure::text, p.prosecdef, coalesce(p.proconfig, '{}') from pg_proc p"
            " where p.pronamespace = 'public'::regnamespace and p.proname like 'audit%%'"
            " and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')"
        )
        functions = cursor.fetchall()
    assert {name.partition("(")[0] for name, _, _ in functions} >= {
        "audit_require_event",
        "audit_refuse_change",
        "audit_ensure_partitions",
        "audit_restrict",
    }
    for name, runs_as_owner, config in functions:
        assert not runs_as_owner or "search_path=pg_catalog" in config, name


def test_temporary_tables_and_functions_in_front_deceive_nobody(committed: None) -> None:
    """The caller's path comes first with pg_temp; the guard must look past it."""
    patient = PatientFactory.create()
    with pytest.raises(DatabaseError, match="not written to the audit log"), transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("set local search_path = pg_temp, public")
            cursor.execute(
                "create temp table audit_event on commit drop as select pg_current_xact_id() as txid,"
                f" now() as at, '{patient.pk}'::uuid as patient_id, null::uuid[] as patient_ids"
            )
            cursor.execute(
                "create function pg_temp.pg_current_xact_id() returns xid8 language sql as $$ select '1'::xid8 $$"
            )
            cursor.execute("update public.patients_patient set middle = 'Quiet' where id = %s", [patient.pk])


def test_a_guard_put_off_to_the_end_still_comes(committed: None) -> None:
    patient = PatientFactory.create()
    with pytest.raises(DatabaseError, match="not written to the audit log"), transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("set constraints all deferred")
            cursor.execute("update patients_patient set middle = 'Quiet' where id = %s", [patient.pk])


def test_the_role_is_no_owner_and_no_superuser(committed: None) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication from pg_roles"
            " where rolname = current_user"
        )
        assert not any(cursor.fetchone())
        cursor.execute("select count(*) from pg_class where relowner = current_user::regrole")
        assert cursor.fetchone()[0] == 0
        cursor.execute("select count(*) from pg_auth_members where member = current_user::regrole")
        assert cursor.fetchone()[0] == 0


def test_django_auditlog_brings_no_table_and_no_middleware_of_its_own(committed: None) -> None:
    """Its table would hold values a second time, and its middleware believes any X-Forwarded-For."""
    from auditlog.models import AbstractLogEntry
    from django.apps import apps
    from django.conf import settings

    assert not any("auditlog" in name for name in settings.MIDDLEWARE)
    with connections["default"].cursor() as cursor:
        cursor.execute("select count(*) from pg_class where relname ~ 'auditlog|audit_no_such_table'")
        assert cursor.fetchone()[0] == 0
    entries = [model for model in apps.get_models() if issubclass(model, AbstractLogEntry)]
    assert [model._meta.label for model in entries] == ["audit.FieldChange"]
