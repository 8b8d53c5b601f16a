"""Sessions: a fresh key at sign-in, an end at sign-out, idleness, and when the user is switched off."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import BrowserSession, User
from audit.models import Event
from tests.factories import PASSWORD
from tests.support import events

Browse = Callable[[User], Client]


def _sign_in(client: Client, user: User, **more: str) -> Any:
    body = urlencode({"username": user.username, "password": PASSWORD, **more})
    return client.post("/sign-in/", body, content_type="application/x-www-form-urlencoded")


def test_the_key_changes_at_sign_in(clerk: User, supervisor: User) -> None:
    """No fixation: a key planted before is worth nothing after."""
    client = Client()
    _sign_in(client, clerk)
    first = client.session.session_key
    _sign_in(client, supervisor)
    second = client.session.session_key
    assert first != second
    assert not BrowserSession.objects.filter(pk=first).exists()


def test_signing_out_ends_the_session_on_the_server(clerk: User) -> None:
    client = Client()
    _sign_in(client, clerk)
    stolen = client.cookies[settings.SESSION_COOKIE_NAME].value
    client.post("/sign-out/")
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = stolen
    assert thief.get("/").status_code == 302
    [signed_out] = events("user.signed_out", actor_id=clerk.pk)
    [signed_in] = events("user.signed_in", actor_id=clerk.pk)
    assert signed_out.outcome == signed_in.outcome == "success"


def test_the_log_tells_sessions_apart_and_opens_none(clerk: User) -> None:
    client = Client()
    _sign_in(client, clerk)
    client.get("/users/")  # refused, with an event of this session
    key = client.session.session_key
    [refused] = events("access.denied", actor_id=clerk.pk)
    assert refused.session
    assert refused.session not in str(key)
    assert not Event.objects.filter(session=key).exists()


def test_an_idle_session_ends_on_the_server(clerk: User, browse: Browse) -> None:
    """45 CFR 164.312(a)(2)(iii); 170.315(d)(5): whatever the browser's script does."""
    client = browse(clerk)
    client.get("/account/")
    with time_machine.travel(timezone.now() + timedelta(minutes=settings.IDLE_MINUTES, seconds=1)):
        answer = client.get("/account/")
    assert answer.status_code == 302
    assert parse_qs(urlsplit(answer["Location"]).query)["next"] == ["/account/"]
    [event] = events("user.timed_out", actor_id=clerk.pk)
    assert event.action == "sign-out"


def test_work_keeps_a_session_alive(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    start = timezone.now()
    for step in range(4):
        with time_machine.travel(start + step * timedelta(minutes=settings.IDLE_MINUTES - 1)):
            assert client.get("/account/").status_code == 200


def test_what_a_page_asks_by_itself_is_no_work(clerk: User, browse: Browse) -> None:
    """A progress line that polls all night keeps nobody signed in."""
    client = browse(clerk)
    start = timezone.now()
    client.get("/account/")
    statuses = []
    for step in range(1, 4):
        with time_machine.travel(start + step * timedelta(minutes=settings.IDLE_MINUTES / 2, seconds=1)):
            statuses.append(client.get("/counts/", headers={"X-Background": "1"}).status_code)
    assert statuses == [200, 302, 302]


def test_a_disabled_user_is_out_at_the_next_request(administrator: User, clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    assert client.get("/account/").status_code == 200
    services.stop_user(by=administrator, user_id=clerk.pk, reason="left")
    assert client.get("/account/").status_code == 302
    assert client.get("/api/v1/me/").status_code == 401


def test_a_role_taken_away_is_gone_at_the_next_request(
    administrator: User, compliance: User, browse: Browse
) -> None:
    client = browse(compliance)
    assert client.get("/log/").status_code == 200
    services.change_user(by=administrator, user_id=compliance.pk, name="C", email="", roles=["records_clerk"])
    assert client.get("/log/").status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "/%09/evil.example",
        "\t//evil.example",
        "///evil.example",
        "/sign-out/",
        "/sign-in/?next=//evil.example",
        "%00",
        "x" * 9000,
    ],
)
def test_after_signing_in_one_stays_here(target: str, clerk: User) -> None:
    """An open redirect would make our own page a lure."""
    answer = _sign_in(Client(), clerk, next=target)
    assert answer.status_code == 302
    place = urlsplit(answer["Location"])
    assert not place.scheme
    assert not place.netloc
    assert answer["Location"].startswith("/")
    assert not answer["Location"].startswith(("//", "/\\", "/sign-"))


def test_after_signing_in_one_is_where_one_was(clerk: User) -> None:
    client = Client()
    asked = client.get("/account/?tab=2")
    assert asked.status_code == 302
    wanted = parse_qs(urlsplit(asked["Location"]).query)["next"][0]
    assert _sign_in(client, clerk, next=wanted)["Location"] == "/account/?tab=2"


@pytest.mark.parametrize("flag", ["httponly", "samesite"])
def test_the_session_cookie_is_out_of_reach_of_scripts(flag: str, clerk: User) -> None:
    client = Client()
    _sign_in(client, clerk)
    assert client.cookies[settings.SESSION_COOKIE_NAME][flag]


def test_a_session_travels_in_its_cookie_only(clerk: User) -> None:
    client = Client()
    _sign_in(client, clerk)
    key = str(client.session.session_key)
    page = client.get("/account/")
    assert key not in page.content.decode()
    assert key not in str(page.headers)
    for name in (settings.SESSION_COOKIE_NAME, "sessionid", "session"):
        assert Client().get("/account/", {name: key}).status_code == 302
        posted = Client().post("/account/tokens/", {name: key, "label": "x"})
        assert posted["Location"].startswith("/sign-in/")


def test_the_table_of_django_s_own_sessions_is_gone(db: None) -> None:
    assert "django_session" not in connection.introspection.table_names()
