"""Signing in and out by page, and the idle screen (45 CFR 164.312(a)(2)(iii))."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.roles import Role
from tests.factories import PASSWORD, make_user
from tests.support import events


def sign_in(client, username, password=PASSWORD, **fields):
    """The form as a browser sends it: URL-encoded. Files, and so multipart, are for people signed in."""
    body = urlencode({"username": username, "password": password, **fields})
    return client.post("/sign-in/", body, content_type="application/x-www-form-urlencoded")


def test_the_right_password_signs_in_and_goes_back_to_where_one_was(clerk):
    client = Client()
    asked = client.get("/account/")
    assert asked.status_code == 302
    assert asked["Location"] == "/sign-in/?next=%2Faccount%2F"
    assert client.get(asked["Location"]).context["next"] == "/account/"
    answer = sign_in(client, clerk.username, next="/account/")
    assert (answer.status_code, answer["Location"]) == (302, "/account/")
    assert client.get("/account/").status_code == 200
    assert len(events("user.signed_in", about=clerk)) == 1


def test_a_user_name_is_known_whatever_its_case(clerk):
    client = Client()
    sign_in(client, clerk.username.upper())
    assert client.get("/account/").status_code == 200


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer_and_leave_an_event_each(clerk):
    texts = []
    for username in (clerk.username, "nobody-at-all"):
        answer = sign_in(Client(), username, "not this one")
        assert answer.status_code == 422
        texts.append(list(answer.context["form"].non_field_errors()))
        assert "not this one" not in answer.content.decode()
    assert texts[0] == texts[1] == ["The user name or the password is wrong. Check both and try again."]
    assert [event.actor for event in events("user.sign_in_failed")] == [clerk.username, "nobody-at-all"]


def test_somebody_deactivated_cannot_sign_in_and_is_not_told_why(clerk):
    clerk.is_active = False
    clerk.save()
    answer = sign_in(Client(), clerk.username)
    assert answer.status_code == 422
    assert "active" not in " ".join(answer.context["form"].non_field_errors()).lower()


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "",
        "/sign-in/",
        "/sign-out/",
    ],
)
def test_after_signing_in_one_never_lands_on_another_site_or_in_a_circle(clerk, address):
    assert sign_in(Client(), clerk.username, next=address)["Location"] == "/"


def test_whoever_is_signed_in_already_goes_straight_on(clerk, browse):
    answer = browse(clerk).get("/sign-in/?next=/account/")
    assert (answer.status_code, answer["Location"]) == (302, "/account/")


def test_the_session_has_a_new_key_after_signing_in(clerk):
    client = Client()
    client.get("/sign-in/")
    client.session["planted"] = 1
    client.session.save()
    before = client.session.session_key
    sign_in(client, clerk.username)
    assert client.session.session_key != before


def test_signing_out_needs_a_post_and_ends_the_session(clerk, browse):
    client = browse(clerk)
    assert client.get("/sign-out/").status_code == 200
    assert client.get("/account/").status_code == 200
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/account/").status_code == 302
    assert len(events("user.signed_out", about=clerk)) == 1


def test_a_page_that_ran_out_of_time_says_so_in_the_log_and_on_the_sign_in_page(clerk, browse):
    client = browse(clerk)
    client.post("/sign-out/", {"reason": "idle"})
    assert len(events("user.timed_out", about=clerk)) == 1
    assert not events("user.signed_out", about=clerk)
    assert "nobody used the screen" in Client().get("/sign-in/?next=/account/&idle=1").content.decode()


def test_the_server_keeps_its_own_clock_when_the_page_does_not(clerk, browse):
    client = browse(clerk)
    start = timezone.now()
    limit = timedelta(minutes=settings.IDLE_MINUTES)
    with time_machine.travel(start, tick=False) as clock:
        assert client.get("/account/").status_code == 200
        clock.move_to(start + limit - timedelta(seconds=1))
        assert client.post("/still-here/").status_code == 204
        clock.move_to(start + 2 * limit - timedelta(seconds=2))
        assert client.get("/account/").status_code == 200
        clock.move_to(start + 3 * limit)
        assert client.post("/still-here/").status_code == 302
        assert client.get("/account/").status_code == 302
    assert len(events("user.timed_out", about=clerk)) == 1


def test_what_a_page_asks_by_itself_does_not_keep_a_session_alive(clerk, browse):
    client = browse(clerk)
    start = timezone.now()
    limit = timedelta(minutes=settings.IDLE_MINUTES)
    with time_machine.travel(start, tick=False) as clock:
        client.get("/account/")
        clock.move_to(start + limit / 2)
        assert client.get("/counts/", headers={"X-Background": "1"}).status_code == 200
        clock.move_to(start + limit + timedelta(seconds=1))
        assert client.get("/account/").status_code == 302


def test_every_page_tells_the_browser_the_limit_and_where_to_go(clerk, browse):
    page = browse(clerk).get("/account/").content.decode()
    assert f'data-idle="{settings.IDLE_MINUTES * 60}"' in page
    assert 'data-sign-in="/sign-in/"' in page
    assert 'data-ping="/still-here/"' in page
    assert "data-idle=" not in Client().get("/sign-in/").content.decode()


def test_a_user_deactivated_while_signed_in_is_out_at_the_next_request(clerk, browse):
    client = browse(clerk)
    assert client.get("/account/").status_code == 200
    clerk.is_active = False
    clerk.save()
    assert client.get("/account/").status_code == 302


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
def test_every_role_has_a_frame_with_its_own_name_and_role(db, browse, role):
    user = make_user(role, name="Ada Example")
    page = browse(user).get("/account/").content.decode()
    assert "Ada Example" in page
    assert role.label in page


@pytest.mark.parametrize("is_demo", [True, False])
def test_only_the_demonstration_tells_its_accounts(db, settings, is_demo):
    settings.DEMO = is_demo
    page = Client().get("/sign-in/").content.decode()
    assert ("chartroom-demo" in page) is is_demo
    assert ("Demonstration" in page) is is_demo
