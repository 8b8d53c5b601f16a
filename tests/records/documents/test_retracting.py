"""A document leaves the chart: undone at once by whoever filed it, or retracted later and why. Nothing is lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from common.ids import uuid7
from patients.models import Patient
from records.documents import files, queries, services
from records.documents.models import Document, DocumentStatus
from records.release.services import selecting
from tests.factories import EncounterFactory, make_user
from tests.records.documents import samples
from tests.records.documents.conftest import file, work
from tests.records.release import making
from tests.support import events

Browse = Callable[[User], Client]
WHY = "filed into the wrong chart"
FIELDS = {"type": "18842-5", "service_date": "2026-03-01"}


def is_retracted(document: Document) -> bool:
    return Document.objects.get(pk=document.pk).status == DocumentStatus.ENTERED_IN_ERROR


def retract(by: User, document: Document, reason: str = WHY) -> Document:
    return services.retract_document(by=by, document_id=document.pk, reason=reason)


def undo(by: User, *documents: Document) -> list[Document]:
    return services.undo_filing(by=by, document_ids=[str(document.pk) for document in documents])


# -- retracted, with a reason -----------------------------------------------------------------------------------


def test_what_is_retracted_is_kept_and_no_part_of_the_chart(
    clerk: User, supervisor: User, patient: Patient, filed: Document
) -> None:
    clinician = EncounterFactory.create(patient=patient).attending
    services.open_document(by=clinician, document_id=filed.pk)
    retract(supervisor, filed)
    assert is_retracted(filed)
    [event] = events("document.retracted", about=filed)
    assert (event.action, event.reason, event.patient_id) == ("retract", WHY, patient.pk)
    assert event.detail["seen_by"] == 1
    with pytest.raises(NotFound):
        services.open_document(by=clinician, document_id=filed.pk)
    assert filed.pk not in {row.pk for row in queries.timeline(clinician, patient)}
    assert filed.pk in {row.pk for row in queries.timeline(clerk, patient)}
    for asked in (patient.pk, None):
        assert not services.search_chart_text(by=clerk, text="metformin", patient_id=asked)
    narrowed = queries.timeline(clerk, patient, queries.Filters(text="metformin"))
    assert filed.pk not in {row.pk for row in narrowed}
    version = filed.current
    assert version is not None
    assert files.open_blob(version.blob_id).size_bytes == version.blob.size_bytes


def test_the_same_file_may_be_filed_again(clerk: User, patient: Patient) -> None:
    first = file(clerk, patient, samples.text_pdf())
    retract(clerk, first)
    assert not is_retracted(file(clerk, patient, samples.text_pdf()))


@pytest.mark.parametrize("role", [Role.ROI_SPECIALIST, Role.CLINICIAN, Role.COMPLIANCE_OFFICER])
def test_who_may_not_retract(role: Role, clerk: User, patient: Patient) -> None:
    somebody = make_user(role)
    EncounterFactory.create(patient=patient, attending=somebody)
    document = file(clerk, patient, samples.text_pdf())
    with pytest.raises(Denied):
        retract(somebody, document)
    assert not is_retracted(document)


def test_a_reason_that_says_nothing_and_a_second_time_are_refused(clerk: User, patient: Patient) -> None:
    document = file(clerk, patient, samples.text_pdf())
    with pytest.raises(RuleBroken):
        retract(clerk, document, "x")
    assert not is_retracted(document)
    retract(clerk, document)
    with pytest.raises(WrongMove):
        retract(clerk, document)
    assert len(events("document.retracted", about=document)) == 1


def test_a_release_leaves_out_what_was_retracted_after_it_was_chosen(roi: User, clerk: User) -> None:
    request = making.cleared(roi, making.pdf_of("one page"))
    [row] = request.selected.all()
    retract(clerk, row.document)
    assert events("document.retracted")[0].detail["on_its_way"].startswith("It is chosen for request")
    document = Document.objects.get(pk=row.document_id)
    assert selecting.why_not(request, [document], {document.pk})[document.pk].rule == "entered_in_error"


def test_the_page_asks_why_and_says_what_happens(clerk: User, patient: Patient, browse: Browse) -> None:
    document = file(clerk, patient, samples.text_pdf())
    client, address = browse(clerk), reverse("documents:retract", args=[document.pk])
    assert address in client.get(document.get_absolute_url()).content.decode()
    assert "cannot be taken back" in client.get(address).content.decode()
    assert client.post(address, {"reason": "x"}).status_code == 422
    assert client.post(address, {"reason": WHY})["Location"] == document.get_absolute_url()
    page = client.get(document.get_absolute_url()).content.decode()
    assert "entered in error" in page
    assert address not in page


def test_the_api_retracts(clerk: User, roi: User, patient: Patient, api: Any) -> None:
    document = file(clerk, patient, samples.text_pdf())
    address = f"/api/v1/documents/{document.pk}/retract/"
    assert api(roi).post(address, {"reason": WHY}, format="json").status_code == 403
    assert api(clerk).post(address, {}, format="json").status_code in {400, 422}
    done = api(clerk).post(address, {"reason": WHY}, format="json")
    assert (done.status_code, done.json()["status"]) == (200, "entered-in-error")
    assert api(clerk).post(address, {"reason": WHY}, format="json").status_code == 409


# -- undone at once ---------------------------------------------------------------------------------------------


def _files(count: int) -> list[SimpleUploadedFile]:
    data = [samples.text_pdf([[f"Letter number {number}"]]) for number in range(count)]
    return [SimpleUploadedFile(f"{number}.pdf", each, "application/pdf") for number, each in enumerate(data)]


@pytest.mark.parametrize("count", [1, 3])
def test_the_page_after_filing_offers_to_undo_it(
    count: int, clerk: User, patient: Patient, browse: Browse
) -> None:
    client = browse(clerk)
    upload = reverse("documents:upload", args=[patient.pk])
    page = client.post(upload, {**FIELDS, "file": _files(count)}, follow=True)
    assert "being read now" in page.content.decode()
    offered = page.context["undo"]
    assert len(offered.ids) == count
    assert 0 < offered.seconds <= 10
    again = client.get(page.request["PATH_INFO"])
    assert again.context["undo"] is not None
    done = client.post(reverse("documents:undo"), {"document": offered.ids}, follow=True)
    assert "Undone." in done.content.decode()
    assert done.request["PATH_INFO"] == patient.get_absolute_url()
    assert {is_retracted(row) for row in patient.documents.all()} == {True}
    assert {event.reason for event in events("document.retracted")} == {"undone by the one who filed it"}
    assert client.get(reverse("capture:home")).context["undo"] is None


def test_after_ten_seconds_it_is_not_offered_and_a_little_later_refused(
    clerk: User, patient: Patient, browse: Browse
) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = browse(clerk)
        upload = reverse("documents:upload", args=[patient.pk])
        page = client.post(upload, {**FIELDS, "file": _files(1)}, follow=True)
        document = patient.documents.get()
        assert page.context["undo"].seconds == 10
        clock.shift(timedelta(seconds=11))
        assert client.get(document.get_absolute_url()).context["undo"] is None
        clock.shift(timedelta(seconds=10))
        late = client.post(reverse("documents:undo"), {"document": str(document.pk)}, follow=True)
    assert "The time for Undo is over" in late.content.decode()
    assert not is_retracted(document)


def test_what_somebody_else_has_opened_is_not_undone(clerk: User, supervisor: User, patient: Patient) -> None:
    document, other = file(clerk, patient, samples.text_pdf()), file(clerk, patient, samples.long_pdf(1))
    work()
    services.open_document(by=clerk, document_id=document.pk)
    services.open_document(by=supervisor, document_id=other.pk)
    with pytest.raises(WrongMove, match="opened the document already"):
        undo(clerk, document, other)
    assert not is_retracted(document)
    assert undo(clerk, document)
    assert is_retracted(document)


def test_what_is_chosen_for_a_request_is_not_undone(roi: User) -> None:
    request = making.cleared(roi, making.pdf_of("one page"))
    [row] = request.selected.all()
    with pytest.raises(WrongMove, match=request.number):
        undo(row.document.filed_by, row.document)
    assert not is_retracted(row.document)


def test_it_is_only_ones_own_to_undo(clerk: User, supervisor: User, patient: Patient, browse: Browse) -> None:
    document = file(clerk, patient, samples.text_pdf())
    with pytest.raises(Denied):
        undo(supervisor, document)
    for ids in ([], ["nonsense"], [uuid7()]):
        with pytest.raises(NotFound):
            services.undo_filing(by=clerk, document_ids=ids)
    assert browse(supervisor).post(reverse("documents:undo"), {"document": document.pk}).status_code == 403
    assert browse(clerk).get(reverse("documents:undo")).status_code == 405
    assert not is_retracted(document)


def test_pressed_twice_it_is_done_once(clerk: User, patient: Patient, browse: Browse) -> None:
    document = file(clerk, patient, samples.text_pdf())
    client, once = browse(clerk), str(uuid7())
    for _ in range(2):
        answer = client.post(reverse("documents:undo"), {"document": document.pk, "once": once})
        assert answer["Location"] == patient.get_absolute_url()
    assert len(events("document.retracted", about=document)) == 1
