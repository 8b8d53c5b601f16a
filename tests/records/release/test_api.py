"""The room through its API, as another program would use it."""

import hashlib
import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import service_account
from common.jobs import services as jobs
from records.release import answers
from records.release.models import RecordRequest, Release
from tests.factories import PatientFactory
from tests.records.release.making import authorization, built, filed, job_of, logged, pdf_of, today
from tests.support import events


def _requested(client: APIClient, patient_id: object, **changes: Any) -> dict[str, Any]:
    body = {
        "patient": str(patient_id),
        "kind": "authorization",
        "requester": {"name": "Corinne Oakley", "organization": "Oakley & Partners"},
        "purpose": "a claim",
        "received_on": "2026-01-05",
        "channel": "mail",
        "scope": {"from": "2026-01-01", "to": "2026-01-31"},
        "delivery": {"method": "download", "format": "electronic"},
        **changes,
    }
    answer = client.post("/api/v1/requests/", body, format="json")
    assert answer.status_code == 201, answer.json()
    found: dict[str, Any] = answer.json()
    return found


def test_from_the_request_to_the_ledger(roi: User, api: Any) -> None:
    """ACC-02's day, AUTH, ROI-001, AOD-03."""
    client, patient = api(roi), PatientFactory.create()
    inside, outside = (
        filed(patient, pdf_of("inside"), name="in"),
        filed(patient, pdf_of("outside"), name="out", service_date=today()),
    )
    row = _requested(client, patient.pk)
    assert (row["status"], row["due_on"]) == ("received", "2026-02-04")
    assert {item["rule"] for item in row["missing"]} == {"AUTH", "nothing_selected"}
    base = f"/api/v1/requests/{row['id']}"

    early = client.post(f"{base}/release/", {}, format="json")
    assert early.status_code == 422
    assert set(early.json()["errors"]) == {"AUTH", "nothing_selected"}

    form = authorization(signed_on="2026-01-03", expires_on=today().isoformat())
    kept = client.post(f"{base}/evidence/", {"kind": "authorization", **form}, format="json")
    assert kept.status_code == 201, kept.json()
    chosen = client.post(
        f"{base}/selection/", {"documents": [str(outside.pk), str(inside.pk)]}, format="json"
    ).json()
    assert chosen["documents"] == [str(inside.pk)]
    assert [(item["document"], item["rule"]) for item in chosen["excluded"]] == [(str(outside.pk), "AUTH-1")]

    started = client.post(f"{base}/release/", {}, format="json")
    assert (started.status_code, started.json()["status"]) == (202, "queued")
    release = Release.objects.get(pk=started.json()["id"])
    jobs.run(job_of(release).pk)
    shown = client.get(f"/api/v1/releases/{release.pk}/").json()
    assert (shown["status"], shown["progress"], shown["pages"]) == ("ready", 1.0, 2)
    assert shown["manifest"][0]["document"] == str(inside.pk)

    sent = client.get(f"/api/v1/releases/{release.pk}/package/")
    content = b"".join(sent.streaming_content)
    assert hashlib.sha256(content).hexdigest() == shown["sha256"]
    assert client.get(f"{base}/").json()["status"] == "delivered"
    ledger = client.get(f"/api/v1/patients/{patient.pk}/disclosures/").json()["results"]
    assert [line["recipient_name"] for line in ledger] == ["Corinne Oakley, Oakley & Partners"]
    accounting = client.get(f"/api/v1/patients/{patient.pk}/disclosures/?for=accounting").json()["results"]
    assert accounting == []  # AOD-02: an authorized disclosure is not accounted for


def test_evidence_with_a_scan_comes_as_multipart_and_lists_what_it_breaks(roi: User, api: Any) -> None:
    """AUTH-D2 and the missing elements by their own rules."""
    client = api(roi)
    row = _requested(client, PatientFactory.create().pk)
    url = f"/api/v1/requests/{row['id']}/evidence/"
    form = authorization(signed_on="2026-01-03")
    from django.core.files.uploadedfile import SimpleUploadedFile

    scan = SimpleUploadedFile("form.pdf", pdf_of("signed"), content_type="application/pdf")
    kept = client.post(url, {"kind": "authorization", "file": scan, **form}, format="multipart")
    assert (kept.status_code, kept.json()["file"]) == (201, "form.pdf")

    form.pop("expires_on")
    refused = client.post(url, {"kind": "authorization", **form}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "AUTH-D2")
    assert "164.508(c)(1)(v)" in refused.json()["errors"]["AUTH-5"][0]


