"""The room's pages, as somebody at the desk would walk through them."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from common.jobs import services as jobs
from records.release.models import Disclosure, RecordRequest, Release
from tests.factories import PatientFactory
from tests.records.release.making import built, cleared, filed, from_lawyer, job_of, logged, pdf_of, today
from tests.support import events


def _form(patient_id: object, **changes: Any) -> dict[str, Any]:
    return {
        "patient": str(patient_id),
        "kind": "patient",
        "requester_name": "Ada Testperson",
        "purpose": "my own file",
        "received_on": today().isoformat(),
        "channel": "in_person",
        "everything": "on",
        "delivery_method": "download",
        "delivery_format": "electronic",
        **changes,
    }


def test_a_request_is_logged_cleared_built_and_sent_on_one_page(roi: User, browse: Any) -> None:
    client: Client = browse(roi)
    patient = PatientFactory.create()
    document = filed(patient, pdf_of("the only page"))
    found = client.get("/release/new/", {"q": patient.mrn})
    assert patient.display_name in found.content.decode()

    page = client.post("/release/new/", _form(patient.pk), follow=True).content.decode()
    row = RecordRequest.objects.get(patient=patient)
    assert row.number in page
    assert "VER-01" in page

    base = f"/release/{row.pk}/"
    client.post(f"{base}identity/", {"method": "photo_id", "seen_on": today().isoformat(), "version": 1})
    client.post(f"{base}documents/", {"documents": [str(document.pk)], "version": 2})
    answer = client.post(f"{base}build/", follow=True)
    assert "Waiting to be built" in answer.content.decode()
    release = Release.objects.get(request=row)
    jobs.run(job_of(release).pk)
    page = client.get(base).content.decode()
    assert "Download and record as delivered" in page
    assert "1 document, 1 page<" in page
    assert f"· {roi.display_name}<" in page.partition("What happened")[2]

    sent = client.post(f"/release/package/{release.pk}/download/")
    assert b"".join(sent.streaming_content).startswith(b"%PDF-")
    assert sent.headers["Content-Disposition"] == f'attachment; filename="{row.number}.pdf"'
    assert Disclosure.objects.get(request=row).how == "download"
    tab = client.get(f"/release/chart/{patient.pk}/").content.decode()
    assert "1 document, 2 pages" in tab


def test_a_refused_form_comes_back_with_the_rule_and_the_look_is_on_record(roi: User, browse: Any) -> None:
    """AUTH-D2; invariant 1 for a page that answers 422."""
    row = from_lawyer(roi)
    client: Client = browse(roi)
    answer = client.post(
        f"/release/{row.pk}/authorization/",
        {"description": "all", "signed_by": "patient", "once": "a-token", "version": 1},
    )
    assert answer.status_code == 422
    assert "AUTH-D2" in answer.content.decode()
    assert events("request.viewed", about=row)
    assert not row.evidence.exists()


def test_a_double_click_logs_one_request(roi: User, browse: Any) -> None:
    client, patient = browse(roi), PatientFactory.create()
    first = client.post("/release/new/", _form(patient.pk, once="double"))
    second = client.post("/release/new/", _form(patient.pk, once="double"))
    assert first.headers["Location"] == second.headers["Location"]
    assert RecordRequest.objects.filter(patient=patient).count() == 1


def test_the_second_of_two_editors_is_told_and_loses_nothing(roi: User, browse: Any) -> None:
    row, client = logged(roi), browse(roi)
    form = _form(row.patient_id, version="1")
    client.post(f"/release/{row.pk}/edit/", {**form, "purpose": "school"})
    late = client.post(f"/release/{row.pk}/edit/", {**form, "purpose": "a long journey abroad"})
    assert late.status_code == 422
    assert "a long journey abroad" in late.content.decode()
    row.refresh_from_db()
    assert row.purpose == "school"


def test_marking_as_mailed_closes_the_request(roi: User, browse: Any) -> None:
    release = built(roi, delivery_method="mail")
    browse(roi).post(
        f"/release/package/{release.pk}/mailed/",
        {"how": "mail", "sent_on": today().isoformat(), "tracking": "RR 123"},
    )
    entry = Disclosure.objects.get(release=release)
    assert (entry.how, entry.request.status) == ("mail", "delivered")


@pytest.mark.parametrize("role", ["clinician", "administrator"])
def test_who_has_no_part_in_requests_sees_none(role: str, roi: User, browse: Any, request: Any) -> None:
    row = logged(roi)
    client = browse(request.getfixturevalue(role))
    for address in ("/release/", "/release/new/", f"/release/{row.pk}/", f"/release/chart/{row.patient_id}/"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert row.number not in answer.content.decode()


@pytest.mark.parametrize("rows", [1, 12])
def test_the_list_needs_few_queries_however_long(
    rows: int, roi: User, browse: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        logged(roi)
    client = browse(roi)
    client.get("/release/")
    with django_assert_max_num_queries(12):
        answer = client.get("/release/")
    assert len(answer.context["page"]) == rows
    listed = events("request.listed")[-1]
    assert len(listed.patient_ids or []) == rows


@pytest.mark.parametrize("documents", [1, 8])
def test_the_request_page_needs_few_queries_however_much_goes(
    documents: int, roi: User, browse: Any, django_assert_max_num_queries: Any
) -> None:
    row = cleared(roi, *(pdf_of(f"page of {number}") for number in range(documents)))
    client = browse(roi)
    client.get(f"/release/{row.pk}/")
    with django_assert_max_num_queries(24):
        client.get(f"/release/{row.pk}/")
