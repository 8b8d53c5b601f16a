"""The pages about documents, through the browser's eyes."""

from collections.abc import Callable
from datetime import date
from io import BytesIO
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from common.ids import uuid7
from common.jobs.models import Job
from patients.models import Patient
from records.documents.models import Document, DocumentVersion, Processing
from tests.factories import EncounterFactory
from tests.records.documents import samples
from tests.records.documents.conftest import TYPE, file, work
from tests.support import events

Browse = Callable[[User], Client]


def form(data: bytes | None = None, name: str = "letter.pdf", **fields: object) -> dict[str, object]:
    given: dict[str, object] = {"type": TYPE, "service_date": "2026-03-01", "once": str(uuid7()), **fields}
    if data is not None:
        given["file"] = SimpleUploadedFile(name, data)
    return given


def test_a_clerk_files_a_document_on_the_chart(clerk: User, patient: Patient, browse: Browse) -> None:
    client = browse(clerk)
    url = reverse("documents:upload", args=[patient.pk])
    assert patient.mrn_display in client.get(url).content.decode()
    answer = client.post(url, form(samples.text_pdf(), title="Letter from Mercy"))
    document = Document.objects.get(patient=patient)
    assert answer.status_code == 302
    assert answer["Location"] == document.get_absolute_url()
    page = client.get(answer["Location"]).content.decode()
    assert "Letter from Mercy" in page
    assert "No page is ready yet" in page
    work()
    page = client.get(answer["Location"]).content.decode()
    assert reverse("documents:page-image", args=[document.pk, 1]) in page
    assert "Metformin 500 mg" in page


def test_several_files_become_several_documents_or_none(
    clerk: User, patient: Patient, browse: Browse
) -> None:
    client = browse(clerk)
    url = reverse("documents:upload", args=[patient.pk])
    good, bad = SimpleUploadedFile("a.pdf", samples.text_pdf()), SimpleUploadedFile("b.pdf", b"<html>")
    answer = client.post(url, form(file=[good, bad]))
    assert answer.status_code == 422
    assert "b.pdf: This is a web page" in answer.content.decode()
    assert not Document.objects.filter(patient=patient).exists()
    more = SimpleUploadedFile("c.png", samples.as_file(samples.scan(), "PNG"))
    good = SimpleUploadedFile("a.pdf", samples.text_pdf())
    answer = client.post(url, form(file=[good, more]))
    assert answer["Location"] == reverse("capture:home")
    assert Document.objects.filter(patient=patient).count() == 2


def test_a_double_click_files_once(clerk: User, patient: Patient, browse: Browse) -> None:
    client = browse(clerk)
    url = reverse("documents:upload", args=[patient.pk])
    once = str(uuid7())
    first = client.post(url, form(samples.text_pdf(), once=once))
    second = client.post(url, form(samples.text_pdf(), once=once))
    assert (first.status_code, second.status_code) == (302, 302)
    assert second["Location"] == first["Location"]
    assert Document.objects.filter(patient=patient).count() == 1


def test_a_form_with_a_mistake_keeps_the_file_and_what_was_typed(
    clerk: User, patient: Patient, browse: Browse
) -> None:
    client = browse(clerk)
    url = reverse("documents:upload", args=[patient.pk])
    answer = client.post(url, form(samples.text_pdf(), title="Kept title", service_date="2999-01-01"))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "lies in the future" in text
    assert "Kept title" in text
    assert "letter.pdf" in text
    (kept,) = [token for token, _, _ in answer.context["kept"]]
    answer = client.post(url, form(held=kept))
    assert answer.status_code == 302
    assert DocumentVersion.objects.get(patient=patient).filename == "letter.pdf"


def test_the_same_file_again_asks_and_then_obeys(clerk: User, patient: Patient, browse: Browse) -> None:
    client = browse(clerk)
    url = reverse("documents:upload", args=[patient.pk])
    client.post(url, form(samples.text_pdf()))
    answer = client.post(url, form(samples.text_pdf()))
    assert answer.status_code == 422
    assert "already in this chart" in answer.content.decode()
    assert "allow_duplicate" in answer.content.decode()
    (kept,) = [token for token, _, _ in answer.context["kept"]]
    assert client.post(url, form(held=kept, allow_duplicate="on")).status_code == 302
    assert Document.objects.filter(patient=patient).count() == 2


def test_files_dropped_on_the_chart_wait_for_type_and_date(
    clerk: User, patient: Patient, browse: Browse
) -> None:
    client = browse(clerk)
    url = reverse("documents:upload", args=[patient.pk])
    assert "data-upload-now" in client.get(patient.get_absolute_url()).content.decode()
    dropped = SimpleUploadedFile("dropped.pdf", samples.text_pdf())
    answer = client.post(url, {"only_files": "1", "once": str(uuid7()), "file": dropped})
    assert answer.status_code == 200
    assert "dropped.pdf" in answer.content.decode()
    assert "Nothing was filed" not in answer.content.decode()
    assert not Document.objects.filter(patient=patient).exists()
    (kept,) = [token for token, _, _ in answer.context["kept"]]
    assert client.post(url, form(held=kept)).status_code == 302
    assert DocumentVersion.objects.get(patient=patient).filename == "dropped.pdf"


