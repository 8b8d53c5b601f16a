"""One real Chartroom, one real browser, and a page for whoever is to sit at it."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from config.embedded import browser as chromium
from tests.journeys.furniture import Furnished, furnish
from tests.journeys.house import PASSWORD, House
from tests.launcher.running import Running

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS = 30


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in this folder is a journey. All run in one process (tests/sharing.py)."""
    for item in items:
        if "tests/journeys" in str(item.path):
            item.add_marker(pytest.mark.journey)


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A Chartroom with one person in each job and nobody's chart yet."""
    running = Running(tmp_path_factory.mktemp("journeys") / "data", "--no-demo")
    running.start(CHARTROOM_SECOND_FACTOR_ROLES="none")
    house = House(running)
    house.hire()
    yield house
    running.stop()


@pytest.fixture(scope="package")
def furnished(house: House) -> Furnished:
    """A chart with a read scan and an open request in it."""
    return furnish(house)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    program = chromium.find()
    assert program, chromium.MISSING
    # While Playwright runs, its event loop makes Django refuse the database to the other tests of this
    # process.
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=FLAGS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def desk(browser: Browser, house: House) -> Iterator[Callable[..., Page]]:
    """`desk("clerk")` is a page at which she has signed in; `desk("")` one at which nobody has.

    Further arguments go to the browser's context. Whatever the page logs as an error fails the test.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def sit_down(who: str, **options: object) -> Page:
        usual = {"base_url": house.url, "viewport": {"width": 1280, "height": 800}, "accept_downloads": True}
        context = browser.new_context(**usual | options)  # type: ignore[arg-type]
        context.set_default_timeout(SECONDS * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda message: (
                complaints.append(f"{page.url}: {message.text}")
                if message.type == "error" and "Failed to load resource" not in message.text
                else None
            ),
        )
        if who:
            sign_in(page, who)
        return page

    yield sit_down
    for context in contexts:
        context.close()
    assert not complaints


def sign_in(page: Page, who: str) -> None:
    """Sign in at the sign-in page."""
    page.goto("/sign-in/")
    page.get_by_label("User name").fill(who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).not_to_have_url(re.compile("sign-in"))


def axe(page: Page) -> None:
    """Assert that axe finds no violation on the page as it is; keep a picture where CHARTROOM_SHOTS names a
    folder.
    """
    keep_shot(page)
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"


def keep_shot(page: Page) -> None:
    """A picture of the page, only where CHARTROOM_SHOTS names a folder."""
    folder = os.environ.get("CHARTROOM_SHOTS")
    if folder:
        name = re.sub(r"[^a-z0-9]+", "-", page.title().lower()).strip("-")
        width = (page.viewport_size or {}).get("width", 0)
        page.screenshot(path=Path(folder) / f"{name}-{width}.png")
