"""Single sign-on against a real provider process: it is believed only when everything is right."""

import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from accounts import services, single_sign_on
from accounts.models import Identity, User
from accounts.roles import Role
from common.errors import RuleBroken
from tests.accounts.oidc_provider import CLIENT, LIES, SECRET
from tests.accounts.oidc_running import Theirs, running_provider
from tests.factories import PASSWORD, make_user
from tests.support import events

CLERK, COMPLIANCE = Role.RECORDS_CLERK.value, Role.COMPLIANCE_OFFICER.value
CODES = {
    "issuer": "issuer",
    "audience": "audience",
    "two audiences": "audience",
    "nonce": "nonce",
    "no nonce": "nonce",
    "expired": "expired",
    "future": "expired",
    "alg none": "algorithm",
    "hs256": "algorithm",
    "wrong key": "signature",
    "unknown key": "signature",
    "no token": "token",
    "not json": "down",
    "other description": "issuer",
    "redirect": "down",
    "no subject": "token",
}


@pytest.fixture(scope="module")
def process() -> Iterator[Theirs]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def theirs(process: Theirs, settings: Any, db: None) -> Theirs:
    """The provider, telling the truth about somebody in the group `him`."""
    settings.SINGLE_SIGN_ON = {
        "issuer": process.issuer,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "name": "St. Example",
        "roles_claim": "groups",
        "roles": {"him": CLERK, "privacy": COMPLIANCE},
        "makes_users": True,
        "second_factors": ["mfa"],
    }
    single_sign_on._remembered.clear()
    process.tell(claims=_claims())
    return process


def _claims(**more: Any) -> dict[str, Any]:
    return {"preferred_username": "ada", "name": "Ada Example", "groups": ["him", "choir"], **more}


def _ask(client: Client, address: str = "/sign-in/sso/", **query: str) -> str:
    """To the provider; returns the address that it sends the browser back to."""
    answer = client.get(address, query)
    assert answer.status_code == 302, answer.content.decode()[-2000:]

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: Any, **kwargs: Any) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(answer["Location"], timeout=10)
    except urllib.error.HTTPError as redirected:
        return str(redirected.headers["Location"])
    raise AssertionError("The provider sends back.")


def _through(client: Client, **query: str) -> Any:
    back = urlsplit(_ask(client, **query))
    return client.get(f"{back.path}?{back.query}")


def _is_in(client: Client) -> bool:
    return bool(client.get("/account/").status_code == 200)


def test_the_first_time_makes_the_user_with_the_mapped_role(theirs: Theirs) -> None:
    client = Client()
    answer = _through(client, next="/account/?tab=2")
    assert answer["Location"] == "/account/?tab=2"
    user = client.get("/account/").context["user"]
    assert (user.username, user.name, user.role_names) == ("ada", "Ada Example", [CLERK])
    assert not user.has_usable_password()
    [created] = events("user.created", about=user)
    assert created.actor == "system:single-sign-on"
    [signed_in] = events("user.signed_in", about=user)
    assert signed_in.detail["means"] == ["single sign-on"]


def test_roles_follow_the_claims_at_each_sign_in(theirs: Theirs) -> None:
    _through(Client())
    theirs.tell(claims=_claims(groups=["privacy"]))
    client = Client()
    _through(client)
    user = User.objects.get(username="ada")
    assert user.role_names == [COMPLIANCE]
    [changed] = events("user.changed", about=user)
    assert changed.action == "privilege-change"
    assert (changed.detail["roles_before"], changed.detail["roles_after"]) == ([CLERK], [COMPLIANCE])
    _through(Client())
    assert len(events("user.changed", about=user)) == 1


@pytest.mark.parametrize("groups", [[], ["choir"], None, {"him": 1}, 7, ["HIM"], [["him"]]])
def test_without_a_mapped_role_nobody_gets_in(groups: Any, theirs: Theirs) -> None:
    theirs.tell(claims=_claims(groups=groups))
    client = Client()
    answer = _through(client)
    assert answer.status_code == 403
    assert "no role" in answer.content.decode()
    assert not _is_in(client)
    assert not User.objects.filter(username="ada").exists()


def test_losing_every_role_there_keeps_one_out_here(theirs: Theirs) -> None:
    _through(Client())
    theirs.tell(claims=_claims(groups=[]))
    client = Client()
    assert _through(client).status_code == 403
    assert not _is_in(client)


@pytest.mark.parametrize("lie", LIES)
def test_every_lie_is_refused_with_a_page_and_an_event(lie: str, theirs: Theirs) -> None:
    theirs.tell(claims=_claims(), lie=lie)
    single_sign_on._remembered.clear()
    client = Client()
    if lie == "other description":
        answer = client.get("/sign-in/sso/")
    else:
        answer = _through(client)
    assert answer.status_code == (503 if CODES[lie] == "down" else 403)
    assert "Not signed in" in answer.content.decode()
    assert not _is_in(client)
    assert not User.objects.filter(username="ada").exists()
    [failed] = events("user.sign_in_failed")
    assert (failed.action, failed.outcome) == ("sign-in-failed", "failed")
    assert failed.reason == f"single sign-on: {CODES[lie]}"


