"""J6: a chart outside my care, hands never off the keyboard; and the officer who looks at it afterwards."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.accounts.softkey import code_of
from tests.journeys.conftest import axe
from tests.journeys.furniture import Furnished
from tests.journeys.house import PASSWORD, House
from tests.journeys.test_without import focused, tab_to

Desk = Callable[..., Page]
WHY = "called to bed 12, chest pain"
NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
# As if everybody had signed in an hour ago, so that the glass asks again.
AGE_SESSIONS = """
from accounts.models import BrowserSession
from accounts.sessions import SessionStore
for row in BrowserSession.objects.all():
    store = SessionStore(row.session_key)
    if "confirmed_at" in store:
        store["confirmed_at"] -= 3600
        store.save()
"""


def age_sessions(house: House) -> None:
    done = house.running.manage("shell", "--no-imports", "-c", AGE_SESSIONS)
    assert done.returncode == 0, done.stderr


def look(page: Page) -> None:
    """Clean for axe and without scrolling sideways, on a desk and on a phone."""
    axe(page)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]


@pytest.fixture
def at_bed_12(desk: Desk, furnished: Furnished, house: House) -> Page:
    """A physician of elsewhere, on the page before the glass, with the keys alone."""
    page = desk("clinician2", viewport=WIDE)
    go_to_the_glass(page, furnished, house)
    return page


def go_to_the_glass(page: Page, furnished: Furnished, house: House) -> None:
    """From any page, an hour after she signed in."""
    age_sessions(house)
    page.keyboard.press("/")
    page.keyboard.type(furnished.mrn)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("No chart of yours matches")
    tab_to(page, "href", "/patients/outside/")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("outside your care")
    look(page)
    tab_to(page, "href", f"/patients/{furnished.patient}/glass/")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("MBEKI-LINDQVIST, Tomas")


def break_it(page: Page, *, code: str = "") -> None:
    """A reason, and the password once more, or a code of her authenticator app."""
    tab_to(page, "name", "reason_code")
    page.keyboard.press("Space")
    tab_to(page, "name", "reason")
    page.keyboard.type(WHY)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/confirm/"))
    assert focused(page, "name") == "password"
    if code:
        tab_to(page, "name", "code")
    page.keyboard.type(code or PASSWORD)
    page.keyboard.press("Enter")


def test_a_chart_outside_my_care_with_the_keyboard_alone(
    at_bed_12: Page, desk: Desk, furnished: Furnished, house: House
) -> None:
    page = at_bed_12
    look(page)
    tab_to(page, "name", "reason_code")
    page.keyboard.press("Space")
    tab_to(page, "name", "reason")
    page.keyboard.type("aaaa")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[data-error-summary]")).to_contain_text("Say in a few words why")
    expect(page.get_by_label("In your own words")).to_have_value("aaaa")
    look(page)
    page.get_by_label("In your own words").fill("")
    break_it(page)
    expect(page).to_have_url(re.compile(f"/patients/{furnished.patient}/"))
    banner = page.get_by_role("region", name="Broken glass")
    expect(banner).to_contain_text("open to you until")
    left = banner.locator("[data-glass-time]")
    expect(left).to_contain_text("3 h 59 min")
    expect(page.locator("[data-viewer-image]")).to_be_visible()
    look(page)
    for part in ("demographics/", "encounters/"):
        page.goto(f"/patients/{furnished.patient}/{part}")
        expect(banner).to_be_visible()
    page.goto(f"/documents/{furnished.document}/")
    expect(banner).to_be_visible()

    officer = desk("compliance", viewport=WIDE)
    expect(officer.locator("main")).to_contain_text("Glass to review")
    look(officer)
    officer.keyboard.press("g")
    officer.keyboard.press("b")
    expect(officer).to_have_url(re.compile("/log/glass/$"))
    look(officer)
    officer.keyboard.press("j")
    officer.keyboard.press("Enter")
    expect(officer.locator("main")).to_contain_text(WHY)
    expect(officer.locator("main")).to_contain_text("opened the chart")
    look(officer)

    tab_to(page, "class", "btn-glass-plain")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("The chart is closed to you again")
    refused = page.goto(f"/patients/{furnished.patient}/")
    assert refused
    assert refused.status == 403
    expect(page.get_by_role("link", name="Break the glass")).to_be_visible()
    look(page)

    tab_to(officer, "name", "outcome")
    officer.keyboard.press("Space")
    tab_to(officer, "type", "submit")
    officer.keyboard.press("Enter")
    expect(officer.locator("main")).to_contain_text("Your decision is on record")


HIRE = """
import sys
from accounts.services import create_user
create_user(username="clinician3", name="Journey clinician3", password=sys.stdin.read(), email="", roles=["clinician"])
"""


def test_the_same_way_with_an_authenticator_app(desk: Desk, furnished: Furnished, house: House) -> None:
    """Her password stays unsaid: the second factor says who she is. A code counts once."""
    done = house.running.manage("shell", "--no-imports", "-c", HIRE, text_in=PASSWORD)
    assert done.returncode == 0, done.stderr
    page = desk("clinician3", viewport=WIDE)
    page.goto("/account/second-factor/app/")
    page.get_by_text("No camera?").click()
    secret = page.locator("code.once-shown").inner_text().replace(" ", "")
    first = code_of(secret)
    page.get_by_role("textbox", name="Code").fill(first)
    page.get_by_role("button", name="Add the app").click()
    expect(page.locator("main")).to_contain_text("recovery codes")
    go_to_the_glass(page, furnished, house)
    break_it(page, code=first)
    expect(page.locator("main")).to_contain_text("could not be confirmed")
    look(page)
    tab_to(page, "name", "code")
    page.keyboard.press("Control+a")
    page.keyboard.type(code_of(secret, steps=1))
    page.keyboard.press("Enter")
    expect(page.get_by_role("region", name="Broken glass")).to_contain_text("open to you until")
    page.get_by_role("button", name="End now").click()


RUN_OUT_SOON = """
from datetime import timedelta
from django.db import transaction
from audit.services import record
from common.clock import database_now
from patients.models import GlassBreak
with transaction.atomic():
    glass = GlassBreak.objects.open().get(user__username="clinician2")
    glass.expires_at = database_now() + timedelta(seconds=100)
    glass.save()
    record("glass.seen", by=glass.user, patient=glass.patient_id, about=glass)
