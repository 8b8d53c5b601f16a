"""Single sign-on in a real browser: to the provider, and back with the role that its groups give."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.accounts.oidc_provider import CLIENT, SECRET
from tests.accounts.oidc_running import Theirs, running_provider
from tests.journeys.conftest import axe
from tests.launcher.running import Running

NARROW, WIDE = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@pytest.fixture(scope="module")
def provider() -> Iterator[Theirs]:
    with running_provider() as started:
        yield started


@pytest.fixture(scope="module")
def hospital(provider: Theirs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Chartroom whose people come by the hospital's own sign-on."""
    running = Running(tmp_path_factory.mktemp("sso") / "data", "--no-demo")
    sign_on = {
        "issuer": provider.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "name": "Sign in with St. Example",
        "roles_claim": "groups",
        "roles": {"him": "records_clerk", "privacy": "compliance_officer"},
        "makes_users": True,
    }
    running.start(CHARTROOM_SECOND_FACTOR_ROLES="none", CHARTROOM_SINGLE_SIGN_ON=json.dumps(sign_on))
    yield running
    running.stop()


@pytest.fixture
def page(browser: Browser, hospital: Running) -> Iterator[Page]:
    context = browser.new_context(base_url=hospital.url, viewport=WIDE)  # type: ignore[arg-type]
    complaints: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield opened
    context.close()
    assert not [text for text in complaints if "Failed to load resource" not in text]


def told(provider: Theirs, *groups: str, **more: Any) -> None:
    claims = {"preferred_username": "ada", "name": "Ada Example", "groups": list(groups)}
    provider.tell(claims=claims, **more)


def press(page: Page) -> None:
    page.get_by_role("link", name="Sign in with St. Example").click()


def sign_out(page: Page) -> None:
    page.locator("summary", has_text="Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Chartroom")).to_be_visible()


def test_there_and_back_with_the_mapped_role_and_with_another_next_time(page: Page, provider: Theirs) -> None:
    told(provider, "him", "choir")
    page.goto("/patients/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    axe(page)
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    axe(page)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    press(page)
    expect(page).to_have_url(re.compile(r"/patients/$"))  # where one wanted to go
    account = page.locator("summary", has_text="Your account")
    expect(account).to_contain_text("Ada Example")
    expect(account).to_contain_text("Records clerk")
    expect(page.get_by_role("link", name="Access log")).to_have_count(0)

    sign_out(page)
    told(provider, "privacy")
    press(page)
    expect(account).to_contain_text("Compliance officer")
    page.get_by_role("link", name="Access log").click()
    expect(page.locator("main")).to_contain_text("changed a user's roles")


@pytest.mark.parametrize("answer", [{"lie": "nonce"}, {"refuses": True}], ids=["a lie", "a refusal"])
def test_what_is_not_right_signs_nobody_in_and_says_what_to_do(
    answer: dict[str, Any], page: Page, provider: Theirs
) -> None:
    told(provider, "him", **answer)
    page.goto("/sign-in/")
    press(page)
    expect(page.get_by_role("heading", name="Not signed in")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Sign in with a password").click()
    expect(page.get_by_label("User name")).to_be_visible()
    page.goto("/patients/")
    expect(page).to_have_url(re.compile("/sign-in/"))
    told(provider, "him")
    press(page)
    expect(page).to_have_url(re.compile(r"/patients/$"))
