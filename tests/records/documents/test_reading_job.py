"""The job that reads: page by page, again after a kill, and honest about what it could not read."""

from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings

from accounts.models import User
from common.jobs import services as jobs
from common.jobs.models import Job, JobStatus
from common.notices.models import Notice
from patients.models import Patient
from records.documents import queries
from records.documents.models import Document, DocumentVersion, Page, Processing
from records.documents.reading import PageRead, read_file
from records.documents.services import reading
from records.documents.storage import vault
from tests.records.documents import samples
from tests.records.documents.conftest import file, work
from tests.support import events


def version_of(document: Document) -> DocumentVersion:
    return DocumentVersion.objects.get(document=document)


def test_a_letter_is_searchable_when_the_job_is_done(filed: Document, clerk: User) -> None:
    version = version_of(filed)
    assert (version.processing, version.page_count, version.error) == (Processing.DONE, 2, "")
    job = Job.objects.get(about_id=str(version.pk))
    assert (job.status, job.text, job.percent) == (JobStatus.DONE, "2 pages read.", 100)
    hits = queries.search_text(Document.objects.filter(pk=filed.pk), "metformin")
    assert [(hit.document.pk, hit.page) for hit in hits] == [(filed.pk, 1)]
    page = Page.objects.get(of=version, number=1)
    assert page.view_id is not None
    with vault().open(page.view_id) as stored:
        assert stored.read()[8:12] == b"WEBP"


def test_reading_leaves_its_events_and_no_clear_text(filed: Document) -> None:
    (event,) = events("document.pages_read", about=filed)
    assert event.actor == "system:reader"
    assert event.detail is not None
    assert event.detail["pages"] == [1, 2]
    assert events("document.reading_started", about=filed)
    assert list(reading.reading_area().iterdir()) == []