"""


def test_the_line_says_so_when_the_time_is_over(desk: Desk, furnished: Furnished, house: House) -> None:
    """The script only counts: the server closes the chart by its own clock."""
    page = desk("clinician2", viewport=WIDE)
    page.goto(f"/patients/{furnished.patient}/glass/")
    page.get_by_label("Covering for a colleague").check()
    page.get_by_label("In your own words").fill(WHY)
    page.get_by_role("button", name="Break the glass").click()
    expect(page.get_by_role("region", name="Broken glass")).to_contain_text("3 h 59 min")
    done = house.running.manage("shell", "--no-imports", "-c", RUN_OUT_SOON)
    assert done.returncode == 0, done.stderr
    page.clock.install()
    page.goto(f"/patients/{furnished.patient}/")
    expect(page.locator("[data-glass-time]")).to_have_text(re.compile(r"[01]:\d\d min"))
    page.clock.fast_forward(101_000)
    expect(page.get_by_role("alert")).to_contain_text("The time is over")
    axe(page)
    page.get_by_role("link", name="Ask again").click()
    expect(page.locator("main")).to_contain_text("MBEKI-LINDQVIST, Tomas")
    page.get_by_role("button", name="End now").click()


def test_a_drill_without_any_script(desk: Desk, furnished: Furnished) -> None:
    page = desk("clinician2", viewport=WIDE, java_script_enabled=False)
    page.goto(f"/patients/{furnished.patient}/glass/")
    page.get_by_role("link", name="Practise it").click()
    page.get_by_label("Emergency treatment").check()
    page.get_by_label("In your own words").fill(WHY)
    page.get_by_role("button", name="DRILL: break the glass").click()
    expect(page.get_by_role("region", name="Broken glass")).to_contain_text("DRILL: glass broken")
    expect(page.locator("main")).to_contain_text("nothing was opened")
    refused = page.goto(f"/patients/{furnished.patient}/")
    assert refused
    assert refused.status == 403


def test_two_people_open_the_house(desk: Desk, furnished: Furnished) -> None:
    one, other = desk("supervisor", viewport=WIDE), desk("administrator", viewport=WIDE)
    one.goto("/emergency/")
    look(one)
    one.get_by_label("What has happened?").fill("network down in the east wing, wards on paper")
    one.get_by_label("Clinician").check()
    one.get_by_label("This is a drill").check()
    one.get_by_role("button", name="Declare").click()
    expect(one.locator("main")).to_contain_text("Waits for a second person")
    look(one)
    other.goto("/emergency/")
    other.get_by_role("button", name="Confirm the drill").click()
    expect(other.get_by_role("region", name="Emergency access")).to_contain_text("DRILL")
    look(other)
    third = desk("clinician2", viewport=WIDE)
    expect(third.get_by_role("region", name="Emergency access")).to_contain_text(
        "Nothing is open because of it"
    )
    look(third)
    one.goto("/emergency/")
    one.get_by_role("button", name="End it now").click()
    expect(one.get_by_role("region", name="Emergency access")).to_be_hidden()
