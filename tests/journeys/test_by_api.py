"""From the scanner to a lawful release through the API alone: what any program with HTTP can do."""

import datetime
import io
import re

import pikepdf
import pypdfium2
import pytest

from tests.journeys.house import Answer, House, scanned_page
from tests.launcher.waiting import until

ECHO = "18745-0"
TODAY = datetime.datetime.now(tz=datetime.UTC).date()


def test_from_the_scanner_to_a_lawful_release(house: House) -> None:
    """The whole spine: register, file, read, find, open, refuse, release, account for it."""
    registered = house.ask(
        "clerk",
        "POST",
        "/patients/",
        {"family": "Przybylski", "given": "Wanda", "birth_date": "1958-11-30", "sex": "female"},
    )
    assert registered.status == 201, registered
    patient = registered.body["id"]
    visit = {
        "patient": patient,
        "kind": "inpatient",
        "location": "4 West",
        "attending": "clinician",
        "start": f"{TODAY}T08:00:00Z",
    }
    assert house.ask("clerk", "POST", "/encounters/", visit).status == 201

    types = house.ask("clerk", "GET", "/document-types/").body
    code = first_code(types)
    filed = house.file(
        "clerk",
        "echo.tiff",
        scanned_page("Echocardiography report", "Ejection fraction sixty percent", "No pericardial effusion"),
        patient=patient,
        type=code,
        service_date=str(TODAY),
    )
    assert filed.status == 201, filed
    document = filed.body["id"]

    def read() -> bool:
        state = house.ask("clerk", "GET", f"/documents/{document}/").body
        assert state["processing"] != "failed", state
        return bool(state["processing"] == "done")

    until(read, seconds=90, what="the page is read")
    found = house.ask("clerk", "GET", f"/search/?q=pericardial&patient={patient}").body["results"]
    assert [(hit["document"], hit["page"]) for hit in found] == [(document, 1)]

    assert house.ask("clinician", "GET", f"/documents/{document}/").status == 200
    assert house.ask("clinician", "GET", f"/documents/{document}/pages/1/image/?width=600").status == 200
    refused = house.ask("clinician2", "GET", f"/patients/{patient}/")
    assert (refused.status, refused.body["code"]) == (403, "chart_denied")
    assert "Przybylski" not in str(refused.body)
    assert house.ask("clinician2", "GET", f"/documents/{document}/pages/1/text/").status in {403, 404}

    package = build_package(house, patient, document)
    check_package(package.body)

    events = house.ask("compliance", "GET", f"/audit/events/?patient={patient}&page_size=200").body["results"]
    told = {(event["actor"], event["event"]) for event in events}
    assert {
        ("clerk", "patient.registered"),
        ("clerk", "document.filed"),
        ("clinician", "document.viewed"),
        ("roi", "request.logged"),
    } <= told, told
    denied = [event for event in events if event["outcome"] == "denied"]
    assert {event["actor"] for event in denied} == {"clinician2"}
    assert [event for event in events if event["actor"] == "roi" and event["action"] == "disclose"]


def check_package(content: bytes) -> None:
    """It opens in two readers, and each page carries the request's number and its own of all."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        count = len(pdf.pages)
    assert count >= 2
    reader = pypdfium2.PdfDocument(content)
    texts = [reader[number].get_textpage().get_text_bounded() for number in range(count)]
    number = re.search(r"R-\d{4}-\d{6}", texts[0])
    assert number
    for page, text in enumerate(texts, start=1):
        assert number[0] in text
        assert f"page {page} of {count}" in text.lower()


def build_package(house: House, patient: str, document: str) -> Answer:
    """Log the patient's own request, put the identity check on file, choose, build, and fetch the package."""
    logged = house.ask(
        "roi",
        "POST",
        "/requests/",
        {
            "patient": patient,
            "kind": "patient",
            "requester": {"name": "Wanda Przybylski"},
            "purpose": "at the patient's request",
            "received_on": str(TODAY),
            "channel": "in_person",
            "scope": {"everything": True},
            "delivery": {"method": "download", "format": "electronic"},
        },
    )
    assert logged.status == 201, logged
    request = logged.body["id"]
    too_early = house.ask("roi", "POST", f"/requests/{request}/release/", {})
    assert too_early.status == 422, too_early
    identity = {"kind": "identity", "method": "photo_id", "seen_on": str(TODAY)}
    evidence = house.ask("roi", "POST", f"/requests/{request}/evidence/", identity)
    assert evidence.status == 201, evidence
    chosen = house.ask("roi", "POST", f"/requests/{request}/selection/", {"documents": [document]})
    assert chosen.status in {200, 201}, chosen
    asked = house.ask("roi", "POST", f"/requests/{request}/release/", {})
    assert asked.status == 202, asked
    release = asked.body["id"]

    def built() -> bool:
        state = house.ask("roi", "GET", f"/releases/{release}/").body
        assert state["status"] != "failed", state
        return bool(state["status"] == "ready")

    until(built, seconds=90, what="the package is built")
    package = house.ask("roi", "GET", f"/releases/{release}/package/")
    assert package.status == 200, package
    ledger = house.ask("roi", "GET", f"/patients/{patient}/disclosures/").body["results"]
    assert len(ledger) == 1
    return package


def first_code(types: object) -> str:
    """The code of some document type."""
    rows = types["results"] if isinstance(types, dict) else types
    assert isinstance(rows, list)
    return str(rows[0]["code"])


@pytest.mark.parametrize("path", ["/patients/", "/documents/", "/requests/", "/audit/events/", "/me/"])
def test_nobody_gets_in_without_a_token(house: House, path: str) -> None:
    answer = house._call("GET", path, None)
    assert answer.status == 401
    assert answer.headers["Content-Type"].startswith("application/problem+json")
