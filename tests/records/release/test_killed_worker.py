"""A worker that dies in the middle of a build leaves one finished package: never two, never none."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from common.jobs import services as jobs
from common.jobs.models import Job, JobStatus
from records.release.models import Disclosure, Release, ReleaseStatus
from records.release.services import building, sending
from tests.factories import make_user
from tests.records.release.making import cleared, job_of, pdf_of
from tests.support import events

pytestmark = [pytest.mark.committed, pytest.mark.usefixtures("committed")]
DEADLINE = 60.0
WORKER = """
import sys
import django
django.setup()
from common.jobs import services
from records.release import assembling
assembling.SAY_SECONDS = 0.0  # tells each step, so that it can be met there
services.run(__import__("uuid").UUID(sys.argv[1]))
"""


@pytest.fixture
def specialist(committed: None) -> User:
    return make_user(Role.ROI_SPECIALIST)


@pytest.fixture
def ordered(specialist: User) -> Release:
    """A release of forty documents whose job nobody has taken yet."""
    contents = (pdf_of(*(f"document {number} page {page}" for page in range(8))) for number in range(40))
    record_request = cleared(specialist, *contents)
    return building.start_release(by=specialist, request_id=record_request.pk)


def _worker(job: Job) -> "subprocess.Popen[bytes]":
    """A worker process of its own, in this test's database."""
    database = settings.DATABASES["default"]
    address = (
        f"postgresql://{database['USER']}:{database['PASSWORD']}@/{database['NAME']}?host={database['HOST']}"
    )
    if database["PORT"]:
        address += f"&port={database['PORT']}"
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(job.pk)],
        cwd=Path(settings.BASE_DIR),
        env={**os.environ, "DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "config.settings"},
    )


def _moments(job: Job) -> Iterator[str]:
    """What the job says of itself, again and again, until the deadline."""
    ends = time.monotonic() + DEADLINE
    while time.monotonic() < ends:
        job.refresh_from_db()
        yield job.text
    pytest.fail(f"The job never got as far as that: {job.status} {job.text}")


@pytest.mark.parametrize("moment", ["Gathering", "Adding document 2", "Stamping"])
def test_killed_in_the_middle_it_ends_in_one_package(moment: str, specialist: User, ordered: Release) -> None:
    job = job_of(ordered)
    worker = _worker(job)
    for text in _moments(job):
        if text.startswith((moment, "Saving")):
            break
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    ordered.refresh_from_db()
    assert ordered.status in {ReleaseStatus.QUEUED, ReleaseStatus.READY}

    Job.objects.filter(pk=job.pk, status=JobStatus.RUNNING).update(
        lease_until=timezone.now() - timedelta(seconds=1)
    )
    jobs.run(job.pk)
    jobs.run(job.pk)  # a second doorbell finds nothing to do

    ordered.refresh_from_db()
    job.refresh_from_db()
    assert (ordered.status, job.status) == (ReleaseStatus.READY, JobStatus.DONE)
    assert len(events("release.built", about=ordered)) == 1
    assert Release.objects.filter(request=ordered.request_id).count() == 1
    content = b"".join(sending.download_package(by=specialist, release_id=ordered.pk).chunks())
    assert content.startswith(b"%PDF-")
    assert Disclosure.objects.filter(request=ordered.request_id).count() == 1


def test_two_workers_build_one_package(ordered: Release) -> None:
    job = job_of(ordered)
    workers = [_worker(job), _worker(job)]
    assert [worker.wait(DEADLINE) for worker in workers] == [0, 0]
    ordered.refresh_from_db()
    assert ordered.status == ReleaseStatus.READY
    assert len(events("release.built", about=ordered)) == 1


def _at_once(actions: list[object]) -> list[str]:
    """Run the calls at the same moment; the name of what each raised, or an empty text."""
    barrier, outcomes = Barrier(len(actions)), [""] * len(actions)

    def act(place: int) -> None:
        barrier.wait()
        try:
            actions[place]()  # type: ignore[operator]
        except Exception as refused:
            outcomes[place] = type(refused).__name__
        finally:
            connections.close_all()

    threads = [Thread(target=act, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


def test_two_clerks_who_order_at_once_get_the_same_release(specialist: User) -> None:
    record_request = cleared(specialist, pdf_of("one"))
    found: list[Release] = []

    def order() -> None:
        found.append(building.start_release(by=specialist, request_id=record_request.pk))

    assert _at_once([order, order]) == ["", ""]
    assert found[0].pk == found[1].pk


def test_two_who_send_at_once_write_one_disclosure(specialist: User) -> None:
    record_request = cleared(specialist, pdf_of("one"))
    release = building.start_release(by=specialist, request_id=record_request.pk)
    jobs.run(job_of(release).pk)

    def send() -> None:
        list(sending.download_package(by=specialist, release_id=release.pk).chunks())

    assert _at_once([send, send, send]) == ["", "", ""]
    assert Disclosure.objects.filter(release=release).count() == 1
    assert len(events("release.package_downloaded", about=release)) == 1
    assert len(events("release.package_copied", about=release)) == 2
    connection.close()
