"""A user's life: invited by a link that works once, leaving, stopped at once, let in again."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import Invitation, RoleChange, User
from accounts.roles import Role
from common.errors import Denied, NotFound, RuleBroken
from common.ids import uuid7
from common.notices.models import Notice
from tests.factories import PASSWORD, make_user
from tests.support import events
from tests.threads import together

OWN = "a lantern over the quiet harbour"


@pytest.fixture
def invited(administrator: User) -> tuple[User, str]:
    return services.invite_user(
        by=administrator, username="nora", name="Nora Example", roles=[Role.RECORDS_CLERK]
    )


def post(client: Client, address: str, fields: dict[str, str]) -> Any:
    """As a browser sends a form; multipart is for people signed in."""
    return client.post(address, urlencode(fields), content_type="application/x-www-form-urlencoded")


def signs_in(username: str, password: str) -> bool:
    answer = post(Client(), "/sign-in/", {"username": username, "password": password})
    return bool(answer.status_code == 302)


def days(number: int) -> Any:
    return timezone.localdate() + timedelta(days=number)


# -- invited


def test_an_invited_person_sets_a_password_that_nobody_else_knows(administrator, browse):
    made = browse(administrator).post(
        "/users/new/", {"username": "nora", "name": "Nora", "email": "", "roles": ["records_clerk"]}
    )
    page = browse_link(administrator, browse, made)
    address = re.search(r"https?://[^/]+(/welcome/[\w-]+/)", page)
    assert address
    assert not signs_in("nora", OWN)
    client = Client()
    assert "Nora" in client.get(address[1]).content.decode()
    answer = post(client, address[1], {"password": OWN, "again": OWN})
    assert answer["Location"] == "/sign-in/"
    assert signs_in("nora", OWN)
    assert client.get(address[1]).status_code == 404
    assert post(client, address[1], {"password": OWN, "again": OWN}).status_code == 404
    person = User.objects.get(username="nora")
    assert [event.actor for event in events("user.password_set", about=person)] == ["nora"]


def browse_link(administrator: User, browse: Any, made: Any) -> str:
    """The page with the link is another request of the same browser; it shows it once."""
    client = browse(administrator)
    person = User.objects.get(username="nora")
    shown = client.post(f"/users/{person.pk}/link/new/", follow=True)
    assert made["Location"] == f"/users/{person.pk}/link/"
    again = client.get(f"/users/{person.pk}/link/").content.decode()
    assert "data-new-link" not in again
    assert "shown already" in again
    return str(shown.content.decode())


@pytest.mark.parametrize(
    ("password", "again", "field"),
    [("short", "short", "password"), (OWN, "another one", "again"), ("", "", "password")],
)
def test_a_refused_password_leaves_the_link_usable(invited, password, again, field):
    answer = post(Client(), f"/welcome/{invited[1]}/", {"password": password, "again": again})
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert services.invited(invited[1]) == invited[0]


@pytest.mark.parametrize("end", ["expired", "newer", "stopped", "left"])
def test_a_link_ends(administrator, invited, end):
    person, text = invited
    if end == "newer":
        services.new_link(by=administrator, user_id=person.pk)
    elif end == "stopped":
        services.stop_user(by=administrator, user_id=person.pk, reason="a mistake")
    elif end == "left":
        services.leave(by=administrator, user_id=person.pk, last_day=days(-1), reason="never came")
    with time_machine.travel(timezone.now() + timedelta(hours=73 if end == "expired" else 0)):
        with pytest.raises(NotFound):
            services.accept_invitation(text=text, password=OWN)
    assert not User.objects.get(pk=person.pk).has_usable_password()


@pytest.mark.parametrize("text", ["made-up", "x" * 400, "%00"])
def test_a_link_that_is_none_is_not_found(db, text):
    assert Client().get(f"/welcome/{text}/").status_code == 404


def test_only_the_hash_of_a_link_is_kept(invited):
    row = Invitation.objects.get(user=invited[0])
    assert invited[1] not in str(vars(row))
    assert invited[1] not in str([event.detail for event in events("user.invited")])


def test_a_new_link_is_told_to_the_person_and_for_a_powerful_one_to_a_second(
    administrator, compliance, clerk
):
    services.new_link(by=administrator, user_id=clerk.pk)
    assert {row.recipient_id for row in Notice.objects.filter(kind="user.link_made")} == {clerk.pk}
    second = make_user(Role.ADMINISTRATOR)
    services.new_link(by=administrator, user_id=compliance.pk)
    told = Notice.objects.filter(kind="user.link_made").exclude(recipient=clerk)
    assert {row.recipient_id for row in told} == {compliance.pk, second.pk}


@pytest.mark.committed
def test_a_link_used_twice_at_the_same_moment_sets_one_password(committed):
    administrator = make_user(Role.ADMINISTRATOR, username="life.administrator")
    person, text = services.invite_user(
        by=administrator, username="life.twice", name="T", roles=[Role.RECORDS_CLERK]
    )
    passwords = [f"{OWN} one", f"{OWN} two"]
    results = together(lambda number: services.accept_invitation(text=text, password=passwords[number]))
    assert sorted(type(result).__name__ for result in results) == ["NotFound", "User"]
    assert len(events("user.password_set", about=person)) == 1


# -- leaving


def test_who_leaves_works_until_the_end_of_the_last_day(administrator, clerk, browse):
    client = browse(clerk)
    text, _ = services.issue_token(by=clerk, user=clerk)
    services.leave(by=administrator, user_id=clerk.pk, last_day=days(0), reason="moves away")
    assert client.get("/account/").status_code == 200
    assert signs_in(clerk.username, PASSWORD)
    with time_machine.travel(timezone.now() + timedelta(days=1)):
        assert client.get("/account/").status_code == 302
        assert not signs_in(clerk.username, PASSWORD)
        assert services.usable_token(text) is None
        assert services.deactivate_leavers() == 1
        assert services.deactivate_leavers() == 0
    person = User.objects.get(pk=clerk.pk)
    assert (person.is_active, person.role_names) == (False, ["records_clerk"])
    assert events("user.deactivated", about=clerk)[0].detail["tokens_ended"] == 1


def test_a_day_that_is_past_acts_at_once_and_ends_the_tokens_for_good(administrator, clerk):
    text, token = services.issue_token(by=clerk, user=clerk)
    services.leave(by=administrator, user_id=clerk.pk, last_day=days(-1), reason="left")
    token.refresh_from_db()
    assert token.revoked_at
    services.let_in_again(by=administrator, user_id=clerk.pk)
    assert services.usable_token(text) is None
    assert signs_in(clerk.username, PASSWORD)


@pytest.mark.parametrize("how", ["left", "last day over", "stopped"])
def test_a_browser_of_hers_stays_signed_out_when_she_is_let_in_again(administrator, clerk, browse, how):
    """What was open in somebody else's hands does not open again with the account."""
    client = browse(clerk)
    assert client.get("/account/").status_code == 200
    if how == "stopped":
        services.stop_user(by=administrator, user_id=clerk.pk, reason="password stolen")
    elif how == "left":
        services.leave(by=administrator, user_id=clerk.pk, last_day=days(-1), reason="left")
    else:
        services.leave(by=administrator, user_id=clerk.pk, last_day=days(0), reason="moves away")
        with time_machine.travel(timezone.now() + timedelta(days=1)):
            services.deactivate_leavers()
    services.let_in_again(by=administrator, user_id=clerk.pk)
    assert client.get("/account/").status_code == 302


