"""Browsers signed in: seen and ended by their owner and the administrator; how long they last; who is next."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import BrowserSession, User
from accounts.roles import Role
from common.notices.models import Notice
from tests.factories import PASSWORD, make_user
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "seven brown mountain goats"


def _post(client: Client, address: str, fields: Any) -> Any:
    return client.post(address, urlencode(fields), content_type="application/x-www-form-urlencoded")


def _sign_in(user: User, password: str = PASSWORD, **more: Any) -> Client:
    client = Client(HTTP_USER_AGENT=FIREFOX, REMOTE_ADDR="192.0.2.10")
    _post(client, "/sign-in/", {"username": user.username, "password": password, **more})
    return client


def _is_in(client: Client) -> bool:
    return bool(client.get("/account/").status_code == 200)


def test_one_sees_where_one_is_signed_in(clerk: User, supervisor: User) -> None:
    client = _sign_in(clerk)
    _sign_in(clerk)
    _sign_in(supervisor)
    page = client.get("/account/")
    assert len(page.context["sittings"]) == 2
    text = page.content.decode()
    assert "Firefox on Windows" in text
    assert "192.0.2.10" in text
    assert text.count("This one") == 1
    assert client.session.session_key not in text


@pytest.mark.parametrize("sessions", [1, 30])
def test_the_list_needs_few_queries_however_long(sessions: int, clerk: User) -> None:
    client = _sign_in(clerk)
    for _ in range(sessions - 1):
        _sign_in(clerk)
    with at_most_queries(8):
        assert len(client.get("/account/").context["sittings"]) == sessions


def test_one_ends_another_of_ones_own(clerk: User) -> None:
    here, there = _sign_in(clerk), _sign_in(clerk)
    number = BrowserSession.objects.get(session_key=there.session.session_key).number
    assert here.post(f"/account/sessions/{number}/end/")["Location"] == "/account/"
    assert not _is_in(there)
    assert _is_in(here)
    [ended] = events("user.session_ended", about=clerk)
    assert (ended.action, ended.detail["device"]) == ("sign-out", "Firefox on Windows")


def test_one_ends_all_others(clerk: User) -> None:
    here, *others = (_sign_in(clerk) for _ in range(3))
    here.post("/account/sessions/end-others/")
    assert _is_in(here)
    assert not any(_is_in(other) for other in others)


def test_nobody_ends_somebody_elses(clerk: User, supervisor: User) -> None:
    hers, mine = _sign_in(supervisor), _sign_in(clerk)
    number = BrowserSession.objects.get(session_key=hers.session.session_key).number
    assert mine.post(f"/account/sessions/{number}/end/").status_code == 404
    assert mine.post(f"/users/{supervisor.pk}/access/sessions/{number}/").status_code == 403
    assert mine.post(f"/users/{supervisor.pk}/access/sessions/").status_code == 403
    assert _is_in(hers)


def test_an_administrator_ends_one_or_all_and_the_person_is_told(administrator: User, clerk: User) -> None:
    first, second, third = (_sign_in(clerk) for _ in range(3))
    boss = _sign_in(administrator)
    number = BrowserSession.objects.get(session_key=first.session.session_key).number
    assert "Firefox on Windows" in boss.get(f"/users/{clerk.pk}/access/").content.decode()
    boss.post(f"/users/{clerk.pk}/access/sessions/{number}/")
    assert [_is_in(client) for client in (first, second, third)] == [False, True, True]
    assert Notice.objects.filter(recipient=clerk, kind="account.session").exists()
    boss.post(f"/users/{clerk.pk}/access/sessions/")
    assert not any(_is_in(client) for client in (second, third))
    assert {event.actor for event in events("user.session_ended", about=clerk)} == {administrator.username}


def test_a_session_ended_during_a_request_does_not_come_back(clerk: User) -> None:
    """Saving it would otherwise make the row anew."""
    from django.contrib.sessions.backends.base import UpdateError

    client = _sign_in(clerk)
    open_one = client.session
    assert "sitting" in open_one  # loaded, as at the beginning of a request
    BrowserSession.objects.all().delete()
    open_one["seen_at"] = 1
    with pytest.raises(UpdateError):
        open_one.save()
    assert not _is_in(client)


def test_a_session_ends_after_its_hours_however_busy(clerk: User) -> None:
    start = timezone.now()
    hours = settings.SESSION_HOURS
    with time_machine.travel(start, tick=False) as clock:
        client = _sign_in(clerk)
        for minutes in range(10, hours * 60, 10):
            clock.move_to(start + timedelta(minutes=minutes))
            assert client.post("/still-here/").status_code == 204
        clock.move_to(start + timedelta(hours=hours, seconds=1))
        assert not _is_in(client)
    [ended] = events("user.timed_out", about=clerk)
    assert ended.reason == "too long"


def test_a_new_password_ends_the_others_at_once(clerk: User) -> None:
    here, there = _sign_in(clerk), _sign_in(clerk)
    _post(here, "/account/password/", {"old": PASSWORD, "new": NEW})
    assert _is_in(here)
    assert BrowserSession.objects.filter(user=clerk).count() == 1
    assert not _is_in(there)
    assert Notice.objects.filter(recipient=clerk, kind="account.password").exists()


def test_the_same_password_is_no_new_one(clerk: User) -> None:
    answer = _post(_sign_in(clerk), "/account/password/", {"old": PASSWORD, "new": PASSWORD})
    assert answer.status_code == 422


def test_a_given_password_opens_nothing_but_its_change(
    administrator: User, clerk: User, browse: Browse
) -> None:
    hers = _sign_in(clerk)
    text, _ = services.issue_token(by=clerk, user=clerk)
    answer = browse(administrator).post(f"/users/{clerk.pk}/access/password/", {"password": NEW})
    assert answer.status_code == 302
    assert not _is_in(hers)
    bearer = {"Authorization": f"Bearer {text}"}
    assert Client().get("/api/v1/me/", headers=bearer).status_code == 401
    [given] = events("user.password_given", about=clerk)
    assert given.actor == administrator.username
    client = _sign_in(clerk, NEW)
    for address in ("/", "/account/", "/patients/", "/account/second-factor/"):
        assert client.get(address)["Location"] == "/account/password/"
    assert client.get("/api/v1/me/").json()["code"] == "password_change_required"
    refused = client.post(
        "/api/v1/tokens/", {"username": clerk.username, "password": NEW}, content_type="application/json"
    )
    assert refused.status_code == 403
    assert _post(client, "/account/password/", {"old": NEW, "new": NEW}).status_code == 422
    own = "eight white mountain goats"
    assert _post(client, "/account/password/", {"old": NEW, "new": own})["Location"] == "/"
    assert client.get("/").status_code == 200


def test_who_is_told_by_mail_where_mail_is_configured(
    clerk: User, settings: Any, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts import tasks

    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(tasks.mail, "delay", lambda *words: sent.append(words))
    clerk.email = "clerk@example.org"
    clerk.save()
    for host in ("", "mail.example.org"):
        settings.EMAIL_HOST = host
        with django_capture_on_commit_callbacks(execute=True):
            services.issue_token(by=clerk, user=clerk, label="feed")
    assert len(sent) == 1
    assert sent[0][0] == "clerk@example.org"


# -- A shared work station ---------------------------------------------------------------------------------------


def test_switching_signs_out_and_asks_who_is_next(clerk: User, supervisor: User) -> None:
    client = _sign_in(clerk)
    client.get("/account/?tab=2")
    answer = client.post("/switch-user/")
    assert answer["Location"] == "/sign-in/?switch=1"
    assert not _is_in(client)
    page = client.get(answer["Location"])
    assert "Who is next?" in page.content.decode()
    assert page.context["next"] == "/"
    fields = {"username": supervisor.username, "password": PASSWORD, "next": page.context["next"]}
    assert _post(client, "/sign-in/", fields)["Location"] == "/"
    assert client.get("/account/").context["user"] == supervisor
    assert events("user.signed_out", about=clerk)[0].reason == "switch"


def test_a_link_switches_nobody(clerk: User) -> None:
    client = _sign_in(clerk)
    assert client.get("/switch-user/").status_code == 405
    assert _is_in(client)


@pytest.mark.parametrize("who", ["herself", "somebody else"])
def test_after_the_idle_screen_only_its_owner_comes_back_to_the_page(who: str, clerk: User) -> None:
    other = make_user(Role.RECORDS_CLERK)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client = _sign_in(clerk)
        clock.shift(timedelta(minutes=settings.IDLE_MINUTES, seconds=1))
        sent = client.get("/account/?tab=2")["Location"]
        query = {name: values[0] for name, values in parse_qs(urlsplit(sent).query).items()}
        assert query["next"] == "/account/?tab=2"
        page = client.get(sent)
        fields = {name: page.context[name] for name in ("next", "of")}
        user = clerk if who == "herself" else other
        answer = _post(client, "/sign-in/", {"username": user.username, "password": PASSWORD, **fields})
    assert answer["Location"] == ("/account/?tab=2" if who == "herself" else "/")


def test_the_page_tells_its_script_whose_it_is(clerk: User, supervisor: User, browse: Browse) -> None:
    marks = set()
    for user in (clerk, supervisor):
        page = browse(user).get("/account/").content.decode()
        mark = page.split('data-whose="')[1].split('"')[0]
        assert len(mark) == 20
        assert user.username not in mark
        marks.add(mark)
    assert len(marks) == 2
