"""What somebody had typed when her screen went blank: hers alone, sealed, for some hours, and given back once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Draft, User
from accounts.tasks import forget_drafts
from tests.factories import PASSWORD
from tests.support import events

Browse = Callable[[User], Client]
WORDS = "a long word about Zorblaxia"
FORMS = [{"action": "", "fields": [["reason", WORDS], ["everything", "1", True]]}]


def _keep(client: Client, path: str = "/release/new/?patient=7", forms: Any = FORMS) -> Any:
    return client.post(
        "/drafts/", json.dumps({"path": path, "forms": forms}), content_type="application/json"
    )


def _sign_in(client: Client, user: User, **more: str) -> Any:
    body = urlencode({"username": user.username, "password": PASSWORD, **more})
    return client.post("/sign-in/", body, content_type="application/x-www-form-urlencoded")


def test_it_is_kept_sealed_and_offered_after_signing_in_again(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    assert _keep(client, "/account/?tab=2").status_code == 204
    draft = Draft.objects.get()
    assert "Zorblaxia" not in draft.sealed
    assert not any("Zorblaxia" in str(event.detail) for event in events("draft.kept"))
    client.post("/sign-out/", {"reason": "idle"})
    _sign_in(client, clerk, next="/account/?tab=2")
    assert "What you had typed here is kept" in client.get("/account/?tab=2").content.decode()
    assert "What you had typed here is kept" not in client.get("/account/").content.decode()
    answer = client.post(f"/drafts/{draft.pk}/take/")
    assert answer.json()["forms"] == FORMS
    assert answer["Cache-Control"] == "private, no-store"
    assert client.post(f"/drafts/{draft.pk}/take/").status_code == 404
    assert "What you had typed" not in client.get("/account/?tab=2").content.decode()
    assert not Draft.objects.exists()


def test_nobody_else_gets_it(clerk: User, supervisor: User, browse: Browse) -> None:
    _keep(browse(clerk), "/account/")
    draft = Draft.objects.get()
    other = browse(supervisor)
    assert other.post(f"/drafts/{draft.pk}/take/").status_code == 404
    assert other.post(f"/drafts/{draft.pk}/discard/").status_code == 404
    assert Draft.objects.exists()
    stranger = Client()
    assert stranger.post(f"/drafts/{draft.pk}/take/").status_code == 302
    _sign_in(other, supervisor)
    assert "What you had typed" not in other.get("/account/").content.decode()


def test_a_row_moved_to_somebody_else_does_not_open(clerk: User, supervisor: User, browse: Browse) -> None:
    """The seal is bound to person and page: whoever writes the database gives nobody another's words."""
    _keep(browse(clerk))
    Draft.objects.update(user=supervisor)
    assert browse(supervisor).post(f"/drafts/{Draft.objects.get().pk}/take/").status_code == 404


def test_after_some_hours_it_is_gone(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    _keep(client, "/account/")
    draft = Draft.objects.get()
    with time_machine.travel(timezone.now() + timedelta(hours=settings.DRAFT_HOURS, minutes=1)):
        later = Client()
        _sign_in(later, clerk)
        assert "What you had typed" not in later.get("/account/").content.decode()
        assert later.post(f"/drafts/{draft.pk}/take/").status_code == 404
        assert forget_drafts() == 1
    assert not Draft.objects.exists()


def test_the_last_words_for_a_page_count(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    _keep(client)
    _keep(client, forms=[])
    assert Draft.objects.count() == 1


def test_forgetting_it_leads_back_to_the_page(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    _keep(client, "/account/")
    answer = client.post(f"/drafts/{Draft.objects.get().pk}/discard/", {"next": "/account/"})
    assert answer["Location"] == "/account/"
    assert not Draft.objects.exists()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"path": "/x"}', b'{"path": "/x", "forms": 7}', b"\xff", b'{"forms": []}', b"null"],
)
def test_what_is_no_draft_is_refused(body: bytes, clerk: User, browse: Browse) -> None:
    assert browse(clerk).post("/drafts/", body, content_type="application/json").status_code == 400


@pytest.mark.parametrize(
    ("path", "words"), [("https://evil.example/", "x"), ("/" + "x" * 500, "x"), ("/x/", "x" * 200_001)]
)
def test_what_is_too_much_is_not_kept(path: str, words: str, clerk: User, browse: Browse) -> None:
    assert _keep(browse(clerk), path, [words]).status_code == 422
    assert not Draft.objects.exists()


def test_nobody_fills_the_house_with_drafts(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    answers = [_keep(client, f"/{number}/").status_code for number in range(22)]
    assert answers == [204] * 20 + [422] * 2
    assert _keep(client, "/3/").status_code == 204
