"""What is signed stays as it was signed, and nobody signs about herself."""

from django.db import migrations

from audit.guards import append_only, guard, never_deleted

SIGNED_STAYS = """
create function review_signed_stays() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    if tg_table_name = 'review_signoff' then
        if old.signed_at is not null then
            raise exception using errcode = 'integrity_constraint_violation', message = 'What is signed stays as it is.';
        end if;
        if new.signed_by_id is not null and exists (
            select from public.review_drawnaccess where sign_off_id = new.id and actor_id = new.signed_by_id
        ) then
            raise exception using errcode = 'integrity_constraint_violation', message = 'Nobody signs about herself.';
        end if;
        return new;
    end if;
    if exists (select from public.review_signoff where id = new.sign_off_id and signed_at is not null) then
        raise exception using errcode = 'integrity_constraint_violation', message = 'What is signed stays as it is.';
    end if;
    if tg_op = 'UPDATE' and (old.sign_off_id, old.position, old.event_id, old.actor_id, old.patient_id, old.standing)
        is distinct from (new.sign_off_id, new.position, new.event_id, new.actor_id, new.patient_id, new.standing) then
        raise exception using errcode = 'integrity_constraint_violation', message = 'A sample stays as it was drawn.';
    end if;
    return new;
end $$;
create trigger review_signoff_stays before update on review_signoff
    for each row execute function review_signed_stays();
create trigger review_drawnaccess_stays before insert or update on review_drawnaccess
    for each row execute function review_signed_stays();
"""
UNDO = """
drop trigger review_signoff_stays on review_signoff;
drop trigger review_drawnaccess_stays on review_drawnaccess;
drop function review_signed_stays();
"""


class Migration(migrations.Migration):
    dependencies = [("review", "0007_counts_and_signoffs")]

    operations = [
        guard("review_signoff", None),
        never_deleted("review_signoff"),
        guard("review_drawnaccess"),
        never_deleted("review_drawnaccess"),
        append_only("review_logcheck", ["at", "by_id", "is_whole", "first_epoch", "checked", "text"]),
        migrations.RunSQL(SIGNED_STAYS, UNDO),
    ]
