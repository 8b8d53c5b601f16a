"""Roles that a hospital makes: make, change, retire; who may; and the matrix of who can do what."""

import csv
import io
from typing import Any

import pytest

from accounts import rights, services
from accounts.models import HospitalRole, RoleChange, User
from accounts.roles import PERMISSIONS, Role
from common.errors import Denied, RuleBroken, Stale, WrongMove
from common.ids import uuid7
from tests.accounts.making import make_role
from tests.factories import UserFactory, make_user
from tests.support import at_most_queries, events

NEW = {
    "label": "Night registrar",
    "description": "Registers at night.",
    "purpose": "RECORDMGT",
    "rights": ["patients.view_chart", "patients.search_patients"],
}


def change(by: User, role: HospitalRole, **fields: Any) -> Any:
    """Change what is named, keep the rest."""
    values = {
        "label": role.label,
        "description": role.description,
        "purpose": role.purpose,
        "needs_second_factor": role.needs_second_factor,
        "rights": sorted(name for name in rights_of(role)),
        **fields,
    }
    return services.change_role(by=by, name=role.group.name, **values)


def rights_of(role: HospitalRole) -> set[str]:
    rows = role.group.permissions.values_list("content_type__app_label", "codename")
    return {f"{label}.{codename}" for label, codename in rows}


def test_a_role_is_made_once_however_often_the_button_is_pressed(administrator, browse):
    client, once = browse(administrator), str(uuid7())
    first = client.post("/roles/new/", {**NEW, "once": once})
    second = client.post("/roles/new/", {**NEW, "once": once})
    assert first["Location"] == second["Location"] == "/roles/night_registrar/"
    role = HospitalRole.objects.get(label="Night registrar")
    assert rights_of(role) == set(NEW["rights"])
    event = events("role.made", about=role)[0]
    assert (event.action, event.detail["before"], event.detail["after"]) == (
        "privilege-change",
        [],
        sorted(NEW["rights"]),
    )
    assert client.get(first["Location"]).status_code == 200


def test_a_copy_starts_with_the_rights_of_the_other(administrator, browse):
    form = browse(administrator).get("/roles/new/?copy=clinician").context["form"]
    chosen = {right.name for _, found in form.groups() for right, is_chosen in found if is_chosen}
    assert chosen == PERMISSIONS[Role.CLINICIAN]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"label": "records CLERK"}, "label"),
        ({"label": ""}, "label"),
        ({"rights": []}, "rights"),
        ({"rights": ["accounts.delete_user"]}, "rights"),
        ({"purpose": "NOTHING"}, "purpose"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(administrator, browse, wrong, field):
    answer = browse(administrator).post("/roles/new/", {**NEW, **wrong})
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not HospitalRole.objects.exists()


@pytest.mark.parametrize("label", ["Administrator ", " records  clerk", "SERVICE account"])
def test_a_label_is_taken_whatever_its_case_and_blanks(administrator, label):
    with pytest.raises(RuleBroken) as refused:
        services.make_role(by=administrator, **{**NEW, "label": label, "needs_second_factor": False})
    assert refused.value.code == "label_taken"


@pytest.mark.parametrize("label", ["Administrator!", "service", "records_clerk"])
def test_no_role_takes_the_lasting_name_of_another(administrator, label):
    made = services.make_role(by=administrator, **{**NEW, "label": label, "needs_second_factor": False})
    assert made.group.name not in Role.values
    assert rights_of(made) == set(NEW["rights"])


def test_a_change_acts_at_once_with_before_and_after_in_the_log(administrator, browse):
    role = make_role(administrator, "Desk", {"patients.search_patients"})
    person = browse(UserFactory(roles=[role.group.name]))
    assert person.get("/release/").status_code == 403
    change(administrator, role, rights=["patients.search_patients", "release.view_request"])
    assert person.get("/release/").status_code == 200
    event = events("role.rights_changed", about=role)[0]
    assert event.detail["before"] == ["patients.search_patients"]
    assert event.detail["after"] == ["patients.search_patients", "release.view_request"]
    assert events("role.changed", about=role)


def test_a_sensitive_right_waits_when_somebody_would_get_it(administrator, compliance, browse):
    role = make_role(administrator, "Desk", {"patients.view_chart"})
    UserFactory(roles=[role.group.name])
    _, waiting = change(administrator, role, rights=["patients.view_chart", "review.view_log"])
    assert waiting.is_waiting
    assert rights_of(role) == {"patients.view_chart"}
    services.approve_change(by=compliance, change_id=waiting.pk)
    assert rights_of(role) == {"patients.view_chart", "review.view_log"}


def test_a_sensitive_right_of_a_role_that_nobody_holds_waits_only_when_it_is_given(administrator, compliance):
    role = make_role(administrator, "Desk", {"patients.view_chart"})
    _, done = change(administrator, role, rights=["review.view_log"])
    assert (done.status, rights_of(role)) == ("applied", {"review.view_log"})


def test_nobody_changes_or_retires_a_role_that_she_holds(administrator):
    role = make_role(administrator, "Desk", {"accounts.manage_roles"})
    holder = UserFactory(roles=[role.group.name])
    for attempt in (
        lambda: change(holder, role, rights=["accounts.manage_roles", "accounts.view_system"]),
        lambda: services.retire_role(by=holder, name=role.group.name),
    ):
        with pytest.raises(Denied, match="You hold this role"):
            attempt()


def test_who_holds_the_role_does_not_agree_to_its_change(administrator):
    role = make_role(administrator, "Desk", {"accounts.approve_role_change"})
    holder = UserFactory(roles=[role.group.name])
    make_user(Role.COMPLIANCE_OFFICER)
    _, waiting = change(administrator, role, rights=["accounts.approve_role_change", "review.view_log"])
    with pytest.raises(Denied):
        services.approve_change(by=holder, change_id=waiting.pk)


def test_the_second_of_two_administrators_is_told(administrator, browse):
    role = make_role(administrator, "Desk", {"patients.view_chart"})
    change(administrator, role, label="Front desk", seen_version=role.version)
    with pytest.raises(Stale):
        change(administrator, role, label="Back desk", seen_version=role.version)


def test_a_role_is_retired_when_nobody_holds_it_and_never_deleted(administrator, browse):
    role = make_role(administrator, "Desk", {"patients.view_chart"})
    person, left = UserFactory(roles=[role.group.name]), UserFactory(roles=[role.group.name], is_active=False)
    client = browse(administrator)
    assert client.post(f"/roles/{role.group.name}/retire/").status_code == 409
    services.change_user(by=administrator, user_id=person.pk, name="P", email="", roles=["clinician"])
    assert client.post(f"/roles/{role.group.name}/retire/")["Location"] == "/roles/"
    role.refresh_from_db()
    assert role.retired_at
    assert User.objects.get(pk=left.pk).role_names == []
    assert events("role.retired", about=role)[0].detail["taken_from"] == [left.username]
    assert "desk" not in dict(client.get(f"/users/{person.pk}/").context["form"].fields["roles"].choices)
    with pytest.raises(WrongMove):
        change(administrator, role, label="Again")
    with pytest.raises(RuleBroken):
        services.change_user(by=administrator, user_id=person.pk, name="P", email="", roles=["desk"])
    assert client.get(f"/roles/{role.group.name}/").status_code == 200


@pytest.mark.parametrize("name", ["records_clerk", "administrator", "nothing"])
def test_the_roles_of_the_house_cannot_be_changed(administrator, browse, name):
    client = browse(administrator)
    for address in (f"/roles/{name}/change/", f"/roles/{name}/retire/"):
        assert client.post(address, {**NEW, "reason": ""}).status_code in {403, 404}


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.ADMINISTRATOR, Role.SERVICE}])
def test_others_make_change_and_retire_no_role(administrator, browse, role):
    own = make_role(administrator, "Desk", {"patients.view_chart"})
    client = browse(make_user(role))
    for address in ("/roles/new/", "/roles/desk/change/", "/roles/desk/retire/"):
        assert client.post(address, {**NEW, "reason": ""}).status_code == 403
    own.refresh_from_db()
    assert (own.label, own.retired_at, HospitalRole.objects.count()) == ("Desk", None, 1)