def test_every_lie_is_tried() -> None:
    assert set(CODES) == set(LIES)


@pytest.mark.parametrize("when", ["asking", "answering"])
def test_a_provider_that_is_down_is_said(when: str, theirs: Theirs, settings: Any) -> None:
    client = Client()
    gone = "http://127.0.0.1:9"
    if when == "asking":
        settings.SINGLE_SIGN_ON = {**settings.SINGLE_SIGN_ON, "issuer": gone}
        answer = client.get("/sign-in/sso/")
    else:
        back = urlsplit(_ask(client))
        found = single_sign_on._remembered[f"{theirs.issuer}/.well-known/openid-configuration"][1]
        found["token_endpoint"] = f"{gone}/token"
        answer = client.get(f"{back.path}?{back.query}")
    assert answer.status_code == 503
    assert "does not answer" in answer.content.decode()
    assert not _is_in(client)
    assert events("user.sign_in_failed")[0].reason == "single sign-on: down"
    assert client.get("/sign-in/").status_code == 200


def test_an_answer_is_taken_once_and_only_by_the_browser_that_asked(theirs: Theirs) -> None:
    client, other = Client(), Client()
    back = urlsplit(_ask(client))
    address = f"{back.path}?{back.query}"
    assert other.get(address).status_code == 403
    _ask(other)
    assert other.get(address).status_code == 403
    assert not _is_in(other)
    assert client.get(address).status_code == 302
    client.post("/sign-out/")
    assert client.get(address).status_code == 403
    assert not _is_in(client)


def test_a_code_of_another_question_is_refused(theirs: Theirs) -> None:
    """Somebody's own code, slipped into another's answer: PKCE and the nonce tie it to the browser that asked."""
    client, thief = Client(), Client()
    mine, his = (parse_qs(urlsplit(_ask(each)).query) for each in (client, thief))
    answer = client.get("/sign-in/sso/back/", {"state": mine["state"][0], "code": his["code"][0]})
    assert answer.status_code == 503
    assert not _is_in(client)


def test_saying_no_there_is_no_fault(theirs: Theirs) -> None:
    theirs.tell(refuses=True)
    answer = _through(Client())
    assert answer.status_code == 403
    assert "did not let you in" in answer.content.decode()


@pytest.mark.parametrize("query", ["", "state=", "state=x&code=y", "code=y", "error=x", "state=%00"])
def test_an_answer_to_nothing_is_refused(query: str, theirs: Theirs) -> None:
    assert Client().get(f"/sign-in/sso/back/?{query}").status_code == 403


def test_another_issuer_in_the_answer_is_refused(theirs: Theirs) -> None:
    """RFC 9207."""
    client = Client()
    back = urlsplit(_ask(client))
    assert client.get(f"{back.path}?{back.query}&iss=https://evil.example").status_code == 403


# -- Whose account -----------------------------------------------------------------------------------------------


def test_nobody_is_connected_by_name_or_mail(theirs: Theirs) -> None:
    victim = make_user(Role.ADMINISTRATOR, username="Ada", email="ada@example.org")
    theirs.tell(claims=_claims(email="ada@example.org", email_verified=True))
    client = Client()
    answer = _through(client)
    assert answer.status_code == 403
    assert "an account of your user name already" in answer.content.decode()
    assert not _is_in(client)
    assert not Identity.objects.filter(user=victim).exists()
    assert User.objects.get(pk=victim.pk).role_names == ["administrator"]


@pytest.mark.parametrize("username", ["", "a b", "x/../y", "system:worker", None])
def test_a_name_that_is_none_makes_nobody(username: Any, theirs: Theirs) -> None:
    theirs.tell(claims=_claims(preferred_username=username))
    before = User.objects.people().count()
    assert _through(Client()).status_code == 403
    assert User.objects.people().count() == before


def test_where_the_rule_makes_nobody_a_stranger_stays_out(theirs: Theirs, settings: Any) -> None:
    settings.SINGLE_SIGN_ON = {**settings.SINGLE_SIGN_ON, "makes_users": False}
    assert _through(Client()).status_code == 403


def test_somebody_switched_off_here_stays_out(theirs: Theirs) -> None:
    _through(Client())
    ada = User.objects.get(username="ada")
    ada.is_active = False
    ada.save()
    client = Client()
    assert _through(client).status_code == 403
    assert not _is_in(client)


def _connect(client: Client) -> Any:
    back = urlsplit(_ask(client, "/account/sso/"))
    return client.get(f"{back.path}?{back.query}")


