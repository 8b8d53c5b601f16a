"""What a token may do, and the accounts of interfaces."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts import services
from accounts.models import ApiToken, User
from accounts.roles import PERMISSIONS, Role
from common.errors import Denied, RuleBroken
from tests.architecture import scene
from tests.factories import PASSWORD, make_user
from tests.support import events

Browse = Callable[[User], Client]


def _bearer(text: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return client


def _token(user: User, *scopes: str) -> APIClient:
    return _bearer(services.issue_token(by=user, user=user, scopes=scopes)[0])


# -- Scopes ------------------------------------------------------------------------------------------------------


def test_a_token_may_do_what_it_was_made_for_and_no_more(clerk: User) -> None:
    client = _token(clerk, "patients.search_patients")
    assert client.get("/api/v1/me/").json()["permissions"] == ["patients.search_patients"]
    assert client.get("/api/v1/patients/?q=qwx").status_code == 200
    body = {"family": "Newcomer", "given": "Nadja", "birth_date": "1971-03-04", "sex": "female"}
    refused = client.post("/api/v1/patients/", body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (403, "role")
    assert _bearer(services.issue_token(by=clerk, user=clerk)[0]).post(
        "/api/v1/patients/", body, format="json"
    ).status_code in {201, 409}


def test_a_token_gets_no_right_that_its_owner_lacks(clerk: User) -> None:
    with pytest.raises(RuleBroken) as refused:
        services.issue_token(by=clerk, user=clerk, scopes=["review.view_log"])
    assert refused.value.code == "token_scope"
    assert not ApiToken.objects.exists()


def test_a_right_that_the_owner_loses_is_lost_to_the_token(clerk: User) -> None:
    client = _token(clerk, "patients.search_patients", "patients.register_patient")
    clerk.groups.clear()
    assert client.get("/api/v1/me/").json()["permissions"] == []
    assert client.get("/api/v1/patients/?q=qwx").status_code == 403


def test_without_scopes_it_may_what_its_owner_may(clerk: User) -> None:
    text, _ = services.issue_token(by=clerk, user=clerk)
    assert set(_bearer(text).get("/api/v1/me/").json()["permissions"]) == PERMISSIONS[Role.RECORDS_CLERK]


def test_a_token_that_may_nothing_sees_nobody_anywhere(db: None) -> None:
    """Every GET of the API with a supervisor's token without any right: nothing about the patient comes out."""
    here = scene.make()
    supervisor = here.people["records_supervisor"]
    client = _token(supervisor)
    shown = []
    for route in scene.routes():
        if route.is_api:
            answer = client.get(here.address(route, whose=supervisor), here.query(route))
            if here.is_about(scene.content_of(answer)):
                shown.append(f"{route.name}: {answer.status_code}")
    assert not shown


@pytest.mark.parametrize(("hours", "is_allowed"), [(24 * 366, True), (24 * 366 + 1, False)])
def test_no_token_lives_for_ever(hours: int, is_allowed: bool, clerk: User) -> None:
    if is_allowed:
        services.issue_token(by=clerk, user=clerk, hours=hours)
        return
    with pytest.raises(RuleBroken):
        services.issue_token(by=clerk, user=clerk, hours=hours)


def test_the_page_offers_the_owners_rights_and_shows_what_was_chosen(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    page = client.get("/account/").content.decode()
    assert 'value="patients.search_patients"' in page
    assert 'value="review.view_log"' not in page
    answer = client.post(
        "/account/tokens/", {"label": "feed", "days": "30", "scopes": ["patients.search_patients"]}
    )
    assert answer.status_code == 200
    token = ApiToken.objects.get(user=clerk)
    assert token.scopes == ["patients.search_patients"]
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    [issued] = events("token.issued", about=token)
    assert issued.detail["scopes"] == ["patients.search_patients"]
    wrong = client.post("/account/tokens/", {"label": "feed", "scopes": ["review.view_log"]})
    assert wrong.status_code == 422


# -- Interfaces --------------------------------------------------------------------------------------------------


@pytest.fixture
def feed(administrator: User) -> User:
    return services.make_program(
        by=administrator, username="lab.feed", name="Laboratory", roles=[Role.CLINICIAN.value]
    )


def test_an_interface_has_no_password_and_works_with_its_token(administrator: User, feed: User) -> None:
    assert not feed.has_usable_password()
    text, token = services.issue_program_token(
        by=administrator, program_id=feed.pk, label="east wing", hours=24 * 30
    )
    me = _bearer(text).get("/api/v1/me/").json()
    assert (me["username"], me["roles"]) == ("lab.feed", ["clinician"])
    [issued] = events("token.issued", about=token)
    assert issued.actor == administrator.username
    assert not Client().login(username="lab.feed", password="")
    with pytest.raises(RuleBroken):
        services.give_password(by=administrator, user_id=feed.pk, password=PASSWORD + "!")


def test_an_interface_is_no_person(administrator: User, feed: User, browse: Browse) -> None:
    client = browse(administrator)
    assert "lab.feed" not in client.get("/users/").content.decode()
    assert client.get(f"/users/{feed.pk}/").status_code == 404
    assert "lab.feed" in client.get("/programs/").content.decode()


def test_switched_off_its_tokens_are_refused_at_once(administrator: User, feed: User) -> None:
    text, _ = services.issue_program_token(by=administrator, program_id=feed.pk, label="x")
    services.switch_program(by=administrator, program_id=feed.pk, is_active=False)
    assert _bearer(text).get("/api/v1/me/").status_code == 401
    with pytest.raises(RuleBroken):
        services.issue_program_token(by=administrator, program_id=feed.pk, label="x")


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.SERVICE, Role.ADMINISTRATOR}])
def test_only_an_administrator_makes_one(role: Role, db: None, feed: User) -> None:
    person = make_user(role)
    with pytest.raises(Denied):
        services.make_program(by=person, username="x", name="x", roles=[Role.CLINICIAN.value])
    with pytest.raises(Denied):
        services.issue_program_token(by=person, program_id=feed.pk, label="x")


def test_it_is_made_and_given_a_token_by_page(administrator: User, browse: Browse) -> None:
    client = browse(administrator)
    made = client.post("/programs/new/", {"username": "adt", "name": "ADT feed", "roles": ["clinician"]})
    assert made.status_code == 302
    page = client.post(f"{made['Location']}tokens/", {"label": "one", "days": "365"})
    text: Any = page.context["new_token"]
    assert _bearer(text).get("/api/v1/me/").json()["username"] == "adt"
    taken = client.post("/programs/new/", {"username": "ADT", "name": "x", "roles": ["clinician"]})
    assert taken.status_code == 422