def test_running_a_finished_job_again_changes_nothing(filed: Document) -> None:
    version = version_of(filed)
    before = list(Page.objects.filter(of=version).values_list("id", flat=True))
    job = Job.objects.get(about_id=str(version.pk))
    Job.objects.filter(pk=job.pk).update(status=JobStatus.QUEUED)
    jobs.run(job.pk)
    assert list(Page.objects.filter(of=version).values_list("id", flat=True)) == before


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs."""


def test_a_killed_worker_is_followed_by_one_that_goes_on(
    clerk: User, patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = file(clerk, patient, samples.text_pdf([[f"This is page number {n}"] for n in range(1, 6)]))
    version = version_of(document)
    job = Job.objects.get(about_id=str(version.pk))
    monkeypatch.setattr(reading, "FLUSH_PAGES", 2)

    def dies_after_three(order: Any) -> Any:
        seen = 0
        for message in read_file(order):
            yield message
            seen += isinstance(message, PageRead)
            if seen == 3:
                raise Killed

    with patch.object(reading, "read_file", dies_after_three), pytest.raises(Killed):
        jobs.run(job.pk)
    kept = set(Page.objects.filter(of=version).values_list("id", flat=True))
    assert len(kept) == 2
    assert version_of(document).processing == Processing.RUNNING
    Job.objects.filter(pk=job.pk).update(lease_until="2020-01-01T00:00:00Z")
    jobs.run(job.pk)
    pages = Page.objects.filter(of=version)
    assert sorted(pages.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    assert kept < set(pages.values_list("id", flat=True))
    assert version_of(document).processing == Processing.DONE


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (samples.encrypted_pdf("secret"), "locked with a password"),
        (samples.empty_pdf(), "no pages"),
        (samples.text_pdf()[:300], "damaged or cut off"),
        (samples.long_pdf(2_001), "2,001 pages, more than the 2,000"),
    ],
)
def test_an_unreadable_file_is_kept_and_says_why(
    clerk: User, patient: Patient, data: bytes, sentence: str
) -> None:
    document = file(clerk, patient, data)
    work()
    version = version_of(document)
    assert version.processing == Processing.FAILED
    assert sentence in version.error
    job = Job.objects.get(about_id=str(version.pk))
    assert (job.status, job.error) == (JobStatus.FAILED, version.error)
    assert vault().verify(version.blob_id) == len(data)
    (event,) = events("document.reading_failed", about=document)
    assert event.outcome == "failed"
    assert list(reading.reading_area().iterdir()) == []


def test_a_broken_page_is_named_and_the_others_are_shown(clerk: User, patient: Patient) -> None:
    document = file(clerk, patient, samples.bomb_png(), "plan.png")
    work()
    version = version_of(document)
    assert version.processing == Processing.FAILED
    assert version.error.startswith("Page 1 of 1 could not be shown. This picture has 400 megapixels")
    page = Page.objects.get(of=version)
    assert page.view_id is None
    assert page.error
    assert Job.objects.get(about_id=str(version.pk)).text == "0 of 1 page read."


def test_a_lost_original_is_said_at_once(clerk: User, patient: Patient) -> None:
    document = file(clerk, patient, samples.text_pdf([["only here"]]))
    version = version_of(document)
    vault().remove(version.blob_id)
    work()
    assert "restored from the backup" in version_of(document).error


def test_a_job_that_gave_up_silently_does_not_stay_unseen(clerk: User, patient: Patient) -> None:
    document = file(clerk, patient, samples.text_pdf())
    version = version_of(document)
    Job.objects.filter(about_id=str(version.pk)).update(status=JobStatus.FAILED, error="killed")
    assert reading.fail_stuck() == 1
    assert version_of(document).error == reading.GAVE_UP
    assert reading.fail_stuck() == 0


def test_the_sweeper_removes_what_killed_readers_left() -> None:
    left = settings.RUN_DIR / "reading" / "not-a-job"
    left.mkdir(parents=True)
    (left / "original").write_bytes(b"clear text")
    with patch.object(Job.objects, "filter") as never_asked:
        assert reading.sweep_reading_area() == 1
    never_asked.assert_not_called()
    assert not left.exists()


def test_what_a_page_must_not_hold_cannot_reach_the_database(clerk: User, patient: Patient) -> None:
    """NUL, lone surrogates and endless text of a hostile text layer."""
    from records.documents.reader.words import MAX_CHARACTERS, storable

    text = storable("a\x00b\ud800c" + "word " * 100_000)
    assert text.startswith("abc")
    assert len(text) == MAX_CHARACTERS
    document = file(clerk, patient, samples.text_pdf())
    Page.objects.create(
        of=version_of(document), patient=patient, number=9, source="none", error="x", text=text
    )
    hits = queries.search_text(Document.objects.filter(pk=document.pk), "word")
    assert [hit.page for hit in hits] == [9]


def test_who_asked_is_told_that_a_document_could_not_be_read(patient: Patient, clerk: User) -> None:
    """Once, however often the job runs; and nothing for one that could."""
    file(clerk, patient, samples.text_pdf([samples.LETTER_TEXT]))
    broken = file(clerk, patient, b"%PDF-1.4\n1 0 obj garbage", title=f"Letter about {patient.family}")
    work()
    Job.objects.filter(kind="documents.read").update(status=JobStatus.QUEUED)
    work()
    (notice,) = Notice.objects.of(clerk.pk)
    assert (notice.kind, notice.tone, notice.url) == (
        "document.unreadable",
        "bad",
        broken.get_absolute_url(),
    )
    assert version_of(broken).error in notice.text
    assert patient.family not in notice.text


def test_who_asked_is_told_too_when_the_worker_died_each_time(patient: Patient, clerk: User) -> None:
    document = file(clerk, patient, samples.text_pdf([samples.LETTER_TEXT]))
    Job.objects.filter(about_id=str(document.current_id)).update(status=JobStatus.FAILED)
    assert reading.fail_stuck() == 1
    assert reading.fail_stuck() == 0
    (notice,) = Notice.objects.of(clerk.pk)
    assert reading.GAVE_UP in notice.text
