"""What must be on file, what goes, and everything that forbids a release."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from audit.services import record
from common.errors import Denied, NotFound, RulesBroken, WrongMove
from common.ids import uuid7
from common.jobs import services as jobs
from common.jobs.models import Job, JobStatus
from common.notices.models import Notice
from patients import services as patients
from records.documents import files
from records.documents.models import Document, DocumentStatus
from records.release.models import Release, ReleaseStatus, RequestStatus
from records.release.services import building, clearing, evidence, selecting
from tests.factories import PatientFactory
from tests.records.release.making import (
    authorization,
    built,
    cleared,
    filed,
    from_lawyer,
    identified,
    job_of,
    logged,
    mark_read,
    pdf_of,
    today,
)
from tests.support import events


def refused(roi: User, request_id: Any) -> set[str]:
    """The rules with which ordering a package is refused."""
    with pytest.raises(RulesBroken) as found:
        building.start_release(by=roi, request_id=request_id)
    return {rule for rule, _ in found.value.broken}


def put(document: Document, **changes: Any) -> None:
    """Change a document behind the room's back, as another room would."""
    with transaction.atomic():
        for name, value in changes.items():
            setattr(document, name, value)
        document.save()
        record("document.filed", by=None, actor="test", patient=document.patient_id, about=document)


def test_evidence_is_kept_with_its_scan(roi: User) -> None:
    row = from_lawyer(roi)
    kept = evidence.add_evidence(
        by=roi,
        request_id=row.pk,
        kind="authorization",
        fields=authorization(),
        file=files.stage([pdf_of("signed")], "../form.pdf"),
    )
    assert (kept.filename, kept.fields["signed_by"]) == ("form.pdf", "patient")
    assert files.read_blob(kept.blob_id or "").startswith(b"%PDF-")
    assert events("request.evidence_added", about=row)[0].detail["kind"] == "authorization"


@pytest.mark.parametrize(
    ("changes", "rules"),
    [
        ({"expires_on": date(2020, 1, 1), "signed_on": date(2019, 1, 1)}, ["AUTH-D1"]),
        ({"recipient": ""}, ["AUTH-D2", "AUTH-3"]),
        ({"psychotherapy": True}, ["AUTH-D4"]),
        ({"signed_on": date(2999, 1, 1), "expires_on": date(3000, 1, 1)}, ["AUTH-6"]),
    ],
)
def test_an_invalid_form_is_not_put_on_file(changes: dict[str, Any], rules: list[str], roi: User) -> None:
    """AUTH-D1, AUTH-D2, AUTH-D4, AUTH-6."""
    row = from_lawyer(roi)
    with pytest.raises(RulesBroken) as found:
        evidence.add_evidence(
            by=roi, request_id=row.pk, kind="authorization", fields=authorization(**changes)
        )
    assert [rule for rule, _ in found.value.broken] == rules
    assert not row.evidence.exists()
    assert not events("request.evidence_added", about=row)


def test_identity_is_seen_before_today_ends(roi: User) -> None:
    """VER-01."""
    row = logged(roi)
    late = {"method": "photo_id", "seen_on": today() + timedelta(days=1)}
    with pytest.raises(RulesBroken):
        evidence.add_evidence(by=roi, request_id=row.pk, kind="identity", fields=late)


def test_only_known_fields_of_a_form_are_kept(roi: User) -> None:
    """VER-01: how identity was seen, never the number of the document."""
    row = logged(roi)
    fields = {"method": "photo_id", "seen_on": today(), "number": "D1234567"}
    kept = evidence.add_evidence(by=roi, request_id=row.pk, kind="identity", fields=fields)
    assert set(kept.fields) == {"method", "seen_on"}


def test_a_patients_request_needs_her_identity_and_documents(roi: User) -> None:
    """ROI-001, VER-01."""
    row = logged(roi)
    assert refused(roi, row.pk) == {"VER-01", "nothing_selected"}
    row.refresh_from_db()
    assert (row.status, Release.objects.count()) == (RequestStatus.RECEIVED, 0)


def test_a_lawyers_request_needs_an_authorization(roi: User) -> None:
    """ROI-001, AUTH."""
    row = from_lawyer(roi)
    identified(roi, row)  # knowing the lawyer is not enough
    assert refused(roi, row.pk) == {"AUTH", "nothing_selected"}


@pytest.mark.parametrize("kind", ["subpoena", "court_order", "treatment", "representative", "impermissible"])
def test_grounds_that_are_not_built_yet_never_release(kind: str, roi: User) -> None:
    """ROI-001: the refusal names the law."""
    row = cleared(roi, kind=kind)
    assert refused(roi, row.pk) == {"ROI-001"}


