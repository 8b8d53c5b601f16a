"""A chart, a way to file into it, and a worker that reads at once."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings

from accounts.models import User
from common.jobs import services as jobs
from common.jobs.models import Job
from patients.models import Patient
from records.documents import files, services
from records.documents.models import Document
from tests.factories import PatientFactory
from tests.records.documents import s3, samples

TYPE = "18842-5"
FileIt = Callable[..., Document]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """An S3 server's address."""
    with s3.running() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_server: str) -> s3.Bucket:
    """An empty bucket."""
    made = s3.Bucket(s3_server, f"test-{uuid4().hex}")
    made.client.create_bucket(Bucket=made.name)
    return made


@pytest.fixture
def in_bucket(bucket: s3.Bucket, settings: LazySettings, tmp_path: Path) -> s3.Bucket:
    """Chartroom's settings say that its files lie in a bucket."""
    server = bucket.server()
    settings.STORAGE = f"s3://{server.bucket}/{server.prefix}"
    settings.STAGING_DIR = tmp_path / "staging"
    settings.S3_ENDPOINT, settings.S3_REGION = server.endpoint, server.region
    settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = server.access_key, server.secret_key
    return bucket


@pytest.fixture
def patient(db: None) -> Patient:
    return PatientFactory.create()


def file(by: User, patient: Patient, data: bytes, name: str = "letter.pdf", **fields: Any) -> Document:
    """File bytes into a chart like the page does."""
    given: dict[str, Any] = {"type_code": TYPE, "service_date": date(2026, 3, 1), **fields}
    return services.file_document(by=by, patient_id=patient.pk, file=files.stage([data], name), **given)


def work() -> int:
    """Do every waiting reading, as a worker would; returns how many."""
    waiting = list(Job.objects.filter(kind="documents.read").takeable().order_by("created_at"))
    for job in waiting:
        jobs.run(job.pk)
    return len(waiting)


@pytest.fixture
def filed(clerk: User, patient: Patient) -> Document:
    """A two-page letter, read."""
    document = file(
        clerk, patient, samples.text_pdf([samples.LETTER_TEXT, ["Signed by the attending physician"]])
    )
    work()
    document.refresh_from_db()
    return document