# -- who can do what

SEES = {Role.ADMINISTRATOR, Role.COMPLIANCE_OFFICER, Role.RECORDS_SUPERVISOR}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
@pytest.mark.parametrize("address", ["/rights/", "/rights/export/", "/roles/", "/roles/clinician/"])
def test_the_matrix_is_for_whoever_answers_for_rights(db, browse, role, address):
    assert browse(make_user(role)).get(address).status_code == (200 if role in SEES else 403)


def test_the_matrix_says_what_the_code_and_the_rows_say(administrator, browse):
    own = make_role(administrator, "Desk", {"patients.view_chart"})
    page = browse(administrator).get("/rights/")
    sheets = page.context["roles"]
    shown = {
        sheet.name: {
            right.name
            for _, lines in page.context["lines"]
            for right, marks in lines
            if marks[sheets.index(sheet)]
        }
        for sheet in sheets
    }
    assert shown == {**{role.value: set(PERMISSIONS[role]) for role in Role}, "desk": rights_of(own)}
    assert len(events("rights.viewed")) == 1


def test_the_file_holds_the_same_and_taking_it_is_an_event(administrator, browse):
    make_role(administrator, "=Desk", {"patients.view_chart"})
    answer = browse(administrator).get("/rights/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="who-can-do-what.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert "'=Desk" in rows[0]
    clerk = {row["Name"] for row in rows if row["Records clerk"] == "yes"}
    assert clerk == PERMISSIONS[Role.RECORDS_CLERK]
    assert len([row for row in rows if row["Name"]]) == len(rights.all_rights())
    assert len(events("rights.exported")) == 1


@pytest.mark.parametrize("own", [1, 12])
def test_the_matrix_needs_few_queries_however_many_roles(administrator, browse, own):
    for number in range(own):
        make_role(administrator, f"Desk {number}", {"patients.view_chart"})
    client = browse(administrator)
    with at_most_queries(8):
        assert len(client.get("/rights/").context["roles"]) == own + len(Role)


def test_names_of_holders_are_for_whoever_manages_users(administrator, supervisor, clerk, browse):
    assert clerk.display_name in browse(administrator).get("/roles/records_clerk/").content.decode()
    assert clerk.display_name not in browse(supervisor).get("/roles/records_clerk/").content.decode()
    assert not RoleChange.objects.exists()
