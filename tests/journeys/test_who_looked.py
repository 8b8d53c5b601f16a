"""J8: who opened this chart? What nobody explains on top, the event whole, and a print for the patient."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.journeys.conftest import axe
from tests.journeys.furniture import Furnished

Desk = Callable[..., Page]
NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1440, "height": 900}


def look(page: Page) -> None:
    """Clean for axe and without scrolling sideways, on a desk and on a phone."""
    axe(page)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]


def test_the_officer_sees_what_nobody_explains_and_prints_for_the_patient(
    desk: Desk, furnished: Furnished
) -> None:
    chart = f"/patients/{furnished.patient}/"
    somebody = desk("supervisor", viewport=WIDE)
    somebody.goto(chart)
    expect(somebody.locator("main")).to_contain_text("Timeline")

    page = desk("compliance", viewport=WIDE)
    page.goto(f"/log/chart/{furnished.patient}/")
    on_top = page.locator("section.panel", has=page.get_by_role("heading", name="To be asked about"))
    expect(on_top).to_contain_text("supervisor")
    expect(on_top).to_contain_text("Unexplained")
    look(page)

    page.get_by_role("link", name="Only these").click()
    expect(page.locator(".page-sub")).to_contain_text("not explained among")
    expect(page.locator("table.log-table")).to_contain_text("Unexplained")
    page.locator("table.log-table a.row-link").first.click()
    expect(page.locator("main")).to_contain_text("Nothing that the hospital knew then explains")
    look(page)

    page.goto(f"/log/chart/{furnished.patient}/")
    page.get_by_role("link", name="Timeline", exact=True).last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What happened with this chart")
    look(page)

    page.goto("/log/person/")
    page.get_by_role("textbox", name="Who").fill("supervisor")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("main")).to_contain_text("opened the chart")
    look(page)

    page.goto(f"/log/chart/{furnished.patient}/")
    page.get_by_role("link", name="For the patient").click()
    expect(page.locator("main")).to_contain_text("You may question any line")
    expect(page.locator("main")).to_contain_text("opened your chart")
    look(page)
    with page.expect_download() as coming:
        page.get_by_role("link", name="Make the PDF").click()
    assert re.match(r"who-looked-at-my-chart-[-0-9]+\.pdf", coming.value.suggested_filename)

    page.goto("/log/?event=log.printed_for_patient")
    expect(page.locator("table.log-table")).to_contain_text(
        "printed for the patient who had looked at the chart"
    )
    page.get_by_text("Kept questions").click()
    page.get_by_label("Keep this question as").fill("Prints of this month")
    look(page)
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator("main")).to_contain_text("Kept: Prints of this month.")


ROWS = """() => [...document.querySelectorAll("table.log-lines tbody tr")].map((row) => {
    const box = row.getBoundingClientRect();
    return [box.top + scrollY, box.height];
})"""


def test_a_screen_holds_two_dozen_rows_and_each_unfolds(desk: Desk, furnished: Furnished) -> None:
    """SCREENS: 24 rows at 1440 by 900, each one line; by key the row says everything, and on a phone it is a card."""
    attending = desk("clinician")
    attending.goto(f"/patients/{furnished.patient}/")  # the newest look is one that is explained
    expect(attending.locator("main")).to_contain_text("Timeline")
    page = desk("compliance", viewport=WIDE)
    page.goto("/log/?period=all")
    rows = page.evaluate(ROWS)
    assert rows
    assert {round(height) for _, height in rows} <= {26, 27, 28}
    assert (WIDE["height"] - rows[0][0]) / max(height for _, height in rows) >= 24

    page.goto(f"/log/chart/{furnished.patient}/?period=all")
    chip = page.locator(
        "td:has(> .unfold-words) > .unfold > summary"
    ).first  # what nothing explains has no words
    words = chip.locator("xpath=../following-sibling::ul")
    assert words.evaluate("list => list.getBoundingClientRect().width") <= 1  # heard, not seen
    expect(words).not_to_be_empty()
    chip.focus()
    page.keyboard.press("Enter")
    assert words.evaluate("list => list.getBoundingClientRect().width") > 100
    look(page)
    page.emulate_media(media="print")
    assert all(
        width > 100
        for width in page.locator(".unfold-words").evaluate_all(
            "lists => lists.map((list) => list.getBoundingClientRect().width)"
        )
    )

    dark = desk("compliance", viewport=WIDE, color_scheme="dark")
    dark.goto(f"/log/chart/{furnished.patient}/?period=all")
    expect(dark.locator("html")).to_have_attribute("data-bs-theme", "dark")
    look(dark)