def test_no_file_is_said(clerk: User, patient: Patient, browse: Browse) -> None:
    answer = browse(clerk).post(reverse("documents:upload", args=[patient.pk]), form())
    assert answer.status_code == 422
    assert "Choose a file" in answer.content.decode()


def test_with_the_queue_down_the_document_is_filed_and_the_page_says_it_waits(
    clerk: User, patient: Patient, browse: Browse, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    from kombu.exceptions import OperationalError

    client = browse(clerk)
    with patch("common.jobs.services.current_app.send_task", side_effect=OperationalError("down")):
        with django_capture_on_commit_callbacks(execute=True):
            answer = client.post(reverse("documents:upload", args=[patient.pk]), form(samples.text_pdf()))
    assert answer.status_code == 302
    assert "the work queue does not answer" in client.get(answer["Location"]).content.decode()
    assert Job.objects.get(patient_id=patient.pk).published_at is None
    work()
    assert DocumentVersion.objects.get(patient=patient).processing == Processing.DONE


def test_a_failed_document_says_why_and_can_be_tried_again(
    clerk: User, patient: Patient, browse: Browse
) -> None:
    document = file(clerk, patient, samples.encrypted_pdf("secret"))
    work()
    client = browse(clerk)
    text = client.get(document.get_absolute_url()).content.decode()
    assert "locked with a password" in text
    assert "Try again" in text
    answer = client.post(reverse("documents:retry", args=[document.pk]), {"once": str(uuid7())})
    assert answer["Location"] == document.get_absolute_url()
    assert DocumentVersion.objects.get(document=document).processing == Processing.QUEUED


def test_progress_is_told_while_it_runs(clerk: User, patient: Patient, browse: Browse) -> None:
    document = file(clerk, patient, samples.text_pdf())
    client = browse(clerk)
    url = reverse("documents:progress", args=[document.pk])
    waiting = client.get(url)
    assert "HX-Trigger" not in waiting
    assert "Waiting" in waiting.content.decode()
    work()
    done = client.get(url)
    assert done["HX-Trigger"] == "job-done"
    assert "1 page read." in done.content.decode()


def test_page_images_are_private_and_found_words_are_marked(
    clerk: User, filed: Document, browse: Browse
) -> None:
    client = browse(clerk)
    url = reverse("documents:page-image", args=[filed.pk, 1])
    plain = client.get(url)
    assert plain["Content-Type"] == "image/webp"
    assert plain["Cache-Control"] == "private, no-store"
    assert plain["X-Content-Type-Options"] == "nosniff"
    small = client.get(url, {"size": "thumbnail"})
    marked = client.get(url, {"q": "metformin"})

    def colours(data: bytes) -> int:
        with Image.open(BytesIO(data)) as picture:
            saturation = picture.convert("HSV").split()[1]
            return sum(saturation.histogram()[100:])

    assert Image.open(BytesIO(small.content)).width <= 160
    assert colours(plain.content) == 0
    assert colours(marked.content) > 500
    assert client.get(url, {"q": "aspirin"}).content == plain.content


def test_the_original_comes_back_byte_for_byte_under_a_safe_name(
    clerk: User, patient: Patient, browse: Browse
) -> None:
    data = samples.active_pdf()
    document = file(clerk, patient, data, 'evil"\r\nX-Evil: 1\u202e Müller.pdf')
    answer = browse(clerk).get(reverse("documents:content", args=[document.pk]))
    assert b"".join(answer.streaming_content) == data
    assert answer["Content-Length"] == str(len(data))
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert "X-Evil" not in answer.headers
    assert "sandbox" in answer["Content-Security-Policy"]
    (event,) = events("document.downloaded", about=document)
    assert event.action == "export"


def test_search_shows_snippets_safely(clerk: User, patient: Patient, browse: Browse) -> None:
    file(
        clerk,
        patient,
        samples.text_pdf([["Allergy note: <script>alert(1)</script> penicillin rash, & more"]]),
    )
    work()
    text = (
        browse(clerk)
        .get(reverse("documents:search", args=[patient.pk]), {"q": "penicillin"})
        .content.decode()
    )
    assert "<mark>penicillin</mark>" in text
    assert "<script>alert" not in text
    assert "&amp; more" in text


@pytest.mark.parametrize("question", ["the of and", "''", "!!! & |", "(", "a\x00b:*", "x" * 3000, "-", '"'])
def test_any_question_gets_an_answer(clerk: User, filed: Document, browse: Browse, question: str) -> None:
    answer = browse(clerk).get(reverse("documents:search", args=[filed.patient_id]), {"q": question})
    assert answer.status_code == 200


def test_a_clinician_outside_the_care_is_refused_everywhere_and_it_is_seen(
    filed: Document, clinician: User, browse: Browse
) -> None:
    client = browse(clinician)
    addresses = [
        reverse("documents:detail", args=[filed.pk]),
        reverse("documents:progress", args=[filed.pk]),
        reverse("documents:content", args=[filed.pk]),
        reverse("documents:print", args=[filed.pk]),
        reverse("documents:page-image", args=[filed.pk, 1]),
        reverse("documents:page-image", args=[filed.pk, 1]) + "?size=thumbnail",
        reverse("documents:page-text", args=[filed.pk, 1]),
        reverse("documents:search", args=[filed.patient_id]) + "?q=metformin",
        reverse("documents:list") + f"?patient={filed.patient_id}",
        reverse("documents:upload", args=[filed.patient_id]),
    ]
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 403, address
        assert b"Metformin" not in answer.content
    assert len(events("access.denied", patient_id=filed.patient_id)) == len(addresses)
    for address in [f"/documents/{uuid7()}/", f"/documents/{uuid7()}/pages/1/image/"]:
        assert client.get(address).status_code == 404


def test_the_attending_opens_it(filed: Document, clinician: User, browse: Browse) -> None:
    EncounterFactory.create(patient=filed.patient, attending=clinician)
    client = browse(clinician)
    assert client.get(filed.get_absolute_url()).status_code == 200
    (event,) = events("document.viewed", about=filed)
    assert event.reason.startswith("attending: encounter")
    assert client.get(reverse("documents:print", args=[filed.pk])).status_code == 200
    assert events("document.printed", about=filed)
    assert client.post(reverse("documents:retry", args=[filed.pk]), {"once": "x"}).status_code == 403


def test_pages_that_are_not_there(filed: Document, clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    assert client.get(filed.get_absolute_url() + "?page=99").status_code == 404
    assert client.get(reverse("documents:page-image", args=[filed.pk, 99])).status_code == 404
    assert client.get(filed.get_absolute_url() + "?version=7").status_code == 404
    assert client.get(filed.get_absolute_url() + "?page=x&version=y").status_code == 200


@pytest.mark.parametrize("documents", [1, 30])
def test_lists_and_pages_need_few_queries(
    clerk: User,
    patient: Patient,
    browse: Browse,
    documents: int,
    django_assert_max_num_queries: Callable[[int], object],
) -> None:
    for number in range(documents):
        file(clerk, patient, samples.long_pdf(1) + str(number).encode())
    client = browse(clerk)
    newest = Document.objects.filter(patient=patient).latest("pk")
    for address in [
        reverse("documents:list") + f"?patient={patient.pk}",
        newest.get_absolute_url(),
        reverse("documents:search", args=[patient.pk]) + "?q=metformin",
        reverse("capture:home"),
    ]:
        client.get(address)
        with django_assert_max_num_queries(15):
            assert client.get(address).status_code == 200
    shown = client.get(reverse("documents:list"), {"patient": str(patient.pk)}).context["page"]
    assert len(shown) == min(documents, 25)


def test_the_list_narrows_and_pages(clerk: User, patient: Patient, browse: Browse) -> None:
    for day in range(1, 29):
        file(
            clerk,
            patient,
            samples.long_pdf(1) + str(day).encode(),
            service_date=date(2026, 2, day),
            title=f"T{day}",
        )
    client = browse(clerk)
    first = client.get(reverse("documents:list"), {"patient": str(patient.pk)})
    assert [row.title for row in first.context["page"]] == [f"T{day}" for day in range(28, 3, -1)]
    second = client.get(reverse("documents:list") + first.context["page"].next_url)
    assert [row.title for row in second.context["page"]] == ["T3", "T2", "T1"]
    narrow = client.get(reverse("documents:list"), {"patient": str(patient.pk), "since": "2026-02-27"})
    assert len(narrow.context["page"]) == 2


def test_the_list_offers_the_types_of_this_chart_and_the_one_asked_for(
    clerk: User, patient: Patient, browse: Browse
) -> None:
    document = file(clerk, patient, samples.long_pdf(1))
    client = browse(clerk)
    address = reverse("documents:list")
    assert client.get(address, {"patient": str(patient.pk)}).context["types"] == [(TYPE, document.type.name)]
    asked = client.get(address, {"patient": str(patient.pk), "type": "11502-2"})
    assert [code for code, _ in asked.context["types"]] == [TYPE, "11502-2"]
    assert '<option value="11502-2" selected>' in asked.content.decode()
    assert "No document fits." in asked.content.decode()


def test_addresses_of_a_read_document_carry_what_was_asked(
    filed: Document, clerk: User, browse: Browse
) -> None:
    work()
    shown = browse(clerk).get(filed.get_absolute_url(), {"q": "met & for"}).context["viewer"]
    _, page_url, image_url, thumbnail_url, text_url = shown["pages"][0]
    base = f"/documents/{filed.pk}/pages/1"
    assert page_url == "?page=1&q=met+%26+for"
    assert image_url == shown["image_url"] == f"{base}/image/?q=met+%26+for"
    assert (thumbnail_url, text_url) == (f"{base}/image/?size=thumbnail", f"{base}/text/")
