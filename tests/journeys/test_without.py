"""Reading and filing with a keyboard alone, and without JavaScript."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from tests.journeys.furniture import Furnished
from tests.journeys.house import House, scanned_page
from tests.launcher.waiting import until

Desk = Callable[..., Page]


def focused(page: Page, attribute: str) -> str:
    """An attribute of the element that has the focus."""
    return str(page.evaluate("name => document.activeElement.getAttribute(name) || ''", attribute))


def tab_to(page: Page, attribute: str, part: str, limit: int = 60) -> None:
    """Press Tab until the focus is on an element whose attribute holds `part`."""
    for _ in range(limit):
        page.keyboard.press("Tab")
        if part in focused(page, attribute):
            return
    raise AssertionError(f"{limit} times Tab and no {attribute} with {part!r} on {page.url}")


def test_reading_with_the_keyboard_alone(desk: Desk, furnished: Furnished) -> None:
    """From the home page to the second page of a document and its text, hands never off the keys."""
    page = desk("clinician")
    page.keyboard.press("/")
    assert focused(page, "name") == "q"
    page.keyboard.type(furnished.mrn)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/patients/{furnished.patient}/**")
    tab_to(page, "href", furnished.document)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(furnished.document))
    count = page.locator("[data-viewer-count]")
    expect(count).to_have_text("Page 1 of 2")
    page.keyboard.press("ArrowRight")
    expect(count).to_have_text("Page 2 of 2")
    page.keyboard.press("t")
    expect(page.locator("[data-viewer-text]")).to_contain_text("blood loss")


def test_filing_with_the_keyboard_alone(desk: Desk, furnished: Furnished) -> None:
    """The file itself is chosen in a dialog of the operating system, which has keys of its own."""
    page = desk("clerk")
    page.goto(f"/documents/file/{furnished.patient}/")
    page.locator("input[type=file]").set_input_files(
        {"name": "k.tiff", "mimeType": "image/tiff", "buffer": scanned_page("Filed with the keyboard")}
    )
    tab_to(page, "name", "type")
    page.keyboard.press("ArrowDown")
    tab_to(page, "name", "service_date")
    page.keyboard.type(datetime.now(tz=UTC).strftime("%m%d%Y"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/documents/[0-9a-f-]{36}/"))
    expect(page.locator("main")).to_contain_text("k.tiff")


def test_reading_and_filing_without_javascript(desk: Desk, furnished: Furnished, house: House) -> None:
    """Sign in, find, open, read, file, and find what was filed by its words."""
    page = desk("clerk", java_script_enabled=False)
    page.get_by_role("searchbox").first.fill("mbeki tomas")
    page.get_by_role("searchbox").first.press("Enter")
    page.get_by_role("link", name="MBEKI-LINDQVIST").first.click()
    page.locator(f"a[href*='{furnished.document}']").first.click()
    expect(page.locator("[data-viewer-image]")).to_be_visible()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("[data-viewer-count]")).to_have_text("Page 2 of 2")

    page.goto(f"/documents/file/{furnished.patient}/")
    page.locator("input[type=file]").set_input_files(
        {
            "name": "plain.tiff",
            "mimeType": "image/tiff",
            "buffer": scanned_page("Plain paper", "Haemochromatosis"),
        }
    )
    page.get_by_label("Type", exact=True).select_option(index=2)
    page.get_by_label("Service date").fill(str(datetime.now(tz=UTC).date()))
    page.get_by_role("button", name="File document").click()
    document = page.url.rstrip("/").rpartition("/")[2].partition("?")[0]

    def is_read() -> bool:
        return bool(house.ask("clerk", "GET", f"/documents/{document}/").body["processing"] == "done")

    until(is_read, seconds=90, what="the page is read")
    page.goto(f"/documents/{document}/")
    page.get_by_label("Search the text of this chart").fill("haemochromatosis")
    page.get_by_label("Search the text of this chart").press("Enter")
    expect(page.get_by_role("link", name="page 1")).to_be_visible()


def test_back_after_a_filing_shows_the_form_again(desk: Desk, furnished: Furnished) -> None:
    """The answer is shown without a second request, so Back has to ask for the form."""
    page = desk("clerk")
    page.goto(f"/documents/file/{furnished.patient}/")
    page.locator("input[type=file]").set_input_files(
        {"name": "back.tiff", "mimeType": "image/tiff", "buffer": scanned_page("Filed before going back")}
    )
    page.get_by_label("Type", exact=True).select_option(index=2)
    page.get_by_label("Service date").fill(str(datetime.now(tz=UTC).date()))
    page.get_by_role("button", name="File document").click()
    page.wait_for_url(re.compile(r"/documents/[0-9a-f-]{36}/"))
    page.go_back()
    expect(page.get_by_role("button", name="File document")).to_be_visible()
    expect(page).to_have_url(re.compile("/documents/file/"))
    expect(page.locator("main")).not_to_contain_text("back.tiff")
