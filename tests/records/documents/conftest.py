"""A chart, a way to file into it, and a worker that reads at once."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from accounts.models import User
from common.jobs import services as jobs
from common.jobs.models import Job
from patients.models import Patient
from records.documents import files, services
from records.documents.models import Document
from tests.factories import PatientFactory
from tests.records.documents import samples

TYPE = "18842-5"
FileIt = Callable[..., Document]


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
