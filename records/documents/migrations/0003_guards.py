"""What the database itself holds true of documents, whoever writes to it."""

from django.db import migrations

from audit.guards import guard

# A document, its versions and its pages always belong to the same patient, and its encounter is that patient's.
# The patient of versions and pages follows the document's by ON UPDATE CASCADE.
SAME_PATIENT = """
alter table documents_document add constraint document_encounter_is_of_its_patient
    foreign key (encounter_id, patient_id) references patients_encounter (id, patient_id)
    deferrable initially deferred;
alter table documents_documentversion add constraint version_patient_is_the_documents
    foreign key (document_id, patient_id) references documents_document (id, patient_id)
    on update cascade deferrable initially deferred;
alter table documents_page add constraint page_patient_is_the_versions
    foreign key (of_id, patient_id) references documents_documentversion (id, patient_id)
    on update cascade deferrable initially deferred;
"""
APART = """
alter table documents_page drop constraint page_patient_is_the_versions;
alter table documents_documentversion drop constraint version_patient_is_the_documents;
alter table documents_document drop constraint document_encounter_is_of_its_patient;
"""

# Nothing is lost or overwritten: originals and who filed them stay as they were.
IMMUTABLE = """
create function documents_keep_original() returns trigger language plpgsql set search_path = pg_catalog as $$
begin
    raise exception using errcode = 'insufficient_privilege',
        message = format('%s: what was filed is never changed or removed (%s).', tg_table_name, tg_op);
end $$;
create trigger documents_version_stays before update on documents_documentversion for each row
    when ((old.id, old.document_id, old.number, old.blob_id, old.filename, old.filed_by_id, old.filed_at)
        is distinct from
        (new.id, new.document_id, new.number, new.blob_id, new.filename, new.filed_by_id, new.filed_at))
    execute function documents_keep_original();
create trigger documents_version_is_not_removed before delete on documents_documentversion
    for each row execute function documents_keep_original();
create trigger documents_document_is_not_removed before delete on documents_document
    for each row execute function documents_keep_original();
create trigger documents_blob_stays before update on documents_blob for each row
    when ((old.sha256, old.size_bytes, old.media_type) is distinct from (new.sha256, new.size_bytes, new.media_type))
    execute function documents_keep_original();
"""
MUTABLE = """
drop trigger documents_blob_stays on documents_blob;
drop trigger documents_document_is_not_removed on documents_document;
drop trigger documents_version_is_not_removed on documents_documentversion;
drop trigger documents_version_stays on documents_documentversion;
drop function documents_keep_original();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("documents", "0002_document_types"),
        ("patients", "0002_guards_and_numbers"),
        ("audit", "0001_event_table"),
    ]

    operations = [
        migrations.RunSQL(SAME_PATIENT, APART),
        migrations.RunSQL(IMMUTABLE, MUTABLE),
        guard("documents_documenttype", None),
        guard("documents_blob", None),
        guard("documents_document"),
        guard("documents_documentversion"),
        guard("documents_page"),
    ]
