"""Signing in with more than a password, in a real browser: an authenticator app, a security key, a shared desk."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.accounts.softkey import code_of
from tests.journeys.conftest import axe
from tests.journeys.house import PASSWORD, House

Desk = Callable[..., Page]
IDLE_SECONDS = 15 * 60
GIVEN = "seven brown mountain goats"


@pytest.fixture
def hire(house: House) -> Callable[..., str]:
    """Somebody new, whom no other journey needs."""

    def hired(username: str, role: str = "records_clerk") -> str:
        done = house.running.manage("create_user", username, "--role", role, text_in=f"{PASSWORD}\n")
        assert done.returncode == 0, done.stderr
        return username

    return hired


def _password(page: Page, who: str, password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(who)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def _menu(page: Page) -> Locator:
    return page.locator("summary", has_text="Your account")


def _named(house: House) -> str:
    """Security keys need a name, not a number."""
    return house.url.replace("127.0.0.1", "localhost")


def _plug_in(page: Page) -> Any:
    """A security key in the browser's own make: touched as soon as it is asked."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "usb",
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return devtools


def test_an_authenticator_app_recovery_codes_and_what_a_used_code_is_worth(
    desk: Desk, hire: Callable[..., str]
) -> None:
    who = hire("journey.app")
    page = desk("")
    page.goto("/sign-in/")
    _password(page, who)
    page.goto("/account/")
    axe(page)
    page.get_by_role("link", name="Add one").click()
    axe(page)
    page.get_by_role("link", name="Add an authenticator app").click()
    expect(page.locator(".qr svg")).to_be_visible()
    axe(page)
    page.get_by_text("No camera?").click()
    secret = re.sub(r"\s", "", page.locator("code.once-shown").inner_text())
    used = code_of(secret)
    page.get_by_label("Code that the app shows now").fill(used)
    page.get_by_role("button", name="Add the app").click()
    codes = [text.replace(" ", "") for text in page.locator("[data-recovery-codes] code").all_inner_texts()]
    assert len(codes) == 10
    axe(page)
    page.get_by_role("link", name="I have them").click()
    expect(page.locator("main")).to_contain_text("10 are left")
    axe(page)

    _menu(page).click()
    page.get_by_role("button", name="Sign out").click()
    _password(page, who)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    axe(page)
    page.get_by_label("Code").fill(used)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".error-summary")).to_contain_text("used already")
    axe(page)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto("/account/second-factor/")
    expect(page.locator("main")).to_contain_text("9 are left")


def test_a_security_key_signs_in(desk: Desk, house: House, hire: Callable[..., str]) -> None:
    who = hire("journey.key")
    page = desk("", base_url=_named(house))
    _plug_in(page)
    page.goto("/sign-in/")
    _password(page, who)
    page.goto("/account/second-factor/key/")
    axe(page)
    page.get_by_label("What do you call this key?").fill("Yellow key")
    page.get_by_role("button", name="Use the key").click()
    expect(page.locator("[data-recovery-codes] code")).to_have_count(10)
    page.get_by_role("link", name="I have them").click()
    expect(page.locator("main")).to_contain_text("Yellow key")

    _menu(page).click()
    page.get_by_role("button", name="Sign out").click()
    _password(page, who)
    page.get_by_role("button", name="Use a security key").click()
    expect(_menu(page)).to_be_visible()
    page.goto("/account/second-factor/")
    expect(page.get_by_role("row", name=re.compile("Yellow key"))).not_to_contain_text("never")


def test_over_a_number_the_page_says_why_a_key_does_not_work(desk: Desk, hire: Callable[..., str]) -> None:
    who = hire("journey.number")
    page = desk("")
    _plug_in(page)
    page.goto("/sign-in/")
    _password(page, who)
    page.goto("/account/second-factor/key/")
    page.get_by_role("button", name="Use the key").click()
    expect(page.get_by_role("alert")).to_contain_text("need a name in the address bar")


LONG_AGO = """
from accounts.models import BrowserSession
from accounts.sessions import SessionStore
for row in BrowserSession.objects.filter(user__username="journey.confirm"):
    session = SessionStore(row.session_key)
    session["confirmed_at"] = 1
    session.save()
"""


def test_a_form_waits_until_one_has_said_who_one_is(
    desk: Desk, house: House, hire: Callable[..., str]
) -> None:
    """What was typed goes on by itself after the password."""
    who = hire("journey.confirm")
    page = desk("")
    page.goto("/sign-in/")
    _password(page, who)
    page.goto("/account/")
    done = house.running.manage("shell", "--no-imports", "-c", LONG_AGO)
    assert done.returncode == 0, done.stderr
    page.get_by_label("What is it for?").fill("a feed")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("heading", name="Is it still you?")).to_be_visible()
    axe(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("[data-new-token]")).to_have_text(re.compile("^cr_"))
    expect(page.get_by_role("row", name=re.compile("a feed"))).to_be_visible()


