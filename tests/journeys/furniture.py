"""A chart with something in it, made through the API, for journeys that begin in the middle."""

from dataclasses import dataclass
from datetime import UTC, datetime

from tests.journeys.house import House, scanned_page
from tests.launcher.waiting import until


@dataclass(frozen=True)
class Furnished:
    """What stands in the house: the ids of a patient, her document of two pages, and a request."""

    patient: str
    mrn: str
    document: str
    request: str


def furnish(house: House) -> Furnished:
    """A patient in the care of `clinician`, with a scan that was read and a request that is open."""
    today = datetime.now(tz=UTC).date()
    person = {"family": "Mbeki-Lindqvist", "given": "Tomas", "birth_date": "1949-07-02", "sex": "male"}
    patient = house.ask("clerk", "POST", "/patients/", person).body
    visit = {"patient": patient["id"], "kind": "inpatient", "location": "4 West", "attending": "clinician"}
    opened = house.ask("clerk", "POST", "/encounters/", visit | {"start": f"{today}T08:00:00Z"})
    assert opened.status == 201, opened
    code = house.ask("clerk", "GET", "/document-types/").body["results"][0]["code"]
    scan = scanned_page(
        "Operative note",
        "Laparoscopic cholecystectomy",
        pages=[["Second page", "Estimated blood loss minimal"]],
    )
    about = {"patient": patient["id"], "type": code, "service_date": str(today), "title": "Operative note"}
    document = house.file("clerk", "note.tiff", scan, **about)
    assert document.status == 201, document
    asked = house.ask(
        "roi",
        "POST",
        "/requests/",
        {
            "patient": patient["id"],
            "kind": "authorization",
            "requester": {"name": "A. Counsel", "organization": "Counsel & Counsel"},
            "purpose": "a claim",
            "received_on": str(today),
            "channel": "mail",
            "scope": {"everything": True},
            "delivery": {"method": "download", "format": "electronic"},
        },
    )
    assert asked.status == 201, asked

    def is_read() -> bool:
        return bool(
            house.ask("clerk", "GET", f"/documents/{document.body['id']}/").body["processing"] == "done"
        )

    until(is_read, seconds=90, what="the scan is read")
    return Furnished(patient["id"], patient["mrn"], document.body["id"], asked.body["id"])
