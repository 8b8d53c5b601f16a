"""The API of documents, as other programs use it (API.md)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.models import User
from common.ids import uuid7
from patients import access as patient_access
from patients.models import Patient
from records.documents import access
from records.documents.models import Document, DocumentStatus
from tests.factories import EncounterFactory, PatientFactory
from tests.records.documents import samples
from tests.records.documents.conftest import TYPE, file, work
from tests.support import events

Api = Callable[[User], APIClient]
ROOT = "/api/v1/documents/"


def send(client: APIClient, chart: Patient, data: bytes, **more: Any) -> Any:
    fields = {"patient": str(chart.pk), "type": TYPE, "service_date": "2026-03-01", **more}
    headers = fields.pop("headers", {})
    return client.post(
        ROOT, {**fields, "file": SimpleUploadedFile("scan.pdf", data)}, format="multipart", headers=headers
    )


def test_file_read_find_look_download(clerk: User, patient: Patient, api: Api) -> None:
    client = api(clerk)
    data = samples.text_pdf()
    answer = send(client, patient, data, title="Letter", labels=["hiv", "vip"])
    assert answer.status_code == 201
    assert set(answer.json()) == {"id", "version", "processing"}
    assert (answer.json()["version"], answer.json()["processing"]) == (1, "queued")
    address = f"{ROOT}{answer.json()['id']}/"
    work()
    whole = client.get(address).json()
    assert whole["processing"] == "done"
    assert whole["labels"] == ["hiv", "vip"]
    assert whole["type"] == {"code": TYPE, "name": "Discharge summary"}
    assert (whole["pages"], whole["error"], whole["encounter"], whole["source"]) == (1, "", None, "api")
    assert whole["versions"][0]["sha256"] == whole["sha256"]
    (row,) = client.get(ROOT, {"patient": str(patient.pk), "label": "hiv"}).json()["results"]
    assert {key: whole[key] for key in row} == row
    (hit,) = client.get("/api/v1/search/", {"q": "metformin", "patient": str(patient.pk)}).json()["results"]
    assert (hit["document"], hit["patient"], hit["page"]) == (whole["id"], str(patient.pk), 1)
    assert "Metformin 500 mg" in hit["snippet"]
    assert hit["service_date"] == "2026-03-01"
    image = client.get(f"{address}pages/1/image/", {"width": 1200})
    assert (image.status_code, image["Content-Type"], image.content[8:12]) == (200, "image/webp", b"WEBP")
    assert len(client.get(f"{address}pages/1/image/", {"width": 100}).content) < len(image.content)
    assert "amoxicillin" in client.get(f"{address}pages/1/text/").content.decode()
    assert b"".join(client.get(f"{address}content/").streaming_content) == data
    for name in ("document.viewed", "document.page_viewed", "document.text_viewed", "document.downloaded"):
        assert events(name, patient_id=patient.pk), name


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"type": "0-0"}, 422, "unknown_type"),
        ({"service_date": "yesterday"}, 400, "invalid"),
        ({"service_date": "2999-01-01"}, 422, "service_date_in_future"),
        ({"patient": str(uuid7())}, 404, "not_found"),
        ({"patient": "../../"}, 404, "not_found"),
        ({"labels": ["secret"]}, 422, "unknown_label"),
    ],
)
def test_refusals_have_one_shape(
    clerk: User, patient: Patient, api: Api, change: dict[str, Any], status: int, code: str
) -> None:
    answer = send(api(clerk), patient, samples.text_pdf(), **change)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert not Document.objects.filter(patient=patient).exists()


@pytest.mark.parametrize(
    ("data", "status"), [(b"", 400), (b"<html></html>", 415), (b"PK\x03\x04", 415), (b"nonsense", 415)]
)
def test_bad_files_are_problems(clerk: User, patient: Patient, api: Api, data: bytes, status: int) -> None:
    answer = send(api(clerk), patient, data)
    assert answer.status_code == status
    assert answer.json()["errors"]["file"]


def test_a_missing_file_is_a_problem(clerk: User, patient: Patient, api: Api) -> None:
    answer = api(clerk).post(ROOT, {"patient": str(patient.pk), "type": TYPE}, format="multipart")
    assert answer.status_code == 400
    assert set(answer.json()["errors"]) == {"file", "service_date"}


def test_the_same_content_is_a_conflict_and_the_same_call_is_not(
    clerk: User, patient: Patient, api: Api
) -> None:
    client = api(clerk)
    key = {"Idempotency-Key": str(uuid7())}
    first = send(client, patient, samples.text_pdf(), headers=key)
    again = send(client, patient, samples.text_pdf(), headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert Document.objects.filter(patient=patient).count() == 1
    conflict = send(client, patient, samples.text_pdf())
    assert (conflict.status_code, conflict.json()["code"]) == (409, "already_filed")
    assert send(client, patient, samples.text_pdf(), allow_duplicate="true").status_code == 201


def test_unknown_parameters_are_refused(clerk: User, api: Api) -> None:
    assert api(clerk).get(ROOT, {"pateint": "x"}).status_code == 400
    assert api(clerk).get("/api/v1/search/", {"q": "x", "limit": "9"}).status_code == 400


def test_nobody_without_credentials(filed: Document) -> None:
    client = APIClient()
    for address in (
        ROOT,
        f"{ROOT}{filed.pk}/",
        f"{ROOT}{filed.pk}/content/",
        f"{ROOT}{filed.pk}/pages/1/image/",
    ):
        assert client.get(address).status_code == 401, address
    assert client.post(ROOT, {"file": SimpleUploadedFile("a.pdf", samples.text_pdf())}).status_code == 401


def test_a_clinician_who_guesses_ids_learns_nothing_and_is_seen(
    filed: Document, clinician: User, api: Api
) -> None:
    client = api(clinician)
    for part in ("", "content/", "pages/1/image/", "pages/1/text/"):
        answer = client.get(f"{ROOT}{filed.pk}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (403, "chart_denied"), part
        assert client.get(f"{ROOT}{uuid7()}/{part}").status_code == 404, part
    assert client.get(ROOT).json()["results"] == []
    assert client.get("/api/v1/search/", {"q": "metformin"}).json()["results"] == []
    assert client.get(ROOT, {"patient": str(filed.patient_id)}).status_code == 403
    assert client.post(f"{ROOT}{filed.pk}/retry/").status_code == 403
    assert len(events("access.denied", patient_id=filed.patient_id)) == 6


def test_search_is_one_event_with_the_charts_it_showed(clerk: User, api: Api) -> None:
    charts = [PatientFactory.create() for _ in range(3)]
    for number, chart in enumerate(charts):
        file(clerk, chart, samples.text_pdf([["zebrafish protocol", f"copy number {number}"]]))
    work()
    results = api(clerk).get("/api/v1/search/", {"q": "zebrafish"}).json()["results"]
    assert {row["patient"] for row in results} == {str(chart.pk) for chart in charts}
    (event,) = events("document.text_searched", actor_id=clerk.pk)
    assert set(event.patient_ids or []) == {chart.pk for chart in charts}
    assert event.detail is not None
    assert event.detail["q"] == "zebrafish"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("diabetes", True), ("DIABETIC OR zebra", True), ('"foot ulcer"', True), ('"ulcer foot"', False),
        ("foot -ulcer", False), ("ulcers", True),
    ],
)  # fmt: skip
def test_questions_as_people_type_them(
    clerk: User, patient: Patient, api: Api, query: str, found: bool
) -> None:
    file(clerk, patient, samples.text_pdf([["Diabetes mellitus, diabetic foot ulcer on the left side"]]))
    work()
    hits = api(clerk).get("/api/v1/search/", {"q": query, "patient": str(patient.pk)}).json()["results"]
    assert bool(hits) is found


def test_lists_page_by_cursor(clerk: User, patient: Patient, api: Api) -> None:
    for number in range(5):
        file(clerk, patient, samples.long_pdf(1) + bytes([number]))
    client = api(clerk)
    address: str | None = f"{ROOT}?patient={patient.pk}&page_size=2"
    seen = []
    while address:
        answer = client.get(address).json()
        seen += [row["id"] for row in answer["results"]]
        address = answer["next"]
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


def test_what_the_list_shows_is_what_the_page_opens(
    clerk: User, supervisor: User, roi: User, clinician: User, compliance: User, administrator: User
) -> None:
    """Invariant 4: a list never shows what its detail refuses, nor the other way round."""
    mine = EncounterFactory.create(attending=clinician).patient
    charts = [mine, EncounterFactory.create().patient, PatientFactory.create()]
    documents = [file(clerk, chart, samples.text_pdf()) for chart in charts]
    withdrawn = file(clerk, mine, samples.long_pdf(1))
    Document.objects.filter(pk=withdrawn.pk).update(status=DocumentStatus.ENTERED_IN_ERROR)
    documents.append(Document.objects.get(pk=withdrawn.pk))
    expected = {clerk: 4, supervisor: 4, roi: 4, clinician: 1, compliance: 3, administrator: 0}
    for user, count in expected.items():
        listed = set(access.visible_to(user).values_list("pk", flat=True))
        opened = {row.pk for row in documents if patient_access.allows(access.check_may_view, user, row)}
        assert listed & {row.pk for row in documents} == opened, user.username
        assert len(opened) == count, user.username


def test_document_types_are_listed(clerk: User, api: Api) -> None:
    results = api(clerk).get(reverse("api-document-types")).json()["results"]
    assert {"code": "64292-6", "name": "Release of information consent"} in results
    assert len(results) == 70
