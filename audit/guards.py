"""Migration operations by which the database itself refuses a change without an event (invariant 2)."""

from django.db.migrations.operations import RunSQL


def guard(
    table: str, patient_column: str | None = "patient_id", *, columns: list[str] | None = None
) -> RunSQL:
    """A deferred constraint trigger: COMMIT fails when a row changed and no event of this transaction says so.

    With `patient_column` the event must be about that row's patient; with None any event of the transaction
    counts (tables that belong to no chart: users, roles). `columns` limits which updated columns count, for
    tables that also keep what is no part of the record (progress, last use).
    """
    name = f"{table}_needs_event"
    argument = f"'{patient_column}'" if patient_column else ""
    update = f"update of {', '.join(columns)}" if columns else "update"
    return RunSQL(
        f"create constraint trigger {name} after insert or {update} or delete on {table} "
        f"deferrable initially deferred for each row execute function audit_require_event({argument});",
        f"drop trigger {name} on {table};",
    )


def append_only(table: str, columns: list[str]) -> RunSQL:
    """Refuse UPDATE, DELETE and TRUNCATE on `table` from everybody, its owner too.

    The application's role may read, and insert the given columns only.
    """
    listed = ", ".join(columns)
    return RunSQL(
        f"""
        create trigger {table}_append_only before update or delete on {table}
            for each row execute function audit_refuse_change();
        create trigger {table}_no_truncate before truncate on {table}
            for each statement execute function audit_refuse_change();
        select audit_restrict('{table}', '{listed}');
        """,
        f"drop trigger {table}_append_only on {table}; drop trigger {table}_no_truncate on {table};",
    )


def never_deleted(table: str) -> RunSQL:
    """Refuse DELETE and TRUNCATE on `table` from everybody, its owner too. Rows end; they do not go."""
    return RunSQL(
        f"""
        create trigger {table}_never_deleted before delete on {table}
            for each row execute function audit_refuse_change();
        create trigger {table}_no_truncate before truncate on {table}
            for each statement execute function audit_refuse_change();
        """,
        f"drop trigger {table}_never_deleted on {table}; drop trigger {table}_no_truncate on {table};",
    )