@pytest.mark.parametrize("role", ["clinician", "administrator", "clerk", "compliance"])
def test_other_roles_cannot_have_a_package_or_its_bytes(role: str, roi: User, api: Any, request: Any) -> None:
    release = built(roi)
    client = api(request.getfixturevalue(role))
    ordered = client.post(f"/api/v1/requests/{release.request_id}/release/", {}, format="json")
    fetched = client.get(f"/api/v1/releases/{release.pk}/package/")
    assert (ordered.status_code, fetched.status_code) == (403, 403)
    assert {ordered.json()["code"], fetched.json()["code"]} == {"role"}
    assert not events("release.package_downloaded", about=release)
    assert events("access.denied")


def test_the_list_filters_pages_and_refuses_what_it_does_not_know(roi: User, api: Any) -> None:
    client, patient = api(roi), PatientFactory.create()
    numbers = [logged(roi, patient).number for _ in range(3)]
    first = client.get(f"/api/v1/requests/?patient={patient.pk}&page_size=2").json()
    second = client.get(first["next"]).json()
    assert [row["number"] for row in first["results"] + second["results"]] == numbers
    assert client.get(f"/api/v1/requests/?patient={patient.pk}&status=delivered").json()["results"] == []
    assert client.get("/api/v1/requests/?stauts=open").status_code == 400
    assert len(events("request.listed")) == 3


def test_the_same_idempotency_key_logs_one_request(roi: User, api: Any) -> None:
    client, patient = api(roi), PatientFactory.create()
    client.credentials(HTTP_IDEMPOTENCY_KEY="once-and-no-more")
    first, second = _requested(client, patient.pk), _requested(client, patient.pk)
    assert first["id"] == second["id"]
    assert RecordRequest.objects.filter(patient=patient).count() == 1


def test_a_request_is_given_to_people_only(roi: User, api: Any) -> None:
    """A service account has the right, and nobody would see that it waits."""
    row, service = logged(roi), service_account("delivery")
    answer = api(roi).patch(f"/api/v1/requests/{row.pk}/", {"assigned_to": service.username}, format="json")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["assigned_to"])
    row.refresh_from_db()
    assert row.assigned_to is None


def test_a_change_made_on_an_old_version_is_refused(roi: User, api: Any) -> None:
    client, row = api(roi), logged(roi)
    url = f"/api/v1/requests/{row.pk}/"
    assert client.patch(url, {"purpose": "school", "version": 1}, format="json").json()["version"] == 2
    late = client.patch(url, {"purpose": "work", "version": 1}, format="json")
    assert (late.status_code, late.json()["code"]) == (409, "stale")
    assert json.loads(client.get(url).content)["purpose"] == "school"


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (
            "assurance",
            {
                "route": "notice",
                "documents": ["letter of counsel", "proof of service"],
                "objection_deadline": "2026-03-01",
                "objections": "none came",
            },
        ),
        ("order", {"court": "Probate Court", "issued_on": "2026-01-02", "scope": "labs of 2025"}),
        ("extension_letter", {"text": "The paper volumes are in the archive."}),
    ],
)
def test_evidence_keeps_every_field_of_its_kind(
    roi: User, api: Any, kind: str, fields: dict[str, Any]
) -> None:
    """API.md, "Evidence": what is given is on file, whether or not a rule reads it yet."""
    row = _requested(api(roi), PatientFactory.create().pk)
    kept = api(roi).post(f"/api/v1/requests/{row['id']}/evidence/", {"kind": kind, **fields}, format="json")
    assert (kept.status_code, kept.json()["fields"]) == (201, fields)


def _fits(answer: dict[str, Any], shape: Any) -> None:
    """Every field that is described and no other, in lists within it too."""
    assert set(answer) == set(shape.fields), type(shape).__name__
    for name, field in shape.fields.items():
        inner = getattr(field, "child", None)
        for item in answer[name] if hasattr(inner, "fields") else []:
            _fits(item, inner)


def test_answers_have_the_fields_that_the_document_describes(roi: User, api: Any) -> None:
    client, release = api(roi), built(roi)
    base = f"/api/v1/requests/{release.request_id}/"
    _fits(client.get(base).json(), answers.RequestOut())
    _fits(client.get(f"/api/v1/releases/{release.pk}/").json(), answers.ReleaseOut())
    _fits(client.get("/api/v1/requests/").json()["results"][0], answers.RequestListedOut())
    inside, outside = filed(release.request.patient, pdf_of("a")), filed(PatientFactory.create(), pdf_of("b"))
    chosen = client.post(
        f"{base}selection/", {"documents": [str(inside.pk), str(outside.pk)]}, format="json"
    ).json()
    assert (len(chosen["documents"]), len(chosen["excluded"])) == (1, 1)
    _fits(chosen, answers.SelectionOut())
    _fits(client.post(f"{base}release/", {}, format="json").json(), answers.StartedOut())