def test_one_connects_ones_own_account_with_a_yes(theirs: Theirs, clerk: User, browse: Any) -> None:
    client = browse(clerk)
    page = _connect(client)
    assert "ada" in page.content.decode()
    assert not Identity.objects.exists()
    assert client.post("/account/sso/connected/")["Location"] == "/account/"
    assert events("identity.connected", about=clerk)
    later = Client()
    _through(later)
    assert later.get("/account/").context["user"] == clerk
    assert client.post("/account/sso/connected/").status_code == 404


def test_a_subject_is_one_person(theirs: Theirs, clerk: User, supervisor: User) -> None:
    services.connect_identity(by=clerk, issuer=theirs.issuer, subject="s-1")
    with pytest.raises(RuleBroken):
        services.connect_identity(by=supervisor, issuer=theirs.issuer, subject="s-1")
    with pytest.raises(RuleBroken):
        services.connect_identity(by=clerk, issuer=theirs.issuer, subject="s-2")


def test_whoever_has_no_password_cannot_disconnect(theirs: Theirs, clerk: User, browse: Any) -> None:
    _through(Client())
    ada = User.objects.get(username="ada")
    browse(ada).post("/account/sso/disconnect/")
    assert Identity.objects.filter(user=ada).exists()
    services.connect_identity(by=clerk, issuer=theirs.issuer, subject="s-9")
    browse(clerk).post("/account/sso/disconnect/")
    assert not Identity.objects.filter(user=clerk).exists()
    assert events("identity.disconnected", about=clerk)


# -- Second factor, confirmation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amr", "is_enough"), [(["pwd", "mfa"], True), (["pwd"], False), ("mfa", False), (None, False)]
)
def test_a_second_factor_there_counts_where_the_hospital_says_so(
    amr: Any, is_enough: bool, theirs: Theirs, settings: Any
) -> None:
    settings.SECOND_FACTOR_ROLES = [CLERK]
    theirs.tell(claims=_claims(amr=amr))
    client = Client()
    _through(client)
    answer = client.get("/account/")
    assert (answer.status_code == 200) is is_enough
    if not is_enough:
        assert answer["Location"] == "/account/second-factor/"


def test_a_token_made_in_a_session_vouched_for_works_without_a_factor_here(
    theirs: Theirs, settings: Any
) -> None:
    settings.SECOND_FACTOR_ROLES = [CLERK]
    theirs.tell(claims=_claims(amr=["mfa"]))
    client = Client()
    _through(client)
    form = urlencode({"label": "feed", "days": "1"})
    page = client.post("/account/tokens/", form, content_type="application/x-www-form-urlencoded")
    bearer = {"Authorization": f"Bearer {page.context['new_token']}"}
    assert Client().get("/api/v1/me/", headers=bearer).status_code == 200
    ada = User.objects.get(username="ada")
    plain, _ = services.issue_token(by=ada, user=ada)
    refused = Client().get("/api/v1/me/", headers={"Authorization": f"Bearer {plain}"})
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")


def test_who_has_no_password_confirms_through_single_sign_on(theirs: Theirs, browse: Any) -> None:
    _through(Client())
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    asked = client.post(
        "/account/tokens/", urlencode({"label": "kept"}), content_type="application/x-www-form-urlencoded"
    )
    assert "/sign-in/sso/" in client.get(asked["Location"]).content.decode()
    answer = _through(client, next="/account/")
    assert "data-resume" in answer.content.decode()
    assert "kept" in answer.content.decode()
    assert events("user.confirmed")


@pytest.mark.parametrize("change", ["another person", "long ago"])
def test_a_confirmation_must_be_hers_and_fresh(change: str, theirs: Theirs) -> None:
    _through(Client())
    client = Client()
    client.force_login(User.objects.get(username="ada"))
    more = {"sub": "s-2"} if change == "another person" else {"claims": _claims(auth_time=1)}
    theirs.tell(**{"claims": _claims(), **more})
    assert _through(client).status_code == 403
    assert not events("user.confirmed")


# -- Settings ----------------------------------------------------------------------------------------------------


def test_without_a_provider_there_is_no_such_page(db: None) -> None:
    assert Client().get("/sign-in/sso/").status_code == 404
    assert "sso" not in Client().get("/sign-in/").content.decode()


@pytest.mark.parametrize(
    "given",
    [
        {"issuer": "http://idp.example", "client_id": "x"},
        {"issuer": "https://idp.example"},
        {"issuer": "https://idp.example", "client_id": "x", "colour": "blue"},
        {"issuer": "https://idp.example", "client_id": "x", "roles": {"a": "b"}},
        {"issuer": "https://idp.example", "client_id": "x", "makes_users": True},
    ],
)
def test_a_description_that_cannot_be_right_is_refused(given: dict[str, Any], settings: Any) -> None:
    settings.SINGLE_SIGN_ON = given
    with pytest.raises(ImproperlyConfigured):
        single_sign_on.provider()


def test_the_secret_is_not_in_what_a_fault_would_print(theirs: Theirs) -> None:
    assert SECRET not in repr(single_sign_on.provider())
    assert PASSWORD not in repr(single_sign_on.provider())
