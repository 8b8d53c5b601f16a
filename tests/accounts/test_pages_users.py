"""The administrator's users: add, change, deactivate; and nobody else's."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from common.ids import uuid7
from tests.factories import make_user
from tests.support import events

NEW = {
    "username": "new.clerk",
    "name": "Nora Example",
    "email": "",
    "roles": ["records_clerk"],
}


LEAVES = {"last_day": "2026-01-31", "reason": "moved away"}


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.ADMINISTRATOR, Role.SERVICE}])
@pytest.mark.parametrize("address", ["/users/", "/users/new/", "/users/{pk}/", "/system/"])
def test_only_an_administrator_sees_users_and_system(db, browse, clerk, role, address):
    user = make_user(role)
    answer = browse(user).get(address.format(pk=clerk.pk))
    assert answer.status_code == 403
    assert clerk.username not in answer.content.decode()


@pytest.mark.parametrize("action", ["leave", "activate", "link/new"])
def test_only_an_administrator_switches_users_off_and_on(browse, clerk, supervisor, action):
    assert browse(supervisor).post(f"/users/{clerk.pk}/{action}/").status_code == 403
    assert User.objects.get(pk=clerk.pk).is_active


def test_the_list_shows_role_state_and_last_sign_in_and_is_an_event(administrator, clerk, browse):
    page = browse(administrator).get("/users/").content.decode()
    assert clerk.username in page
    assert "Records clerk" in page
    assert "never" in page
    assert len(events("user.list_viewed")) == 1


def test_a_user_is_added_once_however_often_the_button_is_pressed(administrator, browse):
    client = browse(administrator)
    once = str(uuid7())
    first = client.post("/users/new/", {**NEW, "once": once})
    second = client.post("/users/new/", {**NEW, "once": once})
    added = User.objects.get(username="new.clerk")
    assert first["Location"] == second["Location"] == f"/users/{added.pk}/link/"
    assert added.role_names == ["records_clerk"]
    assert len(events("user.invited", about=added)) == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "bad name"}, "username"),
        ({"username": "TAKEN"}, "username"),
        ({"roles": []}, "roles"),
        ({"roles": ["service"]}, "roles"),
        ({"name": ""}, "name"),
        ({"email": "not an address"}, "email"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(administrator, browse, change, field):
    make_user(Role.CLINICIAN, username="taken")
    before = User.objects.count()
    answer = browse(administrator).post("/users/new/", {**NEW, **change})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert User.objects.count() == before


def test_name_and_roles_change_with_before_and_after_in_the_log(administrator, clerk, browse):
    change = {"name": "Another Name", "email": "", "roles": ["roi_specialist"], "version": clerk.version}
    answer = browse(administrator).post(f"/users/{clerk.pk}/", change)
    assert answer["Location"] == f"/users/{clerk.pk}/"
    changed = User.objects.get(pk=clerk.pk)
    assert (changed.name, changed.role_names) == ("Another Name", ["roi_specialist"])
    event = events("user.roles_changed", about=changed)[0]
    assert event.detail["before"] == ["records_clerk"]
    assert event.detail["after"] == ["roi_specialist"]


def test_the_second_of_two_administrators_is_told_and_keeps_what_was_typed(administrator, clerk, browse):
    client = browse(administrator)
    change = {"name": "First", "email": "", "roles": ["records_clerk"], "version": clerk.version}
    client.post(f"/users/{clerk.pk}/", change)
    late = client.post(f"/users/{clerk.pk}/", {**change, "name": "Second"})
    assert late.status_code == 422
    assert "Somebody else changed this" in late.content.decode()
    assert 'value="Second"' in late.content.decode()
    assert User.objects.get(pk=clerk.pk).name == "First"


def test_nobody_changes_her_own_rights(administrator, browse):
    client = browse(administrator)
    for way in ({"path": "leave", **LEAVES}, {"path": "link/new"}, {"path": "activate"}):
        address = f"/users/{administrator.pk}/{way.pop('path')}/"
        assert client.post(address, way).status_code == 403
    stop = {"username": administrator.username, "reason": "x"}
    assert client.post("/users/stop/", stop).status_code == 403
    change = {"name": "Me", "email": "", "roles": ["records_clerk"], "version": administrator.version}
    assert client.post(f"/users/{administrator.pk}/", change).status_code == 403
    assert User.objects.get(pk=administrator.pk).role_names == ["administrator"]
    assert "Another administrator" in client.get(f"/users/{administrator.pk}/").content.decode()


def test_deactivating_ends_and_activating_restores(administrator, clerk, browse):
    client, clerks = browse(administrator), browse(clerk)
    yesterday = timezone.localdate() - timedelta(days=1)
    client.post(f"/users/{clerk.pk}/leave/", {"last_day": yesterday.isoformat(), "reason": "moved"})
    assert clerks.get("/account/").status_code == 302
    assert "Deactivated" in client.get(f"/users/{clerk.pk}/").content.decode()
    client.post(f"/users/{clerk.pk}/activate/")
    assert User.objects.get(pk=clerk.pk).is_active
    assert len(events("user.deactivated", about=clerk)) == len(events("user.activated", about=clerk)) == 1


def test_a_user_that_is_not_there_is_not_found(administrator, browse):
    assert browse(administrator).get(f"/users/{uuid7()}/").status_code == 404


@pytest.mark.parametrize("action", ["leave", "activate", "link/new"])
def test_nobody_is_switched_who_is_not_there(administrator, browse, action):
    assert browse(administrator).post(f"/users/{uuid7()}/{action}/").status_code == 404
    assert len(events("access.denied")) == 1


@pytest.mark.parametrize("others", [1, 20])
def test_the_list_needs_few_queries_however_long(
    administrator, browse, django_assert_max_num_queries, others
):
    for _ in range(others):
        make_user(Role.CLINICIAN)
    client = browse(administrator)
    with django_assert_max_num_queries(12):
        assert len(client.get("/users/").context["people"]) == others + 1