def test_the_last_day_can_be_taken_back(administrator, clerk):
    services.leave(by=administrator, user_id=clerk.pk, last_day=days(3), reason="moves away")
    services.let_in_again(by=administrator, user_id=clerk.pk)
    assert User.objects.get(pk=clerk.pk).last_day is None
    assert events("user.stays", about=clerk)


def test_what_is_in_her_hands_is_shown_to_whoever_hands_it_on(administrator, clerk, roi, browse):
    from records.release.services import intake
    from tests.records.release.making import logged

    intake.update_request(by=roi, request_id=logged(roi).pk, assigned_to=roi)
    services.change_user(
        by=administrator, user_id=clerk.pk, name="C", email="", roles=clerk.role_names, manager=roi
    )
    work = browse(administrator).get(f"/users/{roi.pk}/").context["work"]
    assert {(item.words, item.count) for item in work} == {
        ("Open requests for records", 1),
        ("People whose manager this is", 1),
    }


# -- stopped


def test_an_emergency_stop_acts_at_once_and_is_told(administrator, compliance, clerk, browse):
    client = browse(clerk)
    answer = browse(compliance).post(
        "/users/stop/", {"username": clerk.username.upper(), "reason": "password stolen"}
    )
    assert answer["Location"] == "/users/stop/"
    assert client.get("/account/").status_code == 302
    assert not signs_in(clerk.username, PASSWORD)
    event = events("user.stopped", about=clerk)[0]
    assert (event.actor, event.reason, event.action) == (
        compliance.username,
        "password stolen",
        "privilege-change",
    )
    assert [row.recipient_id for row in Notice.objects.filter(kind="user.stopped")] == [administrator.pk]


