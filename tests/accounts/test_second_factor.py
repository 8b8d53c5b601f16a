"""Second factors: adding them, signing in with them, and what must not work (NIST SP 800-63B 5.1, 5.2)."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import authenticators, services, throttling
from accounts.models import User
from accounts.roles import Role
from common.errors import RuleBroken
from common.notices.models import Notice
from tests.accounts.softkey import SoftKey, code_of
from tests.factories import PASSWORD, make_user
from tests.support import events

Browse = Callable[[User], Client]
APP, KEY, CODES = "/account/second-factor/app/", "/account/second-factor/key/", "/account/recovery-codes/"


def _send(client: Client, address: str, fields: Any, **more: Any) -> Any:
    """A form as a browser sends it; by https, as security keys want it."""
    return client.post(address, urlencode(fields), content_type="application/x-www-form-urlencoded", **more)


def _secret_on(page: Any) -> str:
    return str(page.context["secret"]).replace(" ", "")


@pytest.fixture
def secret(clerk: User) -> str:
    """The clerk has an authenticator app with this secret; the code that activated it is a minute old."""
    text = authenticators.new_secret()
    with time_machine.travel(timezone.now() - timedelta(minutes=1), tick=False):
        services.add_app(by=clerk, secret=text, code=code_of(text))
    return text


def _password(client: Client, user: User, **more: Any) -> Any:
    return _send(client, "/sign-in/", {"username": user.username, "password": PASSWORD, **more})


def _is_in(client: Client) -> bool:
    return bool(client.get("/account/").status_code == 200)


def _token(user: User, **more: Any) -> Any:
    body = {"username": user.username, "password": PASSWORD, **more}
    return APIClient().post("/api/v1/tokens/", body, format="json")


# -- Adding ------------------------------------------------------------------------------------------------------


def test_an_app_is_added_by_the_code_it_shows_and_recovery_codes_are_shown_once(
    clerk: User, browse: Browse
) -> None:
    client = browse(clerk)
    page = client.get(APP)
    assert "<svg" in page.content.decode()
    assert _secret_on(client.get(APP)) == _secret_on(page)
    answer = _send(client, APP, {"code": code_of(_secret_on(page))})
    codes = answer.context["codes"]
    assert len(codes) == 10
    assert all(code in answer.content.decode() for code in codes)
    assert not any(code in client.get("/account/second-factor/").content.decode() for code in codes)
    [added] = events("second_factor.added", about=clerk)
    assert added.action == "privilege-change"
    assert added.detail["kind"] == "totp"
    assert Notice.objects.filter(recipient=clerk, kind="account.second_factor").exists()


def test_a_wrong_first_code_adds_nothing_and_hints_at_the_clock(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    secret = _secret_on(client.get(APP))
    answer = _send(client, APP, {"code": code_of(secret, steps=20)})
    assert answer.status_code == 422
    assert "clock" in answer.content.decode()
    assert _secret_on(answer) == secret
    assert not Authenticator.objects.filter(user=clerk).exists()


def test_secrets_lie_sealed_in_the_database_and_in_the_session(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    secret = _secret_on(client.get(APP))
    assert secret not in json.dumps(dict(client.session.items()))
    codes = _send(client, APP, {"code": code_of(secret)}).context["codes"]
    kept = json.dumps(list(Authenticator.objects.filter(user=clerk).values_list("data", flat=True)))
    assert secret not in kept
    assert not any(code.replace(" ", "") in kept for code in codes)
    written = json.dumps([event.detail for event in events("second_factor.added")])
    assert secret not in written


def test_adding_asks_to_confirm_first(clerk: User) -> None:
    client = Client()
    client.force_login(clerk)
    for address in (APP, KEY):
        assert client.get(address)["Location"].startswith("/confirm/")


def test_there_is_one_app(clerk: User, secret: str) -> None:
    other = authenticators.new_secret()
    with pytest.raises(RuleBroken) as refused:
        services.add_app(by=clerk, secret=other, code=code_of(other))
    assert refused.value.code == "one_app"


# -- Signing in with a code --------------------------------------------------------------------------------------


def test_the_password_alone_opens_nothing(clerk: User, secret: str) -> None:
    client = Client()
    answer = _password(client, clerk, next="/account/?tab=2")
    assert answer["Location"] == "/sign-in/code/"
    assert not _is_in(client)
    assert not events("user.signed_in", about=clerk)
    answer = _send(client, "/sign-in/code/", {"code": code_of(secret)})
    assert answer["Location"] == "/account/?tab=2"
    assert _is_in(client)
    [signed_in] = events("user.signed_in", about=clerk)
    assert signed_in.detail["means"] == ["password", "totp"]


def test_the_session_of_the_wait_is_not_the_one_before_nor_the_one_after(clerk: User, secret: str) -> None:
    """Session fixation: a key planted before the password, or seen during the wait, opens nothing."""
    client = Client()
    client.get("/sign-in/")
    planted = client.session
    planted["planted"] = True
    planted.save()
    client.cookies["chartroom_session"] = planted.session_key
    _password(client, clerk)
    waiting = client.session.session_key
    assert waiting != planted.session_key
    assert "planted" not in client.session
    _send(client, "/sign-in/code/", {"code": code_of(secret)})
    assert client.session.session_key != waiting
    thief = Client()
    thief.cookies["chartroom_session"] = waiting
    assert not _is_in(thief)


def test_the_second_step_without_the_first_leads_to_the_first(clerk: User, secret: str) -> None:
    assert Client().get("/sign-in/code/")["Location"] == "/sign-in/"
    assert _send(Client(), "/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"


def test_a_code_is_good_once(clerk: User, secret: str) -> None:
    first, second = Client(), Client()
    code = code_of(secret)
    for client in (first, second):
        _password(client, clerk)
    assert _send(first, "/sign-in/code/", {"code": code}).status_code == 302
    answer = _send(second, "/sign-in/code/", {"code": code})
    assert answer.status_code == 422
    assert "used already" in answer.content.decode()
    assert not _is_in(second)


def test_the_code_that_activated_the_app_does_not_sign_in(clerk: User, browse: Browse) -> None:
    """django-allauth takes it once more: its memory of used codes begins at the first sign-in."""
    with time_machine.travel(timezone.now(), tick=False):
        client = browse(clerk)
        secret = _secret_on(client.get(APP))
        code = code_of(secret)
        _send(client, APP, {"code": code})
        later = Client()
        _password(later, clerk)
        assert _send(later, "/sign-in/code/", {"code": code}).status_code == 422
        assert _send(later, "/sign-in/code/", {"code": code_of(secret, steps=1)}).status_code == 302


def test_an_older_code_than_the_last_one_is_refused(clerk: User, secret: str) -> None:
    """Somebody who saw the code before this one over her shoulder comes too late."""
    client, other = Client(), Client()
    _password(client, clerk)
    _send(client, "/sign-in/code/", {"code": code_of(secret)})
    _password(other, clerk)
    assert _send(other, "/sign-in/code/", {"code": code_of(secret, steps=-1)}).status_code == 422


@pytest.mark.parametrize(("steps", "is_taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_half_a_minute_off_is_forgiven(steps: int, is_taken: bool, clerk: User, secret: str) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=5), tick=False):
        client = Client()
        _password(client, clerk)
        answer = _send(client, "/sign-in/code/", {"code": code_of(secret, steps=steps)})
        assert (answer.status_code == 302) is is_taken


@pytest.mark.parametrize("steps", [-20, 20])
def test_a_clock_ten_minutes_off_is_refused_with_a_hint(steps: int, clerk: User, secret: str) -> None:
    client = Client()
    _password(client, clerk)
    answer = _send(client, "/sign-in/code/", {"code": code_of(secret, steps=steps)})
    assert answer.status_code == 422
    assert "the clock of the phone is wrong" in answer.content.decode()
    [failed] = events("user.sign_in_failed", actor=clerk.username)
    assert (failed.outcome, failed.reason) == ("failed", "second factor")


@pytest.mark.parametrize("shown", ["{0} {1}", " {0}-{1} ", "{0}{1}\t"])
def test_a_code_may_be_typed_as_it_is_shown(shown: str, clerk: User, secret: str) -> None:
    client = Client()
    _password(client, clerk)
    code = code_of(secret)
    assert _send(client, "/sign-in/code/", {"code": shown.format(code[:3], code[3:])}).status_code == 302


@pytest.mark.parametrize("code", ["", "abc", "000", "１２３４５６", "\0" * 6, "9" * 21])
def test_what_is_no_code_is_refused(code: str, clerk: User, secret: str) -> None:
    client = Client()
    _password(client, clerk)
    assert _send(client, "/sign-in/code/", {"code": code}).status_code == 422
    assert not _is_in(client)


def test_the_wait_ends(clerk: User, secret: str) -> None:
    client = Client()
    _password(client, clerk)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert _send(client, "/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"


@pytest.mark.parametrize("what", ["switched off", "another password"])
def test_what_happens_during_the_wait_counts(
    what: str, clerk: User, administrator: User, secret: str
) -> None:
    client = Client()
    _password(client, clerk)
    if what == "switched off":
        services.stop_user(by=administrator, user_id=clerk.pk, reason="left")
    else:
        services.give_password(by=administrator, user_id=clerk.pk, password="seven brown mountain goats")
    assert _send(client, "/sign-in/code/", {"code": code_of(secret)})["Location"] == "/sign-in/"
    assert not _is_in(client)


def test_guessing_codes_ends_soon_and_its_owner_is_told(clerk: User, secret: str) -> None:
    client = Client()
    _password(client, clerk)
    for _ in range(throttling.FAILURES):
        assert _send(client, "/sign-in/code/", {"code": "000000"}).status_code == 422
    answer = _send(client, "/sign-in/code/", {"code": code_of(secret)})
    assert answer.status_code == 429
    assert not _is_in(client)
    assert Notice.objects.filter(recipient=clerk, kind="account.code_refused").exists()


def test_guessing_codes_from_many_places_ends_too(
    clerk: User, administrator: User, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttling, "CODES", 6)
    for number in range(6):
        client = Client(REMOTE_ADDR=f"203.0.113.{number}")
        _password(client, clerk)
        assert _send(client, "/sign-in/code/", {"code": "000000"}).status_code == 422
    elsewhere = Client(REMOTE_ADDR="203.0.113.99")
    _password(elsewhere, clerk)
    assert _send(elsewhere, "/sign-in/code/", {"code": code_of(secret)}).status_code == 429
    services.give_password(by=administrator, user_id=clerk.pk, password=PASSWORD + "!")
    again = Client(REMOTE_ADDR="203.0.113.98")
    _send(again, "/sign-in/", {"username": clerk.username, "password": PASSWORD + "!"})
    assert _send(again, "/sign-in/code/", {"code": code_of(secret)}).status_code == 302


def test_two_people_at_one_browser_do_not_share_a_wait(clerk: User, supervisor: User, secret: str) -> None:
    client = Client()
    _password(client, clerk)
    _password(client, supervisor)
    assert client.get("/account/").context["user"] == supervisor
    assert client.get("/sign-in/code/")["Location"] == "/sign-in/"


# -- Recovery codes ----------------------------------------------------------------------------------------------


def _recovery_codes(user: User) -> list[str]:
    return services.make_recovery_codes(by=user)


def test_a_recovery_code_signs_in_once_and_is_noted(clerk: User, secret: str) -> None:
    code = _recovery_codes(clerk)[3]
    for is_first in (True, False):
        client = Client()
        _password(client, clerk)
        answer = _send(client, "/sign-in/code/", {"code": f"{code[:4]} {code[4:]}"})
        assert (answer.status_code == 302) is is_first
    [used] = events("recovery_codes.used", about=clerk)
    assert used.detail["left"] == 9


def test_new_recovery_codes_void_the_old(clerk: User, secret: str) -> None:
    old, new = _recovery_codes(clerk), _recovery_codes(clerk)
    assert not set(old) & set(new)
    client = Client()
    _password(client, clerk)
    assert _send(client, "/sign-in/code/", {"code": old[0]}).status_code == 422
    assert _send(client, "/sign-in/code/", {"code": new[0]}).status_code == 302


def test_without_a_second_factor_there_is_nothing_to_recover(clerk: User) -> None:
    with pytest.raises(RuleBroken):
        _recovery_codes(clerk)


# -- Security keys -----------------------------------------------------------------------------------------------


def _https(user: User, browse: Browse) -> Client:
    client = browse(user)
    client.defaults["wsgi.url_scheme"] = "https"
    return client


def _options(page: Any) -> str:
    return str(page.context["key_options"])


def _add_key(client: Client, key: SoftKey, **more: Any) -> Any:
    credential = key.create(_options(client.get(KEY)), **more)
    return _send(client, KEY, {"name": "Yellow key", "credential": json.dumps(credential)})


def _wait(user: User) -> Client:
    client = Client()
    client.defaults["wsgi.url_scheme"] = "https"
    _password(client, user)
    return client


def _answer(client: Client, key: SoftKey, **more: Any) -> Any:
    credential = key.get(_options(client.get("/sign-in/code/")), **more)
    return _send(client, "/sign-in/code/", {"credential": json.dumps(credential)})


def test_a_key_is_added_and_signs_in(clerk: User, browse: Browse) -> None:
    key = SoftKey()
    assert len(_add_key(_https(clerk, browse), key).context["codes"]) == 10
    client = _wait(clerk)
    assert _answer(client, key).status_code == 302
    assert _is_in(client)
    assert events("user.signed_in", about=clerk)[-1].detail["means"] == ["password", "webauthn"]


def test_an_answer_given_twice_is_refused(clerk: User, browse: Browse) -> None:
    key = SoftKey()
    _add_key(_https(clerk, browse), key)
    client = _wait(clerk)
    credential = json.dumps(key.get(_options(client.get("/sign-in/code/"))))
    assert _send(client, "/sign-in/code/", {"credential": credential}).status_code == 302
    again = _wait(clerk)
    again.get("/sign-in/code/")
    assert _send(again, "/sign-in/code/", {"credential": credential}).status_code == 422


def test_another_key_another_site_and_a_copied_key_are_refused(clerk: User, browse: Browse) -> None:
    key = SoftKey()
    _add_key(_https(clerk, browse), key)
    client = _wait(clerk)
    assert _answer(client, SoftKey()).status_code == 422
    assert _answer(client, key, origin="https://evil.example").status_code == 422
    assert _answer(client, key).status_code == 302
    key.counter -= 2  # a copy of the key, made before it was last used
    copied = _wait(clerk)
    assert _answer(copied, key).status_code == 422
    assert not _is_in(copied)


def test_somebody_elses_key_is_refused(clerk: User, supervisor: User, browse: Browse) -> None:
    hers, mine = SoftKey(), SoftKey()
    _add_key(_https(supervisor, browse), hers)
    _add_key(_https(clerk, browse), mine)
    assert _answer(_wait(clerk), hers).status_code == 422


@pytest.mark.parametrize(
    "credential",
    ["", "{}", "[]", "null", "1", '{"id": 1}', '{"response": {}}', "not json", '{"a": {"b": []}}'],
)
def test_what_is_no_answer_of_a_key_is_refused(credential: str, clerk: User, browse: Browse) -> None:
    client = _https(clerk, browse)
    client.get(KEY)
    assert _send(client, KEY, {"name": "x", "credential": credential}).status_code == 422
    _add_key(client, SoftKey())
    waits = _wait(clerk)
    waits.get("/sign-in/code/")
    assert _send(waits, "/sign-in/code/", {"credential": credential}).status_code == 422


def test_a_key_made_for_another_site_is_not_added(clerk: User, browse: Browse) -> None:
    assert _add_key(_https(clerk, browse), SoftKey(), origin="https://evil.example").status_code == 422
    assert not Authenticator.objects.exists()


# -- Removing ----------------------------------------------------------------------------------------------------


def test_removing_the_last_takes_the_recovery_codes_too(clerk: User, browse: Browse, secret: str) -> None:
    row = Authenticator.objects.get(user=clerk, type="totp")
    assert browse(clerk).post(f"/account/second-factor/{row.pk}/remove/").status_code == 302
    assert not Authenticator.objects.filter(user=clerk).exists()
    assert events("second_factor.removed", about=clerk)
    client = Client()
    assert _password(client, clerk)["Location"] == "/"


def test_nobody_removes_somebody_elses(clinician: User, clerk: User, browse: Browse, secret: str) -> None:
    row = Authenticator.objects.get(user=clerk, type="totp")
    assert browse(clinician).post(f"/account/second-factor/{row.pk}/remove/").status_code == 404
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_an_administrator_removes_what_was_lost_and_sessions_end(
    administrator: User, clerk: User, browse: Browse, secret: str
) -> None:
    hers = browse(clerk)
    answer = browse(administrator).post(f"/users/{clerk.pk}/access/second-factor/")
    assert answer.status_code == 302
    assert not _is_in(hers)
    assert not Authenticator.objects.filter(user=clerk).exists()
    [removed] = events("second_factor.removed", about=clerk)
    assert (removed.actor, removed.reason) == (administrator.username, "lost")


@pytest.mark.parametrize("who", ["clerk", "administrator"])
def test_nobody_else_and_nobody_for_herself(
    who: str, request: pytest.FixtureRequest, clerk: User, browse: Browse, secret: str
) -> None:
    by = request.getfixturevalue(who)
    target = clerk if who == "clerk" else by
    assert browse(by).post(f"/users/{target.pk}/access/second-factor/").status_code == 403
    assert Authenticator.objects.filter(user=clerk).exists()


# -- Asked for by a role -----------------------------------------------------------------------------------------


@pytest.fixture
def asking(settings: Any) -> Any:
    """Compliance officers need a second factor here."""
    settings.SECOND_FACTOR_ROLES = [Role.COMPLIANCE_OFFICER]
    return settings


def test_who_lacks_one_is_led_there_and_gets_nothing_else(asking: Any, compliance: User) -> None:
    client = Client()
    _password(client, compliance)
    for address in ("/", "/log/", "/account/", "/account/tokens/"):
        assert client.get(address)["Location"] == "/account/second-factor/"
    assert client.post("/account/tokens/", {"label": "x"})["Location"] == "/account/second-factor/"
    refused = client.get("/api/v1/audit/events/")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    part = client.get("/log/", headers={"HX-Request": "true"})
    assert part["HX-Redirect"] == "/account/second-factor/"
    assert "Your role needs a second factor" in client.get("/account/second-factor/").content.decode()
    page = client.get(APP)
    assert _send(client, APP, {"code": code_of(_secret_on(page))}).status_code == 200
    assert client.get("/log/").status_code == 200


def test_others_are_not_asked(asking: Any, clerk: User) -> None:
    client = Client()
    _password(client, clerk)
    assert _is_in(client)


def test_a_role_given_meanwhile_asks_at_the_next_request(asking: Any, clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    assert _is_in(client)
    clerk.groups.add(Group.objects.get(name=Role.COMPLIANCE_OFFICER))
    assert client.get("/account/")["Location"] == "/account/second-factor/"


def test_a_program_is_told_so_too(asking: Any, compliance: User) -> None:
    answer = _token(compliance)
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")


def test_the_last_one_cannot_be_removed_then(asking: Any, compliance: User, browse: Browse) -> None:
    secret = authenticators.new_secret()
    services.add_app(by=compliance, secret=secret, code=code_of(secret))
    row = Authenticator.objects.get(user=compliance, type="totp")
    browse(compliance).post(f"/account/second-factor/{row.pk}/remove/")
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_the_demonstration_asks_nobody_but_whoever_has_one(
    asking: Any, compliance: User, secret: str
) -> None:
    asking.DEMO = True
    client = Client()
    _password(client, compliance)
    assert _is_in(client)
    enrolled = Client()
    clerk = User.objects.get(authenticator__type="totp")
    assert _password(enrolled, clerk)["Location"] == "/sign-in/code/"


# -- Asked for by a role of the hospital's own -------------------------------------------------------------------

ROLE = {
    "label": "Night registrar",
    "description": "Registers people at night.",
    "purpose": "RECORDMGT",
    "rights": ["patients.search_patients", "patients.register_patient"],
}


@pytest.fixture
def registrar(administrator: User, browse: Browse) -> User:
    """Somebody whose only role the administrator has made on the page, with a second factor required."""
    office = browse(administrator)
    assert office.post("/roles/new/", {**ROLE, "needs_second_factor": "on"}).status_code == 302
    group = Group.objects.get(hospital_role__label="Night registrar")
    assert "required" in office.get(f"/roles/{group.name}/").content.decode()
    person = make_user(Role.RECORDS_CLERK)
    form = {"name": person.name, "email": "", "roles": [group.name], "reason": "works at night"}
    assert office.post(f"/users/{person.pk}/", form).status_code == 302
    return User.objects.with_roles().get(pk=person.pk)


def test_a_role_of_the_hospitals_own_leads_to_the_second_factor_and_asks_for_it_ever_after(
    registrar: User,
) -> None:
    client = Client()
    assert _password(client, registrar).status_code == 302
    for address in ("/", "/patients/", "/account/"):
        assert client.get(address)["Location"] == "/account/second-factor/"
    refused = client.get("/api/v1/patients/?q=ada")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_required")
    told = _token(registrar)
    assert (told.status_code, told.json()["code"]) == (403, "second_factor_required")
    assert "Your role needs a second factor" in client.get("/account/second-factor/").content.decode()
    secret = _secret_on(client.get(APP))
    assert _send(client, APP, {"code": code_of(secret)}).status_code == 200
    assert client.get("/patients/").status_code == 200

    later = Client()
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        assert _password(later, registrar)["Location"] == "/sign-in/code/"
        assert not _is_in(later)
        assert _send(later, "/sign-in/code/", {"code": code_of(secret)}).status_code == 302
        assert later.get("/patients/").status_code == 200
    row = Authenticator.objects.get(user=registrar, type="totp")
    later.post(f"/account/second-factor/{row.pk}/remove/")
    assert Authenticator.objects.filter(pk=row.pk).exists()


def test_whoever_is_at_work_is_led_there_when_the_role_begins_to_ask(
    administrator: User, browse: Browse
) -> None:
    office = browse(administrator)
    office.post("/roles/new/", ROLE)
    group = Group.objects.get(hospital_role__label="Night registrar")
    person = make_user(Role.RECORDS_CLERK)
    office.post(f"/users/{person.pk}/", {"name": "N", "email": "", "roles": [group.name], "reason": "nights"})
    client = browse(person)
    assert client.get("/patients/").status_code == 200
    change = f"/roles/{group.name}/change/"
    assert office.post(change, {**ROLE, "needs_second_factor": "on"}).status_code == 302
    assert client.get("/patients/")["Location"] == "/account/second-factor/"
    assert events("role.changed")[-1].action == "privilege-change"
    assert office.post(change, ROLE).status_code == 302
    assert client.get("/patients/").status_code == 200


# -- Programs ----------------------------------------------------------------------------------------------------


def test_a_program_sends_the_code_along(clerk: User, secret: str) -> None:
    assert _token(clerk, otp=code_of(secret)).status_code == 201
    assert _token(clerk, otp=code_of(secret)).status_code == 401


def test_a_missing_code_tells_no_stranger_that_the_password_was_right(clerk: User, secret: str) -> None:
    """The answer to the right password without a code, to a wrong one and to a name nobody has is one and the same."""
    bodies = [
        {"username": clerk.username, "password": PASSWORD},
        {"username": clerk.username, "password": "wrong"},
        {"username": "nobody-at-all", "password": PASSWORD},
    ]
    answers = [APIClient().post("/api/v1/tokens/", body, format="json") for body in bodies]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["code"] == "credentials_or_otp"
    reasons = [event.reason for event in events("user.sign_in_failed")]
    assert reasons == ["no code", "credentials", "credentials"]


def test_nor_does_a_wrong_one(clerk: User, secret: str) -> None:
    wrong_code = _token(clerk, otp="000000")
    wrong_password = APIClient().post(
        "/api/v1/tokens/", {"username": clerk.username, "password": "x", "otp": "000000"}, format="json"
    )
    assert wrong_code.content == wrong_password.content
    assert "clock" in wrong_code.json()["detail"]


def test_an_account_without_one_ignores_no_code_it_is_given(clerk: User) -> None:
    """Nothing checks it, so nothing is promised: the password decides."""
    assert _token(clerk, otp="123456").status_code == 201


def test_the_confirmation_takes_the_second_factor_as_well(clerk: User, secret: str) -> None:
    client = Client()
    client.force_login(clerk)
    assert _send(client, "/confirm/", {"code": "000000", "next": "/account/"}).status_code == 422
    answer = _send(client, "/confirm/", {"code": code_of(secret), "next": "/account/"})
    assert answer["Location"] == "/account/"
    assert events("user.confirmed", about=clerk)


@pytest.mark.committed
def test_one_code_at_the_same_moment_signs_in_once(committed: None) -> None:
    """The row is locked while a code is taken: eight at once, one gets in."""
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection, transaction

    user = make_user(Role.RECORDS_CLERK)
    secret = authenticators.new_secret()
    with time_machine.travel(timezone.now() - timedelta(minutes=1), tick=False):
        services.add_app(by=user, secret=secret, code=code_of(secret))
    code = code_of(secret)

    def attempt(_: int) -> bool:
        try:
            with transaction.atomic():
                from audit.services import record

                taken = authenticators.takes_code(user, code)
                record("user.confirmed", by=user, about=user)
                return taken == "totp"
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(attempt, range(8))) == [False] * 7 + [True]


@pytest.fixture
def enrolled(committed: None) -> tuple[User, str]:
    """Somebody with an authenticator app, in the database for good, and its secret."""
    user = make_user(Role.RECORDS_CLERK)
    secret = authenticators.new_secret()
    with time_machine.travel(timezone.now() - timedelta(minutes=1), tick=False):
        services.add_app(by=user, secret=secret, code=code_of(secret))
    return user, secret


@pytest.mark.committed
def test_a_code_that_was_taken_is_written_with_its_event_for_a_program(enrolled: tuple[User, str]) -> None:
    """The database refuses at COMMIT what changed without an event: here tests really commit."""
    user, secret = enrolled
    assert _token(user, otp=code_of(secret)).status_code == 201
    assert _token(user, otp=services.make_recovery_codes(by=user)[0]).status_code == 201


@pytest.mark.committed
def test_and_at_the_page_and_at_the_confirmation(enrolled: tuple[User, str]) -> None:
    user, secret = enrolled
    client = Client()
    _password(client, user)
    assert _send(client, "/sign-in/code/", {"code": code_of(secret)}).status_code == 302
    code = services.make_recovery_codes(by=user)[0]
    assert _send(client, "/confirm/", {"code": code, "next": "/account/"}).status_code == 302


@pytest.mark.committed
def test_and_with_a_key(committed: None) -> None:
    user, key = make_user(Role.RECORDS_CLERK), SoftKey()
    assert _add_key(_wait(user), key).status_code == 200
    assert _answer(_wait(user), key).status_code == 302
