"""People are called what they are called: a surname of sixty letters, one from right to left; a title of 200."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.house import House, scanned_page

Desk = Callable[..., Page]
SURNAMES = ["Wolfeschlegelsteinhausenbergerdorffwelchevoralternwarenschaft", "الزهراني"]
TITLE = ("Consultation of the interdisciplinary tumour board " * 4)[:200].strip()
WIDTHS = (
    390,
    720,
    1120,
    1280,
    1440,
)  # a phone; a desk at 200 %; a small screen; panels beside each other; a desk

# The page scrolls sideways, or a table stands out of its panel.
STICKS_OUT = """() => {
  const page = document.documentElement;
  const found = page.scrollWidth > page.clientWidth ? ["the page"] : [];
  for (const table of document.querySelectorAll(".panel > .table"))
    if (table.offsetWidth > table.parentElement.clientWidth + 1) found.push(table.innerText.slice(0, 60));
  return found;
}"""


@pytest.fixture(scope="module")
def charts(house: House) -> list[str]:
    """The chart of each, with a stay that is open, a document and a request."""
    today = datetime.now(tz=UTC).date()
    code = house.ask("clerk", "GET", "/document-types/").body["results"][0]["code"]
    found = []
    for surname in SURNAMES:
        person = {"family": surname, "given": "Maximiliana", "birth_date": "1951-03-04", "sex": "female"}
        patient = house.ask("clerk", "POST", "/patients/", person).body["id"]
        visit = {"patient": patient, "kind": "inpatient", "location": "4 West", "attending": "clinician"}
        assert (
            house.ask("clerk", "POST", "/encounters/", visit | {"start": f"{today}T08:00:00Z"}).status == 201
        )
        about = {"patient": patient, "type": code, "service_date": str(today), "title": TITLE}
        assert house.file("clerk", "note.tiff", scanned_page("A note"), **about).status == 201
        request = {
            "patient": patient,
            "kind": "patient",
            "requester": {"name": f"Maximiliana {surname}"},
            "purpose": "her own file",
            "received_on": str(today),
            "channel": "mail",
            "scope": {"everything": True},
            "delivery": {"method": "download", "format": "electronic"},
        }
        assert house.ask("roi", "POST", "/requests/", request).status == 201
        found.append(patient)
    return found


@pytest.mark.parametrize(
    ("who", "addresses"),
    [
        ("clerk", ["/", "/capture/", "/patients/?q=wolfe", "/release/"]),
        ("clerk", ["/patients/{}/", "/patients/{}/demographics/", "/patients/{}/encounters/"]),
        ("roi", ["/", "/release/", "/release/new/?patient={}", "/release/chart/{}/"]),
        ("clinician", ["/", "/patients/{}/"]),
        ("supervisor", ["/", "/patients/{}/who-may-open/"]),
        (
            "compliance",
            ["/log/", "/log/chart/{}/", "/log/chart/{}/timeline/", "/log/chart/{}/for-the-patient/"],
        ),
        ("compliance", ["/log/person/?who=clerk", "/documents/labels/", "/log/proof/"]),
    ],
)
def test_nothing_sticks_out(desk: Desk, charts: list[str], who: str, addresses: list[str]) -> None:
    page = desk(who)
    for address in [text.format(chart) for text in addresses for chart in (charts if "{}" in text else [0])]:
        answer = page.goto(address)
        assert answer
        assert answer.status == 200, address
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate(STICKS_OUT) == [], f"{address} at {width} px"


def test_the_chosen_document_comes_into_sight_on_a_phone(desk: Desk, charts: list[str], house: House) -> None:
    today = datetime.now(tz=UTC).date()
    code = house.ask("clerk", "GET", "/document-types/").body["results"][0]["code"]
    for number in range(8):
        about = {"patient": charts[0], "type": code, "service_date": str(today), "title": f"Note {number}"}
        assert house.file("clerk", "note.tiff", scanned_page(f"Note {number}"), **about).status == 201
    page = desk("clinician", viewport={"width": 390, "height": 844})
    page.goto(f"/patients/{charts[0]}/")
    page.locator(".timeline-list a", has_text="Note 2").click()
    heading = page.locator("#chart-document h2", has_text="Note 2")
    expect(heading).to_be_in_viewport()
    banner = page.locator(".patient-banner").bounding_box()
    place = heading.bounding_box()
    assert banner
    assert place
    assert place["y"] >= banner["y"] + banner["height"] - 1