def test_a_form_for_somebody_else_does_not_serve(roi: User) -> None:
    """AUTH-3, 45 CFR 164.508(a)(1)."""
    row = from_lawyer(roi)
    evidence.add_evidence(
        by=roi, request_id=row.pk, kind="authorization", fields=authorization(recipient="Keystone Life")
    )
    assert "AUTH-3" in refused(roi, row.pk)


def test_the_scope_chooses_oldest_first(roi: User) -> None:
    patient = PatientFactory.create()
    late = filed(patient, pdf_of("late"), name="late", service_date=date(2026, 1, 20))
    early = filed(patient, pdf_of("early"), name="early", service_date=date(2026, 1, 2))
    filed(patient, pdf_of("other"), name="other", type_code="11502-2")
    filed(PatientFactory.create(), pdf_of("stranger"), name="stranger")
    row = logged(roi, patient, scope={"from": "2026-01-01", "types": ["52033-8"]})
    selection = selecting.select_documents(by=roi, request_id=row.pk, document_ids=None)
    assert [item.document_id for item in selection.rows] == [early.pk, late.pk]
    assert selection.pages == 2
    detail = events("request.documents_selected", about=row)[0].detail
    assert detail["documents"] == [str(early.pk), str(late.pk)]


def test_a_new_choice_takes_the_place_of_the_old_one(roi: User) -> None:
    patient = PatientFactory.create()
    first, second = (filed(patient, pdf_of(name), name=name) for name in ("a", "b"))
    row = logged(roi, patient)
    for ids in ([first.pk, second.pk], [second.pk, first.pk], [second.pk]):
        selection = selecting.select_documents(by=roi, request_id=row.pk, document_ids=ids)
        assert [item.document_id for item in selection.rows] == ids
    assert row.selected.count() == 1


@pytest.mark.parametrize(
    ("labels", "kind", "rule"),
    [
        (("psychotherapy",), "patient", "PSY-01"),
        (("psychotherapy",), "authorization", "PSY-01"),
        (("part2",), "authorization", "P2-02"),
        (("part2",), "patient", None),
        (("hiv",), "patient", None),
    ],
)
def test_labels_keep_documents_back(labels: tuple[str, ...], kind: str, rule: str | None, roi: User) -> None:
    """PSY-01, P2-02."""
    patient = PatientFactory.create()
    document = filed(patient, pdf_of("note"), labels=labels)
    row = logged(roi, patient, kind=kind)
    selection = selecting.select_documents(by=roi, request_id=row.pk, document_ids=[document.pk])
    assert [item.rule for item in selection.excluded] == ([rule] if rule else [])
    assert len(selection.rows) == (0 if rule else 1)


def test_what_lies_elsewhere_is_unread_or_in_error_does_not_go(roi: User) -> None:
    patient = PatientFactory.create()
    stranger = filed(PatientFactory.create(), pdf_of("stranger"))
    unread = filed(patient, pdf_of("unread"), is_read=False)
    wrong = filed(patient, pdf_of("wrong"))
    put(wrong, status=DocumentStatus.ENTERED_IN_ERROR)
    row = logged(roi, patient)
    ids = [stranger.pk, unread.pk, wrong.pk]
    selection = selecting.select_documents(by=roi, request_id=row.pk, document_ids=ids)
    assert [item.rule for item in selection.excluded] == ["wrong_chart", "not_read", "entered_in_error"]


def test_documents_that_are_not_there_are_not_found(roi: User) -> None:
    row = logged(roi)
    for nothing in (uuid7(), "nonsense"):
        with pytest.raises(NotFound):
            selecting.select_documents(by=roi, request_id=row.pk, document_ids=[nothing])


def test_a_label_set_after_choosing_stops_the_package(roi: User) -> None:
    """PSY-01, asked again when the package is ordered."""
    row = cleared(roi)
    put(row.selected.get().document, labels=["psychotherapy"])
    assert refused(roi, row.pk) == {"PSY-01"}


def test_a_label_set_after_ordering_stops_the_job(roi: User) -> None:
    """PSY-01, asked again by the job."""
    row = cleared(roi)
    release = building.start_release(by=roi, request_id=row.pk)
    put(row.selected.get().document, labels=["psychotherapy"])
    jobs.run(job_of(release).pk)
    release.refresh_from_db()
    assert (release.status, release.request.status) == (ReleaseStatus.FAILED, RequestStatus.RECEIVED)
    assert "Psychotherapy notes do not go" in release.error
    job = job_of(release)
    assert job.error == f"The package of request {row.number} could not be built. The request says why."
    assert events("release.failed", about=release)[0].outcome == "failed"
    assert not events("release.built", about=release)


def test_a_right_lost_after_ordering_stops_the_job(roi: User) -> None:
    row = cleared(roi)
    release = building.start_release(by=roi, request_id=row.pk)
    with transaction.atomic():
        roi.groups.clear()
        record("user.changed", by=None, actor="test", about=roi)
    jobs.run(job_of(release).pk)
    release.refresh_from_db()
    assert release.status == ReleaseStatus.FAILED


