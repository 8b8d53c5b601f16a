"""POST /tokens/, DELETE /tokens/current/, GET /me/ (API.md)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services, throttling
from accounts.models import ApiToken, User
from accounts.roles import PERMISSIONS, Role
from common.models import Once
from tests.factories import PASSWORD, make_user
from tests.support import events

Api = Callable[[User], APIClient]


def _sign_in(user: User, password: str = PASSWORD, **more: Any) -> Any:
    return APIClient().post(
        "/api/v1/tokens/", {"username": user.username, "password": password, **more}, format="json"
    )


def _bearer(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def test_name_and_password_give_a_token_that_works(clerk: User) -> None:
    answer = _sign_in(clerk)
    assert answer.status_code == 201
    assert set(answer.json()) == {"token", "expires_at"}
    assert datetime.fromisoformat(answer.json()["expires_at"]) > timezone.now()
    me = _bearer(answer.json()["token"]).get("/api/v1/me/")
    assert me.status_code == 200
    assert me.json()["username"] == clerk.username
    assert me.json()["roles"] == ["records_clerk"]
    assert set(me.json()["permissions"]) == PERMISSIONS[Role.RECORDS_CLERK]


def test_the_token_is_kept_nowhere(clerk: User) -> None:
    client = APIClient()
    body = {"username": clerk.username, "password": PASSWORD}
    answer = client.post("/api/v1/tokens/", body, format="json", HTTP_IDEMPOTENCY_KEY="same-key")
    token = answer.json()["token"]
    assert answer["Cache-Control"] == "no-store"
    assert not Once.objects.filter(answer__contains=token).exists()
    assert not ApiToken.objects.filter(digest=token).exists()
    written = [str(event.detail) for event in [*events("token.issued"), *events("user.signed_in")]]
    assert written
    assert not any(token in text for text in written)


def test_signing_in_is_in_the_log(clerk: User) -> None:
    _sign_in(clerk)
    [signed_in] = events("user.signed_in", actor_id=clerk.pk)
    [issued] = events("token.issued", actor_id=clerk.pk)
    assert signed_in.channel == issued.channel == "api"
    assert signed_in.action == "sign-in"


@pytest.mark.parametrize(
    "body",
    [
        {"username": "KNOWN", "password": "wrong"},
        {"username": "unknown", "password": "wrong"},
        {"username": "unknown", "password": PASSWORD},
    ],
)
def test_bad_credentials_are_401_and_say_no_more(body: dict[str, str], clerk: User) -> None:
    body = {**body, "username": clerk.username if body["username"] == "KNOWN" else body["username"]}
    answer = APIClient().post("/api/v1/tokens/", body, format="json")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "credentials_or_otp"
    assert answer.json()["detail"].startswith("This user name and password do not belong together, or ")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "username"),
        ({"username": "x"}, "password"),
        ({"username": "x", "password": "y", "otp": "1" * 21}, "otp"),
        ({"username": "a\0b", "password": "y"}, "username"),
        ({"username": ["x"], "password": "y"}, "username"),
        ({"username": "x" * 61, "password": "y"}, "username"),
        ([], "non_field_errors"),
    ],
)
def test_what_is_no_credential_is_400(body: Any, field: str, db: None) -> None:
    answer = APIClient().post("/api/v1/tokens/", body, format="json")
    assert answer.status_code == 400
    assert field in answer.json()["errors"]


def test_an_empty_code_of_no_second_factor_is_fine(clerk: User) -> None:
    assert _sign_in(clerk, otp="").status_code == 201


def test_too_many_attempts_are_429_with_retry_after(clerk: User) -> None:
    for _ in range(throttling.FAILURES):
        assert _sign_in(clerk, "wrong").status_code == 401
    answer = _sign_in(clerk)
    assert answer.status_code == 429
    assert answer.json()["code"] == "throttled"
    assert 0 < int(answer["Retry-After"]) <= 900


def test_the_page_and_the_api_count_together(clerk: User) -> None:
    for _ in range(throttling.FAILURES):
        body = urlencode({"username": clerk.username, "password": "wrong"})
        Client().post("/sign-in/", body, content_type="application/x-www-form-urlencoded")
    assert _sign_in(clerk).status_code == 429


def test_ending_a_token_ends_it_at_once(clerk: User) -> None:
    client = _bearer(_sign_in(clerk).json()["token"])
    assert client.delete("/api/v1/tokens/current/").status_code == 204
    assert client.get("/api/v1/me/").status_code == 401
    assert events("token.revoked", actor_id=clerk.pk)


def test_a_browser_session_has_no_token_to_end(clerk: User, api: Api) -> None:
    answer = api(clerk).delete("/api/v1/tokens/current/")
    assert answer.status_code == 400
    assert "token" in answer.json()["errors"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer cr_unknown",
        "Bearer nonsense",
        "Basic YTpi",
        "Bearer cr_" + "x" * 10_000,
        "Bearer cr_\udcff\x01",
    ],
)
def test_no_or_bad_tokens_are_401(header: str, db: None) -> None:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get("/api/v1/me/")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


def test_a_token_ends_by_itself(clerk: User) -> None:
    text, token = services.issue_token(by=clerk, user=clerk)
    with time_machine.travel(token.expires_at + timedelta(seconds=1)):
        assert _bearer(text).get("/api/v1/me/").status_code == 401


def test_a_disabled_users_token_stops_at_the_next_request(administrator: User, clerk: User) -> None:
    client = _bearer(_sign_in(clerk).json()["token"])
    assert client.get("/api/v1/me/").status_code == 200
    services.stop_user(by=administrator, user_id=clerk.pk, reason="left")
    assert client.get("/api/v1/me/").status_code == 401


def test_a_role_taken_away_is_gone_at_the_next_request(administrator: User, clerk: User) -> None:
    client = _bearer(_sign_in(clerk).json()["token"])
    services.change_user(
        by=administrator, user_id=clerk.pk, name=clerk.name, email="", roles=[Role.CLINICIAN.value]
    )
    assert client.get("/api/v1/me/").json()["roles"] == ["clinician"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
def test_me_tells_each_role_what_it_may(role: Role, api: Api, db: None) -> None:
    assert set(api(make_user(role)).get("/api/v1/me/").json()["permissions"]) == PERMISSIONS[role]


@pytest.mark.parametrize("address", ["/api/v1/me/?x=1", "/api/v1/me/?cursor=abc"])
def test_unknown_parameters_are_refused(address: str, clerk: User, api: Api) -> None:
    assert api(clerk).get(address).status_code == 400
