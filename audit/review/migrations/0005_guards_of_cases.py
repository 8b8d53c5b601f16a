"""No change of a case without an event; evidence and notes stay as they were written; nobody works on her own case."""

from django.db import migrations

from audit.guards import append_only, guard, never_deleted

NUMBERS = "create sequence review_case_number"

# Rows that say who wrote them: never the person the case is about.
NOT_BY_SUBJECT = """
create function review_not_by_the_subject() returns trigger language plpgsql set search_path = pg_catalog as $$
declare
    who uuid;
begin
    execute format('select ($1).%I', tg_argv[0]) into who using new;
    if exists (select from public.review_case where id = new.case_id and subject_id = who) then
        raise exception using errcode = 'integrity_constraint_violation',
            message = 'Nobody works on a case about herself.';
    end if;
    return new;
end $$;
create trigger review_casenote_not_by_subject before insert on review_casenote
    for each row execute function review_not_by_the_subject('written_by_id');
create trigger review_caseevidence_not_by_subject before insert on review_caseevidence
    for each row execute function review_not_by_the_subject('frozen_by_id');
"""
UNDO_NOT_BY_SUBJECT = """
drop trigger review_casenote_not_by_subject on review_casenote;
drop trigger review_caseevidence_not_by_subject on review_caseevidence;
drop function review_not_by_the_subject();
"""

# A decision stands, and nobody decides about accesses of her own (MON-5).
DECISION_STANDS = """
create function review_case_decision_stands() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    if old.outcome <> '' and (
        (old.outcome, old.conclusion, old.ground, old.ground_why, old.factor_information, old.factor_person,
         old.factor_viewed, old.factor_mitigated, old.decided_by_id, old.decided_at, old.discovered_on)
        is distinct from
        (new.outcome, new.conclusion, new.ground, new.ground_why, new.factor_information, new.factor_person,
         new.factor_viewed, new.factor_mitigated, new.decided_by_id, new.decided_at, new.discovered_on)
        or old.subject_id is distinct from new.subject_id
    ) then
        raise exception using errcode = 'integrity_constraint_violation', message = 'A decision stands.';
    end if;
    if new.decided_by_id is not null and old.decided_by_id is null and exists (
        select from public.review_caseevidence where case_id = new.id and actor_id = new.decided_by_id
    ) then
        raise exception using errcode = 'integrity_constraint_violation',
            message = 'Nobody decides about what she did herself.';
    end if;
    return new;
end $$;
create trigger review_case_decision_stands before update on review_case
    for each row execute function review_case_decision_stands();
"""
UNDO_DECISION_STANDS = """
drop trigger review_case_decision_stands on review_case;
drop function review_case_decision_stands();
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0004_cases")]

    operations = [
        migrations.RunSQL(NUMBERS, "drop sequence review_case_number"),
        guard("review_case", None),
        never_deleted("review_case"),
        guard("review_casepatient"),
        never_deleted("review_casepatient"),
        guard("review_casealert", None),
        never_deleted("review_casealert"),
        guard("review_breachnotice", None),
        never_deleted("review_breachnotice"),
        guard("review_caseevidence"),
        append_only(
            "review_caseevidence",
            [
                "case_id", "event_id", "at", "actor_id", "patient_id", "canonical", "proof", "epoch_n",
                "epoch_message", "epoch_signature", "public_key", "frozen_by_id", "frozen_at",
            ],
        ),
        guard("review_casenote", None),
        append_only(
            "review_casenote", ["case_id", "kind", "with_whom", "text", "written_by_id", "written_at"]
        ),
        migrations.RunSQL(NOT_BY_SUBJECT, UNDO_NOT_BY_SUBJECT),
        migrations.RunSQL(DECISION_STANDS, UNDO_DECISION_STANDS),
    ]  # fmt: skip
