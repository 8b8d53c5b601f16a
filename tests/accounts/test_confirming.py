"""Sign in again: what matters asks once more, and nothing that was typed is lost."""

from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import throttling
from accounts.models import ApiToken, User
from accounts.sessions import CONFIRMED_AT
from tests.factories import PASSWORD
from tests.support import events

TOKENS = "/account/tokens/"


class _Form(HTMLParser):
    """The form that goes on: where to, and with which fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action, self.fields, self.inside = "", [], False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        given = dict(attributes)
        if tag == "form":
            self.inside = "data-resume" in given
            self.action = given["action"] if self.inside else self.action
        elif tag == "input" and self.inside:
            self.fields.append((given["name"], given["value"]))


def _send(client: Client, address: str, fields: Any, **more: Any) -> Any:
    return client.post(address, urlencode(fields), content_type="application/x-www-form-urlencoded", **more)


@pytest.fixture
def stale(clerk: User) -> Client:
    """Signed in a while ago."""
    client = Client()
    client.force_login(clerk)
    return client


def _confirm(client: Client, password: str = PASSWORD, after: str = "/account/") -> Any:
    return _send(client, "/confirm/", {"password": password, "next": after})


def test_signing_in_counts_as_confirmed_for_a_while(clerk: User) -> None:
    client = Client()
    _send(client, "/sign-in/", {"username": clerk.username, "password": PASSWORD})
    assert _send(client, TOKENS, {"label": "at once"}).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(seconds=settings.CONFIRM_SECONDS + 2)):
        answer = _send(
            client, TOKENS, {"label": "later"}, headers={"Referer": "http://testserver/account/?x=1"}
        )
    assert answer.status_code == 303
    assert answer["Location"] == "/confirm/?next=%2Faccount%2F%3Fx%3D1"
    assert [token.label for token in ApiToken.objects.all()] == ["at once"]


def test_a_clock_set_back_does_not_keep_it_confirmed(clerk: User, browse: Any) -> None:
    client = browse(clerk)
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        assert _send(client, TOKENS, {"label": "earlier"}).status_code == 303


def test_what_was_being_sent_goes_on_after_the_password(stale: Client, clerk: User) -> None:
    label = 'naïve <b>"quotes"</b> & line'
    asked = _send(stale, f"{TOKENS}?of=this", [("label", label), ("more", "1"), ("more", "2"), ("once", "k")])
    assert asked.status_code == 303
    assert "kept and goes on" in stale.get(asked["Location"]).content.decode()
    answer = _confirm(stale)
    assert answer.status_code == 200
    form = _Form(answer.content.decode())
    assert form.action == f"{TOKENS}?of=this"
    assert [field for field in form.fields if field[0] != "csrfmiddlewaretoken"] == [
        ("label", label), ("more", "1"), ("more", "2"), ("once", "k"),
    ]  # fmt: skip
    assert _send(stale, form.action, form.fields).status_code == 200
    assert ApiToken.objects.get().label == label
    assert events("user.confirmed", about=clerk)


def test_what_waits_is_sealed_and_goes_on_once(stale: Client) -> None:
    _send(stale, TOKENS, {"label": "a word about somebody"})
    assert "a word" not in str(dict(stale.session.items()))
    _confirm(stale)
    assert _confirm(stale).status_code == 302


def test_a_wrong_password_confirms_nothing_and_is_an_event(stale: Client, clerk: User) -> None:
    answer = _confirm(stale, "not this")
    assert answer.status_code == 422
    assert "That is not your password." in answer.content.decode()
    assert CONFIRMED_AT not in stale.session
    [failed] = events("user.sign_in_failed", actor=clerk.username)
    assert failed.outcome == "failed"


def test_guessing_there_is_throttled_like_signing_in(stale: Client) -> None:
    for _ in range(throttling.FAILURES):
        _confirm(stale, "not this")
    answer = _confirm(stale)
    assert answer.status_code == 429
    assert CONFIRMED_AT not in stale.session


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/confirm/"]
)
def test_after_it_one_stays_here(target: str, stale: Client) -> None:
    assert _confirm(stale, after=target)["Location"] == "/"


def test_a_part_of_a_page_makes_the_whole_page_ask(stale: Client) -> None:
    answer = _send(
        stale, TOKENS, {"label": "x"},
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/account/?tab=2"},
    )  # fmt: skip
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/confirm/?next=%2Faccount%2F%3Ftab%3D2"


def test_a_stranger_has_nothing_to_confirm(db: None) -> None:
    assert Client().get("/confirm/")["Location"] == "/sign-in/?next=%2Fconfirm%2F"


def test_another_person_at_the_same_browser_gets_nothing_that_waited(stale: Client, supervisor: User) -> None:
    _send(stale, TOKENS, {"label": "the clerk's"})
    _send(stale, "/sign-out/", {})
    _send(stale, "/sign-in/", {"username": supervisor.username, "password": PASSWORD})
    assert _confirm(stale).status_code == 302
    assert not ApiToken.objects.exists()


def test_more_than_a_session_may_hold_is_not_kept(stale: Client) -> None:
    _send(stale, TOKENS, {"label": "x" * 100_000})
    assert _confirm(stale).status_code == 302
