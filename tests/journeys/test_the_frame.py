"""The frame in a real browser: keys, light and dark, the screen that goes blank, a phone, and no script at
all.
"""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.journeys.conftest import axe
from tests.journeys.furniture import Furnished
from tests.journeys.house import PASSWORD, PEOPLE, House, scanned_page

Desk = Callable[..., Page]
IDLE_SECONDS = 15 * 60


def test_hands_stay_on_the_keyboard(desk: Desk) -> None:
    page = desk("clerk")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name=re.compile("Find a patient"))
    expect(search).to_be_focused()
    page.keyboard.type("?")
    expect(search).to_have_value("?")
    expect(page.locator("#keys-dialog")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys-dialog")).to_contain_text("Find a patient")
    axe(page)
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    expect(page.get_by_role("link", name="Register a patient")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Register a patient")).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile("/release/$"))


@pytest.mark.parametrize(
    ("who", "address", "field"),
    [
        ("clerk", "/patients/register/", "Family name"),
        ("clerk", "/documents/{document}/retract/", "Why"),
        ("roi", "/release/new/?patient={patient}", "On what ground"),
        ("compliance", "/log/cases/new/", "Who says so"),
    ],
)
def test_a_page_that_is_a_form_begins_in_its_first_field(
    desk: Desk, furnished: Furnished, who: str, address: str, field: str
) -> None:
    page = desk(who)
    page.goto(address.format(document=furnished.document, patient=furnished.patient))
    expect(page.locator("main").get_by_label(field, exact=True)).to_be_focused()


def test_one_key_leads_to_the_question_and_to_the_files(desk: Desk, furnished: Furnished) -> None:
    page = desk("compliance")
    page.goto("/log/")
    page.keyboard.press("w")
    expect(page.get_by_label("Who", exact=True)).to_be_focused()
    page = desk("clerk")
    page.goto(f"/documents/file/{furnished.patient}/")
    page.keyboard.press("f")
    expect(page.locator("main input[type=file]")).to_be_focused()


def test_a_slash_in_an_empty_search_box_is_no_letter(desk: Desk) -> None:
    page = desk("clerk")
    page.goto("/patients/")
    box = page.locator("main input[type=search]")
    box.focus()
    page.keyboard.type("/mbeki")
    expect(box).to_have_value("mbeki")


def test_a_head_does_not_lie_on_the_first_row_on_a_phone(desk: Desk) -> None:
    page = desk("compliance", viewport={"width": 390, "height": 844})
    page.goto("/rights/")
    table = page.locator("table.matrix").first
    head, row = table.locator("thead").bounding_box(), table.locator("tbody tr").first.bounding_box()
    assert head
    assert row
    assert head["y"] + head["height"] <= row["y"] + 1


def test_j_and_k_walk_the_rows_and_enter_opens_one(desk: Desk) -> None:
    page = desk("administrator")
    page.goto("/users/")
    rows = page.locator("a.row-link")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/users/[0-9a-f-]{36}/$"))


def test_j_unfolds_an_older_encounter_when_the_walk_gets_there(desk: Desk, house: House) -> None:
    person = {"family": "Walker-Folded", "given": "Ines", "birth_date": "1951-03-04", "sex": "female"}
    patient = house.ask("clerk", "POST", "/patients/", person).body["id"]
    code = house.ask("clerk", "GET", "/document-types/").body["results"][0]["code"]
    visit = {"patient": patient, "kind": "outpatient", "location": "4 West", "attending": "clinician"}
    for month, titles in (("03", ["Oldest"]), ("02", []), ("05", ["Newest", "Newer"])):
        dates = {"start": f"2026-{month}-03T08:00:00Z", "end": f"2026-{month}-04T08:00:00Z"}
        stay = house.ask("clerk", "POST", "/encounters/", visit | dates)
        assert stay.status == 201, stay
        for number, title in enumerate(titles):
            about = {"patient": patient, "encounter": stay.body["id"], "type": code, "title": title}
            about["service_date"] = f"2026-{month}-{9 - number:02}"
            filed = house.file("clerk", "page.tiff", scanned_page(title, title), **about)
            assert filed.status == 201, filed
    page = desk("clerk")
    page.goto(f"/patients/{patient}/")
    older = page.locator("details.encounter", has_text="Oldest")
    expect(older).not_to_have_attribute("open", "")
    page.keyboard.press("j")  # from the document that is shown, which is the newest
    expect(page.get_by_role("link", name=re.compile("Newer"))).to_be_focused()
    expect(older).not_to_have_attribute("open", "")
    page.keyboard.press("j")
    expect(older).to_have_attribute("open", "")
    oldest = page.get_by_role("link", name=re.compile("Oldest"))
    expect(oldest).to_be_focused()
    expect(oldest).to_be_in_viewport()
    page.keyboard.press("j")
    expect(oldest).to_be_focused()  # there is no further one
    page.keyboard.press("k")
    expect(page.get_by_role("link", name=re.compile("Newer"))).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Oldest")).to_be_visible()


def test_light_or_dark_is_remembered_before_the_first_paint(desk: Desk) -> None:
    page = desk("clerk", color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.locator("summary", has_text="Your account").click()
    page.get_by_role("button", name="Dark").click()
    page.goto("/patients/")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    axe(page)


def test_a_screen_left_alone_goes_blank_and_leads_back_to_where_one_was(desk: Desk) -> None:
    """45 CFR 164.312(a)(2)(iii)."""
    page = desk("")
    page.clock.install()
    page.goto("/sign-in/")
    page.get_by_label("User name").fill("clerk")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto("/patients/?q=Achterberg")
    page.clock.run_for((IDLE_SECONDS - 70) * 1000)
    expect(page.locator("#idle-dialog")).to_be_hidden()
    page.clock.run_for(12_000)
    expect(page.locator("#idle-dialog")).to_contain_text("signed out")
    axe(page)
    page.get_by_role("button", name="Stay signed in").click()
    expect(page.locator("#idle-dialog")).to_be_hidden()
    page.clock.run_for((IDLE_SECONDS + 1) * 1000)
    expect(page).to_have_url(re.compile("/sign-in/.*idle=1"))
    expect(page.locator("body")).to_contain_text("nobody used the screen")
    assert "Achterberg" not in page.url, "what was searched for may be a name"
    page.go_back()
    expect(page).to_have_url(re.compile("/sign-in/"))
    page.goto("/sign-in/?next=/patients/&idle=1")
    page.get_by_label("User name").fill("clerk")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/patients/$"))


def test_back_after_signing_out_shows_nobody(desk: Desk, furnished: Furnished) -> None:
    """The next one at this desk presses Back: neither the browser's memory nor the server shows the chart."""
    page = desk("clerk")
    page.goto(f"/patients/{furnished.patient}/")
    expect(page.locator("body")).to_contain_text("MBEKI-LINDQVIST")
    page.goto(f"/documents/{furnished.document}/")
    expect(page.locator("body")).to_contain_text("Operative note")
    page.locator("form[action='/sign-out/'] button").first.dispatch_event("click")
    expect(page).to_have_url(re.compile("/sign-in/"))
    for _ in range(3):
        page.go_back()
        expect(page).to_have_url(re.compile("/sign-in/"))
        expect(page.get_by_label("Password")).to_be_visible()
        expect(page.locator("body")).not_to_contain_text(re.compile("mbeki|operative", re.IGNORECASE))


@pytest.mark.parametrize("way", ["/sign-out/", "/switch-user/"])
def test_who_leaves_leaves_no_other_tab_to_be_read(way: str, desk: Desk, furnished: Furnished) -> None:
    """And what was typed there comes back to its owner."""
    page = desk("clerk")
    other = page.context.new_page()
    other.goto(f"/patients/{furnished.patient}/edit/")
    expect(other.locator("body")).to_contain_text("MBEKI-LINDQVIST")
    other.get_by_label("Middle name").first.fill("Typed and not saved")
    page.goto("/patients/")
    page.locator(f"form[action='{way}'] button").first.dispatch_event("click")
    expect(page).to_have_url(re.compile("/sign-in/"))
    expect(other.locator("body")).not_to_contain_text("MBEKI-LINDQVIST")
    expect(other).to_have_url(re.compile("/sign-in/.*edit"))
    expect(other.get_by_label("Password")).to_be_visible()
    other.get_by_label("User name").fill("clerk")
    other.get_by_label("Password").fill(PASSWORD)
    other.keyboard.press("Enter")
    expect(other).to_have_url(re.compile("/edit/$"))
    other.get_by_role("button", name="Put it back").click()
    expect(other.get_by_label("Middle name").first).to_have_value("Typed and not saved")


def test_work_in_one_tab_keeps_the_other_one_open(desk: Desk) -> None:
    page = desk("clerk")
    other = page.context.new_page()
    page.context.clock.install()
    for tab in (page, other):
        tab.goto("/patients/")
    page.context.clock.run_for((IDLE_SECONDS - 30) * 1000)
    expect(page.locator("#idle-dialog")).to_be_visible()
    expect(other.locator("#idle-dialog")).to_be_visible()
    page.get_by_role("button", name="Stay signed in").click()
    page.context.clock.run_for(1_500)
    expect(other.locator("#idle-dialog")).to_be_hidden()


def test_a_double_click_sends_one_form(desk: Desk) -> None:
    page = desk("clerk")
    page.goto("/account/")
    page.get_by_label("What is it for?").fill("a double click")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Make a token").dblclick()
    expect(page.locator("[data-new-token]")).to_be_visible()
    assert len([url for url in sent if "/tokens/" in url]) == 1
    expect(page.get_by_role("button", name="Make a token")).to_be_enabled()


def test_a_part_that_does_not_come_leaves_the_old_one_and_says_so(desk: Desk) -> None:
    page = desk("clerk")
    page.goto("/patients/")

    def broken(route: Route) -> None:
        if route.request.headers.get("hx-request"):
            route.fulfill(status=503, body="<h1>not for this page</h1>", content_type="text/html")
        else:
            route.continue_()

    page.route("**/patients/**", broken)
    page.locator("main input[type=search]").fill("somebody")
    expect(page.get_by_role("alert")).to_contain_text("did not answer")
    expect(page.locator("body")).not_to_contain_text("not for this page")
    expect(page.locator("main input[type=search]")).to_have_value("somebody")


@pytest.mark.parametrize("who", [name for name in PEOPLE if name != "clinician2"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_home_passes_axe_on_a_desk_and_on_a_phone(desk: Desk, who: str, scheme: str) -> None:
    page = desk(who, color_scheme=scheme)
    axe(page)
    page.set_viewport_size({"width": 390, "height": 844})
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    rail = page.get_by_role("navigation", name="Main").bounding_box()
    assert rail is not None
    assert rail["y"] > 700, "the rail is at the thumb"


def test_without_any_script_one_signs_in_searches_and_signs_out(desk: Desk, house: House) -> None:
    page = desk("clerk", java_script_enabled=False)
    page.get_by_role("searchbox", name=re.compile("Find a patient")).fill("Nobody")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/patients/\?q=Nobody"))
    page.locator("summary", has_text="New").click()
    page.get_by_role("banner").get_by_role("link", name="Register a patient").click()
    expect(page).to_have_url(re.compile("/patients/register/"))
    page.locator("summary", has_text="Your account").click()
    expect(page.get_by_role("button", name="Dark")).to_be_hidden()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in/"))
    page.goto("/patients/")
    expect(page).to_have_url(re.compile("/sign-in/"))