def test_what_was_typed_survives_the_idle_screen(desk: Desk, hire: Callable[..., str]) -> None:
    who = hire("journey.idle", "roi_specialist")
    page = desk("")
    page.clock.install()
    page.goto("/sign-in/")
    _password(page, who)
    page.goto("/account/")
    page.get_by_label("What is it for?").fill("a name nobody had typed before")
    page.clock.run_for((IDLE_SECONDS + 1) * 1000)
    expect(page).to_have_url(re.compile("/sign-in/.*idle=1"))
    expect(page.get_by_label("User name")).to_be_visible()  # the address is there before the page is
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "nobody had typed" not in stored
    _password(page, who)
    expect(page.locator("[data-draft]")).to_contain_text("What you had typed here is kept")
    axe(page)
    page.get_by_role("button", name="Put it back").click()
    expect(page.get_by_label("What is it for?")).to_have_value("a name nobody had typed before")
    expect(page.locator("[data-draft]")).to_have_count(0)
    page.reload()
    expect(page.locator("[data-draft]")).to_have_count(0)


def test_the_next_person_at_a_shared_desk_sees_nothing_of_the_last(
    desk: Desk, hire: Callable[..., str]
) -> None:
    first, second = hire("journey.first"), hire("journey.second", "compliance_officer")
    page = desk("")
    page.goto("/sign-in/")
    _password(page, first)
    page.goto("/account/?tab=2")
    page.keyboard.press("g")
    page.keyboard.press("x")
    expect(page.get_by_role("heading", name="Who is next?")).to_be_visible()
    axe(page)
    page.go_back()
    expect(page.get_by_label("User name")).to_be_visible()
    page.goto("/sign-in/?switch=1")
    _password(page, second)
    expect(page).to_have_url(re.compile(r"//[^/]+/$"))
    expect(_menu(page)).to_contain_text(second)


def test_an_administrator_makes_an_interface_and_looks_after_sign_ins(desk: Desk, house: House) -> None:
    page = desk("administrator")
    page.goto("/programs/")
    axe(page)
    page.get_by_role("link", name="Add an interface").click()
    axe(page)
    page.get_by_label("User name").fill("journey.feed")
    page.get_by_label("What is it?").fill("A feed")
    page.get_by_label("Clinician").check()
    page.get_by_role("button", name="Add the interface").click()
    page.get_by_label("What is it for?").fill("east wing")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("[data-new-token]")).to_have_text(re.compile("^cr_"))
    axe(page)
    page.goto("/users/")
    page.get_by_role("link", name="Journey clerk").first.click()
    page.get_by_role("link", name="How they sign in").click()
    axe(page)


# What is typed, the level the meter shows, and what its words say.
TYPED = (
    ("x7!kQ2m", 1, "7 of at least 12 characters: 5 more."),
    ("x" * 129, 1, "too long, 128 is the most"),
    ("password2026!", 2, "one word with digits or marks around it"),
    ("!!!dragon!!!!!", 2, "one word with digits or marks around it"),
    ("monkeymonkeymonkey", 2, "the same word said again"),
    ("123456123456", 2, "a row of the alphabet or of digits"),
    ("abababababab", 2, "the same few characters"),
    ("journey.chooser1", 2, "much like the name or address"),
    ("xK9#vQ2!mZ7&", 3, "Longer is stronger"),
    ("Gr\u00fc\u00dfe aus Archiv", 4, "16 characters, long enough"),
    (GIVEN, 5, "26 characters"),
)


def test_a_meter_helps_to_choose_a_password_and_tells_nobody(desk: Desk, hire: Callable[..., str]) -> None:
    """ASVS 2.1.8. What is typed leaves the page by its form only, and is kept nowhere."""
    who = hire("journey.chooser")
    page = desk("", viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto("/sign-in/")
    _password(page, who)
    page.goto("/account/password/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
    field, meter = page.get_by_label("New password"), page.locator("#id_new_meter")
    before = page.get_by_role("button", name="Change my password").bounding_box()
    for typed, level, words in TYPED:
        field.fill(typed)
        expect(meter).to_have_attribute("data-level", str(level))
        expect(meter.locator("[aria-live=polite]")).to_contain_text(words)
        if level in {2, 5}:
            axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
    assert page.get_by_role("button", name="Change my password").bounding_box() == before, "it moved"
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}]) + document.cookie")
    assert not any(typed in kept or any(typed in sent for sent in asked) for typed, _, _ in TYPED)
    page.get_by_label("Present password").fill(PASSWORD)
    page.keyboard.press("Tab")
    expect(field).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Change my password")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(re.compile("password"))


def test_the_link_of_an_invitation_says_whether_both_are_the_same(desk: Desk) -> None:
    office = desk("administrator")
    office.goto("/users/new/")
    office.get_by_label("User name").fill("journey.invited")
    office.get_by_label("Name", exact=True).fill("Journey Invited")
    office.get_by_label("Records clerk").check()
    office.get_by_role("button", name=re.compile("Add|Invite")).click()
    address = office.locator("[data-new-link]").inner_text()
    page = desk("", viewport={"width": 390, "height": 844})
    page.goto(address)
    page.get_by_label("Your password").fill(GIVEN)
    expect(page.locator("#id_password_meter")).to_have_attribute("data-level", "5")
    again, told = page.get_by_label("Once more"), page.locator("#id_again_meter [aria-live=polite]")
    again.fill(GIVEN[:9])
    expect(told).to_have_text("So far the same.")
    again.fill("seven grey")
    expect(told).to_have_text("Not the same as above.")
    again.fill(GIVEN)
    expect(told).to_have_text("The same as above.")
    axe(page)
    page.get_by_role("button", name="Set my password").click()
    expect(page).not_to_have_url(re.compile("welcome"))
