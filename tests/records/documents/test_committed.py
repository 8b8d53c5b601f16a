"""What only shows when transactions truly commit: guards, races, and a worker that is truly killed."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from accounts.roles import Role
from common.errors import WrongMove
from common.jobs import services as jobs
from common.jobs.models import Job, JobStatus
from records.documents.models import Document, DocumentVersion, Page, Processing
from records.documents.reading import ROOT
from records.documents.services import reading
from tests.factories import PatientFactory, make_user
from tests.records.documents import samples
from tests.records.documents.conftest import file

pytestmark = [pytest.mark.committed, pytest.mark.usefixtures("committed")]


@pytest.fixture
def clerk(committed: None) -> User:
    """A clerk whose row is committed; names are used once."""
    return make_user(Role.RECORDS_CLERK, username=f"clerk-{time.time_ns()}")


def test_a_filed_document_commits_and_is_read(clerk: User) -> None:
    document = file(clerk, PatientFactory.create(), samples.text_pdf())
    job = Job.objects.get(about_id=str(document.current_id))
    jobs.run(job.pk)
    assert DocumentVersion.objects.get(document=document).processing == Processing.DONE


def test_no_row_of_a_document_changes_without_an_event(clerk: User) -> None:
    """Invariant 2, by the database's own hand."""
    document = file(clerk, PatientFactory.create(), samples.text_pdf())
    jobs.run(Job.objects.get(about_id=str(document.current_id)).pk)
    for rows, change in (
        (Document.objects.filter(pk=document.pk), {"title": "Other"}),
        (DocumentVersion.objects.filter(document=document), {"error": "x"}),
        (Page.objects.filter(of__document=document), {"text": "other"}),
    ):
        with pytest.raises(DatabaseError, match="event"):
            rows.update(**change)
    document.refresh_from_db()
    assert document.title == "Discharge summary"


def test_two_clerks_who_file_the_same_scan_at_once_file_it_once(clerk: User) -> None:
    patient = PatientFactory.create()
    data = samples.text_pdf()
    outcomes: list[str] = []

    def one() -> None:
        try:
            file(clerk, patient, data)
            outcomes.append("filed")
        except WrongMove as refused:
            outcomes.append(refused.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_filed", "filed"]
    assert Document.objects.filter(patient=patient).count() == 1


WORKER = """
import sys
import django
django.setup()
from uuid import UUID
from common.jobs import services
services.run(UUID(sys.argv[1]))
"""


def worker(job: Job) -> "subprocess.Popen[bytes]":
    """A process of its own that does the job on this test's database."""
    database = connection.settings_dict
    address = (
        f"postgresql://{quote(database['USER'])}:{quote(database['PASSWORD'] or '')}@/{database['NAME']}"
        f"?host={quote(str(database['HOST'] or ''))}&port={database['PORT'] or 5432}"
    )
    environment = {**os.environ, "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "config.settings"}
    return subprocess.Popen([sys.executable, "-c", WORKER, str(job.pk)], cwd=ROOT, env=environment)


def readers() -> set[int]:
    """Reader processes of this machine that belong to this test's data folder."""
    found = set()
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_text()
            except OSError:
                continue
            if "records.documents.reader" in command and str(settings.RUN_DIR) in command:
                found.add(int(folder.name))
    return found


def wait_until(condition: object, seconds: float = 60.0) -> None:
    """Poll a callable until it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "It never came true."
        pause.wait(0.05)


def test_a_worker_killed_while_it_reads_loses_nothing_and_leaves_nobody(clerk: User) -> None:
    """kill -9 during OCR: one set of pages in the end, no orphan, no clear text left."""
    pages = [samples.scan((*samples.LETTER_TEXT, f"Sheet {number}"), dpi=200) for number in range(6)]
    document = file(clerk, PatientFactory.create(), samples.tiff(pages), "scan.tif")
    job = Job.objects.get(about_id=str(document.current_id))
    process = worker(job)
    try:
        wait_until(lambda: readers() and Job.objects.get(pk=job.pk).done >= 1)
        assert list(reading.reading_area().iterdir())
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    wait_until(lambda: not readers())
    assert DocumentVersion.objects.get(document=document).processing == Processing.RUNNING
    Job.objects.filter(pk=job.pk).update(worker=f"{jobs.worker_name().split(':')[0]}:{process.pid}")
    assert jobs.release_orphans() == 1
    reading.sweep_reading_area()
    assert list(reading.reading_area().iterdir()) == []
    jobs.run(job.pk)
    assert Job.objects.get(pk=job.pk).status == JobStatus.DONE
    version = DocumentVersion.objects.get(document=document)
    assert (version.processing, version.page_count) == (Processing.DONE, 6)
    numbers = Page.objects.filter(of=version).order_by("number").values_list("number", flat=True)
    assert list(numbers) == [1, 2, 3, 4, 5, 6]
    with transaction.atomic():
        assert "Sheet 5" in Page.objects.get(of=version, number=6).text
