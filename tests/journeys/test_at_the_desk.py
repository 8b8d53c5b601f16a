"""From the scanner to a lawful release, by the people whose work it is, each at her own screen."""

import datetime
import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.conftest import SECONDS, axe
from tests.journeys.house import House, scanned_page
from tests.journeys.test_by_api import check_package

TODAY = datetime.datetime.now(tz=datetime.UTC).date()
Desk = Callable[..., Page]


def register(page: Page, *, family: str, given: str, born: str, sex: str) -> str:
    """Register a patient at the form; the address of her chart."""
    page.goto("/patients/register/")
    page.get_by_label("Family name", exact=True).first.fill(family)
    page.get_by_label("Given name", exact=True).first.fill(given)
    page.get_by_label("Birth date", exact=True).fill(born)
    page.get_by_label("Sex", exact=True).select_option(label=sex)
    page.get_by_role("button", name="Register patient").click()
    expect(page).to_have_url(re.compile(r"/patients/[0-9a-f-]{36}/"))
    return re.sub(r"(/patients/[0-9a-f-]{36}/).*", r"\1", page.url)


def open_encounter(page: Page, chart: str, attending: str) -> None:
    """Open a stay on 4 West under somebody's care."""
    page.goto(f"{chart}encounters/new/")
    page.get_by_label("Location").select_option(label="4 West · Main hospital")
    page.get_by_label("Attending").select_option(label=f"Journey {attending} ({attending})")
    axe(page)
    page.get_by_role("button", name="Open encounter").click()
    expect(page).to_have_url(re.compile("/encounters/$"))


def file_scan(page: Page, chart: str, name: str, content: bytes) -> str:
    """File a scan at the form; the address of the document."""
    patient = chart.rstrip("/").rpartition("/")[2]
    page.goto(f"/documents/file/{patient}/")
    axe(page)
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "image/tiff", "buffer": content}
    )
    page.get_by_label("Type", exact=True).select_option(index=1)
    page.get_by_label("Service date").fill(str(TODAY))
    page.get_by_role("button", name="File document").click()
    expect(page).to_have_url(re.compile(r"/documents/[0-9a-f-]{36}/"))
    return page.url


def test_what_was_filed_is_undone_within_seconds(desk: Desk) -> None:
    clerk = desk("clerk")
    chart = register(clerk, family="Undone", given="Una", born="03/14/1962", sex="Female")
    first = file_scan(clerk, chart, "one.tiff", scanned_page("Undone", "a page in the wrong chart"))
    undo = clerk.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    axe(clerk)
    clerk.keyboard.press("u")
    expect(clerk.get_by_role("status").filter(has_text="Undone.")).to_be_visible()
    clerk.goto(first)
    expect(clerk.locator("main")).to_contain_text("entered in error")

    file_scan(clerk, chart, "two.tiff", scanned_page("Kept", "another page"))
    expect(undo).to_be_visible()
    expect(undo).to_be_hidden(timeout=12_000)
    expect(clerk.locator("main")).to_contain_text("Filed. Its pages are being read now.")