@pytest.mark.parametrize("wrong", [{"username": "nobody"}, {"reason": " "}, {"username": ""}])
def test_a_stop_that_cannot_be_is_said_at_its_field(compliance, clerk, browse, wrong):
    answer = browse(compliance).post("/users/stop/", {"username": clerk.username, "reason": "x", **wrong})
    assert answer.status_code == 422
    assert User.objects.get(pk=clerk.pk).is_active


@pytest.mark.parametrize(
    "role", [Role.RECORDS_CLERK, Role.RECORDS_SUPERVISOR, Role.CLINICIAN, Role.ROI_SPECIALIST]
)
def test_others_stop_nobody(clerk, browse, role):
    client = browse(make_user(role))
    assert client.post("/users/stop/", {"username": clerk.username, "reason": "x"}).status_code == 403
    with pytest.raises(Denied):
        services.stop_user(by=make_user(role), user_id=clerk.pk, reason="x")


def test_the_last_administrator_can_be_stopped_by_compliance_but_not_by_herself(administrator, compliance):
    """Hers may be the account in the wrong hands; a new one is made at the machine."""
    with pytest.raises(Denied):
        services.stop_user(by=administrator, user_id=administrator.pk, reason="x")
    services.stop_user(by=compliance, user_id=administrator.pk, reason="stolen")
    made = services.create_user(username="fresh", name="F", password=OWN, roles=[Role.ADMINISTRATOR])
    services.let_in_again(by=made, user_id=administrator.pk)
    person = User.objects.get(pk=administrator.pk)
    assert (person.is_active, person.role_names) == (True, [])
    assert RoleChange.objects.get(subject=person).is_waiting


@pytest.mark.parametrize("verb", ["stop_user", "leave", "let_in_again", "new_link"])
def test_a_service_account_is_nobody_whose_life_one_changes(administrator, verb):
    service = services.service_account("clockwork")
    more = {"stop_user": {"reason": "x"}, "leave": {"last_day": days(0), "reason": "x"}}.get(verb, {})
    for key in (service.pk, uuid7()):
        with pytest.raises(NotFound):
            getattr(services, verb)(by=administrator, user_id=key, **more)
    assert User.objects.get(pk=service.pk).is_active


def test_who_is_off_already_is_not_switched_off_twice(administrator, clerk):
    services.stop_user(by=administrator, user_id=clerk.pk, reason="x")
    for attempt in (
        lambda: services.stop_user(by=administrator, user_id=clerk.pk, reason="x"),
        lambda: services.leave(by=administrator, user_id=clerk.pk, last_day=days(0), reason="x"),
        lambda: services.new_link(by=administrator, user_id=clerk.pk),
    ):
        with pytest.raises(RuleBroken):
            attempt()
    assert len(events("user.stopped", about=clerk)) == 1


@pytest.mark.parametrize("who", ["herself", "nobody"])
def test_nobody_is_her_own_manager(administrator, clerk, who):
    manager = clerk if who == "herself" else None
    change = {"by": administrator, "user_id": clerk.pk, "name": "C", "email": "", "roles": clerk.role_names}
    if manager:
        with pytest.raises(RuleBroken):
            services.change_user(**change, manager=manager)
    else:
        assert services.change_user(**change, manager=None).manager is None
