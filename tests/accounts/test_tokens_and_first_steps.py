"""Tokens whose owner must first do something on a page: refused at the next call, as at sign-in, with an event."""

from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import authenticators, services
from accounts.models import ApiToken, User
from accounts.roles import Role
from tests.accounts.making import make_role
from tests.accounts.softkey import code_of
from tests.factories import make_user
from tests.support import events

NEEDED, PASSWORD_FIRST = "second_factor_required", "password_change_required"


def _bearer(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def _made_before(user: User, **more: Any) -> APIClient:
    """A call by a token that worked when it was made."""
    client = _bearer(services.issue_token(by=user, user=user, **more)[0])
    assert client.get("/api/v1/me/").status_code == 200
    return client


def _refused(client: APIClient, code: str = NEEDED) -> None:
    answer = client.get("/api/v1/me/")
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert answer["Content-Type"] == "application/problem+json"
    assert "page" in answer.json()["detail"]


@pytest.fixture
def asking(settings: Any) -> Any:
    """Compliance officers are asked for a second factor from now on; call it when the token is made."""

    def ask() -> None:
        settings.SECOND_FACTOR_ROLES = [Role.COMPLIANCE_OFFICER]

    return ask


@pytest.mark.parametrize("scopes", [None, ["review.view_log"]])
def test_a_token_made_before_the_role_asked_is_refused_at_the_next_call(
    scopes: list[str] | None, asking: Any, compliance: User, clerk: User
) -> None:
    hers, neighbours = _made_before(compliance, scopes=scopes), _made_before(clerk)
    asking()
    _refused(hers)
    assert neighbours.get("/api/v1/me/").status_code == 200
    [event] = events("access.denied", actor_id=compliance.pk)
    assert (event.outcome, event.reason, event.channel) == ("denied", NEEDED, "api")
    assert event.detail["path"] == "/api/v1/me/"


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("get", "/api/v1/audit/events/"),
        ("get", "/api/v1/audit/verify/"),
        ("get", "/api/v1/patients/?q=nobody"),
        ("get", "/api/schema/"),
        ("post", "/api/v1/patients/"),
        ("delete", "/api/v1/tokens/current/"),
        ("options", "/api/v1/me/"),
    ],
)
def test_there_is_no_door_beside_it(method: str, address: str, asking: Any, compliance: User) -> None:
    client = _made_before(compliance)
    asking()
    client.cookies["sessionid"] = "made-up"
    answer = getattr(client, method)(address)
    assert (answer.status_code, answer.json()["code"]) == (403, NEEDED)
    assert not events("log.viewed", actor_id=compliance.pk)
    assert ApiToken.objects.get(user=compliance).revoked_at is None


def test_a_role_of_the_hospitals_own_that_begins_to_ask(administrator: User) -> None:
    role = make_role(administrator, "Night desk", ["patients.search_patients"])
    person = make_user(Role.RECORDS_CLERK)
    person.groups.set([role.group])
    client = _made_before(person)
    role.needs_second_factor = True
    role.save()
    _refused(client)


def test_a_role_that_is_given_meanwhile(asking: Any, administrator: User, clerk: User) -> None:
    asking()
    client = _made_before(clerk)
    clerk.groups.add(make_user(Role.COMPLIANCE_OFFICER).groups.get())
    _refused(client)


def test_with_the_second_factor_it_works_again_until_that_is_removed(
    asking: Any, administrator: User, compliance: User
) -> None:
    client = _made_before(compliance)
    asking()
    _refused(client)
    secret = authenticators.new_secret()
    with time_machine.travel(timezone.now(), tick=False):
        services.add_app(by=User.objects.get(pk=compliance.pk), secret=secret, code=code_of(secret))
    assert client.get("/api/v1/me/").status_code == 200
    services.reset_second_factor(by=administrator, user_id=compliance.pk)
    _refused(client)


def test_recovery_codes_alone_are_no_second_factor(asking: Any, compliance: User) -> None:
    client = _made_before(compliance)
    asking()
    secret = authenticators.new_secret()
    with time_machine.travel(timezone.now(), tick=False):
        services.add_app(by=User.objects.get(pk=compliance.pk), secret=secret, code=code_of(secret))
    compliance.authenticator_set.exclude(type="recovery_codes").delete()  # type: ignore[attr-defined]
    assert compliance.authenticator_set.exists()  # type: ignore[attr-defined]
    _refused(client)


def test_an_interface_has_none_and_is_not_asked(asking: Any, administrator: User) -> None:
    program = services.make_program(
        by=administrator, username="feeder", name="Feeder", roles=["records_clerk"]
    )
    program.groups.set(make_user(Role.COMPLIANCE_OFFICER).groups.all())
    text, _ = services.issue_program_token(by=administrator, program_id=program.pk, label="feed")
    asking()
    assert _bearer(text).get("/api/v1/me/").status_code == 200


def test_a_token_that_is_over_tells_nothing_of_its_owner(asking: Any, compliance: User) -> None:
    text, token = services.issue_token(by=compliance, user=compliance)
    services.revoke_token(by=compliance, token=token)
    asking()
    assert _bearer(text).get("/api/v1/me/").status_code == 401
    assert not events("access.denied", actor_id=compliance.pk)


def test_a_refused_call_is_no_use_of_the_token(asking: Any, compliance: User) -> None:
    text, token = services.issue_token(by=compliance, user=compliance)
    asking()
    _refused(_bearer(text))
    token.refresh_from_db()
    assert token.last_used_at is None


def test_who_must_set_a_password_of_her_own_does_so_first(clerk: User) -> None:
    client = _made_before(clerk)
    User.objects.filter(pk=clerk.pk).update(must_change_password=True)
    _refused(client, PASSWORD_FIRST)


def test_whoever_runs_the_house_may_stand_for_it(asking: Any, compliance: User) -> None:
    """API.md: `issue_token`. It is made where the keys lie; it says so, and the log does."""
    asking()
    said, warned = StringIO(), StringIO()
    call_command("issue_token", compliance.username, stdout=said, stderr=warned)
    assert _bearer(said.getvalue().strip()).get("/api/v1/me/").status_code == 200
    assert "has not added the second factor" in warned.getvalue()
    [event] = events("token.issued", actor_id=compliance.pk)
    assert event.detail["vouched_by"] == "operator"


def test_the_command_warns_of_nothing_where_nobody_is_asked(clerk: User) -> None:
    warned = StringIO()
    call_command("issue_token", clerk.username, stdout=StringIO(), stderr=warned)
    assert warned.getvalue() == ""
