"""Every page, at the screen of every role: no violation that axe knows, and useful at 390 px."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.journeys.conftest import axe
from tests.journeys.furniture import Furnished
from tests.journeys.house import PEOPLE

Desk = Callable[..., Page]
WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 844}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def pages(furnished: Furnished) -> list[str]:
    """The addresses of the house, with somebody's chart in them."""
    patient, document, request = furnished.patient, furnished.document, furnished.request
    return [
        "/",
        "/patients/",
        "/patients/?q=mbeki",
        "/patients/register/",
        f"/patients/{patient}/",
        f"/patients/{patient}/demographics/",
        f"/patients/{patient}/edit/",
        f"/patients/{patient}/encounters/",
        f"/patients/{patient}/encounters/new/",
        f"/documents/{document}/",
        f"/documents/{document}/retract/",
        f"/documents/search/{patient}/?q=cholecystectomy",
        f"/documents/file/{patient}/",
        "/capture/",
        "/release/",
        "/release/new/",
        f"/release/new/?patient={patient}",
        f"/release/{request}/",
        f"/release/{request}/edit/",
        f"/release/chart/{patient}/",
        "/log/",
        f"/log/chart/{patient}/",
        "/log/proof/",
        "/log/watch/",
        "/log/watch/rules/",
        "/log/watch/decoys/",
        "/notices/",
        "/account/",
        "/users/",
        "/users/new/",
        "/system/",
        "/api/docs/",
    ]


def look_at(page: Page, addresses: list[str]) -> int:
    """Open each; check those that answer, and the first that refuses. How many answered."""
    answered, refused = 0, False
    for address in addresses:
        answer = page.goto(address)
        assert answer
        assert answer.status in {200, 403, 404}, (address, answer.status)
        if answer.status != 200:
            if refused:
                continue
            refused = True
        else:
            answered += 1
        axe(page)
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        assert page.evaluate(TOO_WIDE) <= 0, f"{address} scrolls sideways at 390 px"
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    return answered


@pytest.mark.parametrize("who", PEOPLE)
def test_every_page_of_a_role(desk: Desk, furnished: Furnished, who: str) -> None:
    assert look_at(desk(who), pages(furnished)) >= 4


def test_the_pages_before_anybody_has_signed_in(desk: Desk) -> None:
    page = desk("")
    assert look_at(page, ["/sign-in/", "/patients/"]) == 2
    assert "/sign-in/" in page.url


def test_the_dark_ones_too(desk: Desk, furnished: Furnished) -> None:
    page = desk("supervisor", color_scheme="dark")
    assert look_at(page, pages(furnished)) >= 10