def test_from_the_scanner_to_a_lawful_release(desk: Desk, house: House, tmp_path: Path) -> None:
    """The whole spine, each step at the screen of the person whose step it is."""
    clerk = desk("clerk")
    axe(clerk)
    chart = register(clerk, family="Achterberg", given="Noor", born="03/14/1962", sex="Female")
    axe(clerk)
    expect(clerk.locator("body")).to_contain_text("Achterberg", ignore_case=True)
    open_encounter(clerk, chart, "clinician")
    scan = scanned_page("Discharge summary", "Chronic sinusitis, recovering", "Follow up in ninety days")
    document = file_scan(clerk, chart, "discharge.tiff", scan)

    # It is read while she looks on: the page image comes by itself.
    expect(clerk.locator("[data-viewer-image]")).to_be_visible(timeout=90_000)
    axe(clerk)
    clerk.get_by_label("Search the text of this chart").fill("sinusitis")
    clerk.get_by_label("Search the text of this chart").press("Enter")
    hit = clerk.get_by_role("link", name=re.compile("page 1"))
    expect(hit).to_contain_text("sinusitis")
    axe(clerk)

    clinician = desk("clinician")
    clinician.goto(chart)
    axe(clinician)
    clinician.goto(document)
    picture = clinician.locator("[data-viewer-image]")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.complete && image.naturalWidth > 300")

    stranger = desk("clinician2")
    for address in (chart, document):
        refused = stranger.goto(address)
        assert refused
        assert refused.status in {403, 404}
        expect(stranger.locator("body")).not_to_contain_text("Achterberg", ignore_case=True)
        axe(stranger)

    package = release_by_hand(desk("roi"), chart, tmp_path)
    check_package(package.read_bytes())

    officer = desk("compliance")
    mrn = mrn_of(clerk, chart)
    officer.goto(f"/log/?patient={mrn}")
    axe(officer)
    rows = [" ".join(row.split()) for row in officer.locator("tbody tr").all_inner_texts()]
    for who, what in (
        ("clerk Records clerk", "registered the patient"),
        ("clerk Records clerk", "filed a document"),
        ("clinician Clinician", "looked at"),
        ("clinician2 Clinician", "Refused"),
        ("roi ROI specialist", "logged a request"),
        ("roi ROI specialist", "built"),
        ("roi ROI specialist", "downloaded a release package to deliver it"),
    ):
        assert [row for row in rows if who in row and what in row], (who, what, rows)


def mrn_of(page: Page, chart: str) -> str:
    """The MRN that the banner shows."""
    page.goto(chart)
    return (
        page.get_by_label("Patient", exact=True)
        .locator("div", has_text="MRN")
        .locator("dd")
        .inner_text()
        .strip()
    )


def release_by_hand(page: Page, chart: str, folder: Path) -> Path:
    """Log the patient's own request, put the identity check on file, choose, build and download."""
    patient = chart.rstrip("/").rpartition("/")[2]
    read_all_notices(page)
    page.goto(f"/release/new/?patient={patient}")
    axe(page)
    page.get_by_label("What for").fill("at the patient's request")
    page.locator("#id_requester_name").fill("Noor Achterberg")
    page.get_by_label("The whole record").check()
    page.get_by_role("button", name="Log request").click()
    expect(page).to_have_url(re.compile(r"/release/[0-9a-f-]{36}/"))
    axe(page)
    page.get_by_text("Put an identity check on file").click()
    page.get_by_label("How", exact=True).first.select_option(index=1)
    page.get_by_label("On", exact=True).fill(str(TODAY))
    page.get_by_role("button", name="Put on file").first.click()
    page.get_by_role("button", name="These go").click()
    page.get_by_role("button", name="Build package").click()
    send = page.get_by_role("button", name="Download and record as delivered")
    expect(send).to_be_visible(timeout=90_000)
    axe(page)
    with page.expect_download(timeout=SECONDS * 1000) as waiting:
        send.click()
    path = folder / "package.pdf"
    waiting.value.save_as(path)
    read_the_notice(page)
    return path


def read_all_notices(page: Page) -> None:
    """Whatever this person was told before is read."""
    page.goto("/notices/")
    read_all = page.get_by_role("button", name="Mark all as read")
    if read_all.count():
        read_all.click()
    expect(page.locator(".page-sub")).to_contain_text("All read")


def read_the_notice(page: Page) -> None:
    """The bell says that the package was built; the notice leads back to the request and is read then."""
    request = page.url
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="Notices")).to_be_visible()
    axe(page)
    bell = page.locator(".bell .count")
    expect(bell).to_have_text("1")
    page.get_by_role("link", name="is ready to send").click()
    expect(page).to_have_url(request)
    page.goto("/notices/")
    expect(page.get_by_text("All read")).to_be_visible()
    expect(bell).to_be_empty()
