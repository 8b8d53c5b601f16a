"""My account: password and API tokens."""

import re

from django.test import Client

from accounts.models import ApiToken, User
from tests.factories import PASSWORD
from tests.support import events


def token_on(answer):
    return re.search(r"data-new-token>(cr_[\w-]+)<", answer.content.decode()).group(1)


def test_a_token_is_shown_once_and_works(clerk, browse):
    client = browse(clerk)
    text = token_on(client.post("/account/tokens/", {"label": "lab feed"}))
    assert text not in client.get("/account/").content.decode()
    me = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {text}"})
    assert me.json()["username"] == clerk.username
    assert text not in str(list(ApiToken.objects.values()))


def test_a_revoked_token_is_refused_at_once(clerk, browse):
    client = browse(clerk)
    text = token_on(client.post("/account/tokens/", {"label": "lab feed"}))
    token = ApiToken.objects.get(user=clerk)
    assert client.post(f"/account/tokens/{token.pk}/revoke/")["Location"] == "/account/"
    assert Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {text}"}).status_code == 401
    assert len(events("token.revoked", about=token)) == 1
    assert "lab feed" not in client.get("/account/").content.decode()


def test_nobody_sees_or_ends_somebody_elses_token(clerk, clinician, browse):
    browse(clerk).post("/account/tokens/", {"label": "lab feed"})
    token = ApiToken.objects.get(user=clerk)
    other = browse(clinician)
    assert "lab feed" not in other.get("/account/").content.decode()
    assert other.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    token.refresh_from_db()
    assert token.is_usable


def test_a_token_needs_a_word_on_what_it_is_for(clerk, browse):
    answer = browse(clerk).post("/account/tokens/", {"label": ""})
    assert answer.status_code == 422
    assert 'href="#id_label"' in answer.content.decode()
    assert not ApiToken.objects.filter(user=clerk).exists()


def test_a_new_password_keeps_this_session_and_ends_the_others(clerk, browse):
    here, there = browse(clerk), browse(clerk)
    answer = here.post("/account/password/", {"old": PASSWORD, "new": "seven brown mountain goats"})
    assert answer["Location"] == "/account/"
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert User.objects.get(pk=clerk.pk).check_password("seven brown mountain goats")
    assert len(events("user.password_changed", about=clerk)) == 1


def test_the_present_password_is_asked_for_and_a_weak_new_one_refused(clerk, browse):
    client = browse(clerk)
    wrong = client.post("/account/password/", {"old": "not mine", "new": "seven brown mountain goats"})
    assert wrong.context["form"].errors["old"] == ["That is not your present password."]
    weak = client.post("/account/password/", {"old": PASSWORD, "new": "short"})
    assert (wrong.status_code, weak.status_code) == (422, 422)
    assert User.objects.get(pk=clerk.pk).check_password(PASSWORD)
