"""What a request and its package tell of documents whose labels are not open to whoever looks."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from common.errors import Denied
from common.jobs import services as jobs
from records.documents.services import labelling
from records.release.models import Release
from records.release.services import building, selecting, sending
from tests.factories import PatientFactory
from tests.records.release.making import filed, identified, job_of, logged, pdf_of
from tests.support import events

Browse = Callable[[User], Client]
TITLE = "Title of closed.pdf"


@pytest.fixture
def release(roi: User) -> Release:
    """A package of two documents; the release desk sees the one with the label, clerk and compliance say why."""
    patient = PatientFactory.create()
    plain = filed(patient, pdf_of("plain"), name="plain.pdf")
    closed = filed(
        patient, pdf_of("closed"), name="closed.pdf", labels=("legal",), service_date=date(2019, 7, 3)
    )
    row = logged(roi, patient)
    identified(roi, row)
    selecting.select_documents(by=roi, request_id=row.pk, document_ids=[plain.pk, closed.pk])
    made = building.start_release(by=roi, request_id=row.pk)
    jobs.run(job_of(made).pk)
    made.refresh_from_db()
    return made


def told(text: str) -> list[str]:
    """What of the closed document stands in a page or an answer."""
    return [word for word in (TITLE, "03 Jul 2019", "2019-07-03", "Legal") if word in text]


def test_the_page_of_a_request_tells_nothing_of_a_document_that_is_closed(
    release: Release, clerk: User, roi: User, browse: Browse
) -> None:
    address = release.request.get_absolute_url()
    page = browse(clerk).get(address).content.decode()
    assert told(page) == []
    assert "Title of plain.pdf" in page
    assert "Not open to you" in page
    assert told(browse(roi).get(address).content.decode()) == [TITLE, "03 Jul 2019", "Legal"]


def test_nor_does_the_api(release: Release, clerk: User, compliance: User, roi: User, api: Any) -> None:
    addresses = f"/api/v1/requests/{release.request_id}/", f"/api/v1/releases/{release.pk}/"
    for who in (clerk, compliance):
        for address in addresses:
            answer = api(who).get(address)
            assert answer.status_code == 200
            assert told(answer.content.decode()) == []
            assert "Not open to you" in answer.content.decode()
    assert [part["title"] for part in api(roi).get(addresses[1]).json()["manifest"]] == [
        "Title of plain.pdf",
        TITLE,
    ]


def test_whoever_says_why_reads_on(release: Release, clerk: User, api: Any) -> None:
    closed = release.request.selected.get(document__title=TITLE).document
    labelling.state_document_need(by=clerk, document_id=closed.pk, reason="the court asks for it")
    assert TITLE in api(clerk).get(f"/api/v1/releases/{release.pk}/").content.decode()


def test_what_stays_back_is_told_without_its_title(
    release: Release, clerk: User, compliance: User, roi: User, api: Any
) -> None:
    labelling.set_label_rules(by=compliance, answers={("legal", "roi_specialist"): "denied"})
    selected = api(roi).get(f"/api/v1/requests/{release.request_id}/")
    missing = selected.json()["missing"]
    assert [item["rule"] for item in missing] == ["access"]
    assert missing[0]["text"].startswith("Document 2: It is not open to you")
    assert told(selected.content.decode()) == []


def test_a_copy_of_a_package_is_for_whoever_sees_all_of_it(
    release: Release, roi: User, supervisor: User, compliance: User
) -> None:
    first = b"".join(sending.download_package(by=roi, release_id=release.pk).chunks())
    copy = b"".join(sending.download_package(by=supervisor, release_id=release.pk).chunks())
    assert copy == first
    labelling.set_label_rules(by=compliance, answers={("legal", "records_supervisor"): "denied"})
    with pytest.raises(Denied):
        sending.download_package(by=supervisor, release_id=release.pk)
    assert len(events("release.package_copied", about=release)) == 1