def test_a_damaged_document_fails_the_package_by_name_and_the_request_goes_on(roi: User) -> None:
    patient = PatientFactory.create()
    broken = filed(patient, b"%PDF-1.7 not really", name="broken.pdf", is_read=False)
    mark_read(broken, 1)
    row = logged(roi, patient)
    identified(roi, row)
    selecting.select_documents(by=roi, request_id=row.pk, document_ids=[broken.pk])
    release = building.start_release(by=roi, request_id=row.pk)
    jobs.run(job_of(release).pk)
    release.refresh_from_db()
    assert release.status == ReleaseStatus.FAILED
    assert "Title of broken.pdf" in release.error
    (notice,) = Notice.objects.of(roi.pk)
    assert (notice.kind, notice.url) == ("release.failed", row.get_absolute_url())
    assert row.number in notice.text
    assert "broken.pdf" not in notice.text  # a title may hold a name: the request's page says which
    assert job_of(release).status == JobStatus.FAILED

    good = filed(patient, pdf_of("good"))
    selecting.select_documents(by=roi, request_id=row.pk, document_ids=[good.pk])
    again = building.start_release(by=roi, request_id=row.pk)
    jobs.run(job_of(again).pk)
    again.refresh_from_db()
    assert again.status == ReleaseStatus.READY


def test_a_job_that_gave_up_without_a_word_leaves_nothing_stuck(roi: User) -> None:
    row = cleared(roi)
    first = building.start_release(by=roi, request_id=row.pk)
    Job.objects.filter(pk=job_of(first).pk).update(
        status=JobStatus.FAILED, error="The worker died five times."
    )
    second = building.start_release(by=roi, request_id=row.pk)
    first.refresh_from_db()
    assert (first.status, first.error) == (ReleaseStatus.FAILED, "The worker died five times.")
    assert second.pk != first.pk


def test_ordering_twice_gives_one_release_and_one_job(roi: User) -> None:
    row = cleared(roi)
    first, second = (building.start_release(by=roi, request_id=row.pk) for _ in range(2))
    assert first.pk == second.pk
    assert Job.objects.filter(about_id=str(first.pk)).count() == 1
    assert len(events("release.started", about=first)) == 1


def test_nothing_changes_while_the_package_is_built(roi: User) -> None:
    row = cleared(roi)
    building.start_release(by=roi, request_id=row.pk)
    with pytest.raises(WrongMove):
        selecting.select_documents(by=roi, request_id=row.pk, document_ids=None)
    with pytest.raises(WrongMove):
        identified(roi, row)


def test_a_doorbell_after_the_end_changes_nothing(roi: User) -> None:
    release = built(roi, pdf_of("one", "two"))
    jobs.run(job_of(release).pk)
    again = Release.objects.get(pk=release.pk)
    assert (again.manifest, again.version) == (release.manifest, release.version)
    assert len(events("release.built", about=release)) == 1


def test_who_ordered_a_package_is_told_once_that_it_is_ready(roi: User) -> None:
    release = built(roi)
    jobs.run(job_of(release).pk)
    (notice,) = Notice.objects.all()
    assert (notice.recipient_id, notice.kind, notice.tone) == (roi.pk, "release.ready", "good")
    assert notice.url == release.request.get_absolute_url()
    assert release.request.number in notice.text


@pytest.mark.parametrize("role", ["clerk", "clinician", "compliance", "administrator"])
def test_who_may_not_prepare(role: str, roi: User, request: Any) -> None:
    row, user = cleared(roi), request.getfixturevalue(role)
    for attempt in (
        lambda: identified(user, row),
        lambda: selecting.select_documents(by=user, request_id=row.pk, document_ids=None),
        lambda: building.start_release(by=user, request_id=row.pk),
    ):
        with pytest.raises(Denied):
            attempt()
    assert not Release.objects.exists()


def test_the_chart_is_asked_for_once_however_many_documents_go(roi: User) -> None:
    few, many = (cleared(roi, *(pdf_of(f"{count} {number}") for number in range(count))) for count in (2, 12))
    with CaptureQueriesContext(connection) as asked_for_few:
        assert len(clearing.clearance(roi, few).rows) == 2
    with CaptureQueriesContext(connection) as asked_for_many:
        assert clearing.clearance(roi, many).missing == []
    assert len(asked_for_many) == len(asked_for_few) <= 8


def test_who_lost_the_chart_is_told_for_each_document(roi: User, supervisor: User) -> None:
    row = cleared(roi, pdf_of("one"), pdf_of("two"))
    patients.restrict_chart(by=supervisor, patient_id=row.patient_id, kind="legal", why="Order 26-CV-0117")
    missing = clearing.clearance(roi, row).missing
    assert [broken.rule for broken in missing] == ["access", "access"]
    assert "not open to you" in missing[0].text
