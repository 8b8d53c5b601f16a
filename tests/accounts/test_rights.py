"""Rights: each has words, a verb that asks for it and a holder; a hospital's own role works everywhere."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import DatabaseError, transaction

from accounts import rights
from accounts.backends import RoleBackend
from accounts.models import HospitalRole, User
from accounts.roles import PERMISSIONS, PURPOSE, PURPOSES, Role
from patients.forms import EncounterForm
from records.release.forms import AssignForm
from records.release.services import intake
from tests.accounts.making import make_role
from tests.factories import EncounterFactory, PatientFactory, UserFactory, make_user
from tests.records.release.making import logged
from tests.support import at_most_queries

ROOT = Path(settings.BASE_DIR)
ROOMS = ("common", "audit", "accounts", "patients", "records", "config")
DECLARED = {"rights.py", "roles.py", "navigation.py"}


def named_by_models() -> set[str]:
    """The permissions that our models name, without those Django makes for each table."""
    return {
        f"{model._meta.app_label}.{codename}"
        for model in apps.get_models()
        if model.__module__.split(".")[0] in ROOMS
        for codename, _ in model._meta.permissions
    }


def asked_for() -> set[str]:
    """Texts of the code that asks; declarations and migrations left out."""
    texts = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if path.name not in DECLARED and "migrations" not in path.parts:
                nodes = ast.walk(ast.parse(path.read_text()))
                texts |= {node.value for node in nodes if isinstance(node, ast.Constant)}
    return texts


def at_a_request(person: User) -> User:
    """As the middleware finds her."""
    found = RoleBackend().get_user(person.pk)
    assert found is not None
    return found


def test_every_permission_has_words_and_every_right_is_a_permission(db):
    """Those that our models name, and of Django's own on tables those that a room took for its verb."""
    names = {right.name for right in rights.all_rights()}
    rows = Permission.objects.values_list("content_type__app_label", "codename")
    assert named_by_models() <= names <= {f"{label}.{codename}" for label, codename in rows}


def test_no_right_is_dead():
    """Some verb or page asks for it, and some role of the house holds it."""
    names = {right.name for right in rights.all_rights()}
    assert not names - asked_for()
    assert frozenset().union(*PERMISSIONS.values()) == names


def test_every_role_has_a_purpose_that_a_hospital_can_choose():
    assert set(PERMISSIONS) == set(PURPOSE) == set(Role)
    assert set(PURPOSE.values()) <= set(PURPOSES)


def test_the_groups_hold_exactly_what_the_code_says(db):
    for role in Role:
        held = Permission.objects.filter(group__name=role).values_list("content_type__app_label", "codename")
        assert {f"{label}.{codename}" for label, codename in held} == PERMISSIONS[role]


def test_a_right_is_registered_once_and_in_a_group_of_the_screen():
    with pytest.raises(ValueError, match="twice"):
        rights.register([rights.Right("accounts.view_system", "Something else", rights.PEOPLE)])
    with pytest.raises(ValueError, match="no group"):
        rights.register([rights.Right("accounts.new", "Words", "Elsewhere")])


def test_who_somebody_is_comes_in_one_query_with_a_role_of_the_hospitals_own(administrator):
    role = make_role(administrator, "Night registrar", {"documents.file_document"}, purpose="HOPERAT")
    person = UserFactory(roles=[role.group.name, Role.CLINICIAN])
    with at_most_queries(1):
        found = at_a_request(person)
        assert found.role_names == ["clinician", "night_registrar"]
        assert found.role_labels == ["Clinician", "Night registrar"]
        assert found.default_purpose == "TREAT"
        assert found.rights == PERMISSIONS[Role.CLINICIAN] | {"documents.file_document"}


@pytest.mark.parametrize("way", ["request", "row", "list"])
def test_the_words_of_a_role_are_the_same_whichever_way_somebody_is_read(administrator, way):
    role = make_role(administrator, "Night registrar", {"patients.view_chart"}, purpose="HPAYMT")
    person = UserFactory(roles=[role.group.name])
    found = {
        "request": lambda: at_a_request(person),
        "row": lambda: User.objects.get(pk=person.pk),
        "list": lambda: User.objects.with_roles().get(pk=person.pk),
    }[way]()
    assert (found.role_labels, found.default_purpose) == (["Night registrar"], "HPAYMT")


def test_nobody_has_rights_after_being_deactivated(administrator):
    assert administrator.rights
    gone = make_user(Role.ADMINISTRATOR, is_active=False)
    assert not gone.rights


def test_a_role_of_the_hospitals_own_works_in_frame_home_and_charts(administrator, browse):
    """As a records clerk who may not file: she opens every chart, is offered its room, and no more."""
    copied = PERMISSIONS[Role.RECORDS_CLERK] - {"documents.file_document"}
    role = make_role(administrator, "Registration desk", copied)
    person = UserFactory(roles=[role.group.name])
    client = browse(person)
    encounter = EncounterFactory()
    home = client.get("/")
    assert [item.label for item in home.context["navigation"]["rail"]] == ["Home", "Patients", "Requests"]
    assert "Registration desk" in home.content.decode()
    assert "no role yet" not in home.content.decode()
    assert client.get(encounter.patient.get_absolute_url()).status_code == 200
    assert client.get("/capture/").status_code == 403


@pytest.mark.parametrize(
    ("like", "templates"),
    [
        (Role.RECORDS_CLERK, ["home/_clerk.html"]),
        (Role.ROI_SPECIALIST, ["home/_roi.html"]),
        (Role.RECORDS_SUPERVISOR, ["home/_supervisor.html"]),
        (Role.CLINICIAN, ["home/_clinician.html"]),
        (Role.COMPLIANCE_OFFICER, ["home/_compliance.html", "home/_glass.html", "home/_refusals.html"]),
        (Role.ADMINISTRATOR, ["home/_administrator.html"]),
    ],
)
def test_a_copy_of_a_role_has_the_same_home(administrator, browse, like, templates):
    role = make_role(administrator, "A copy", PERMISSIONS[like])
    home = browse(UserFactory(roles=[role.group.name])).get("/")
    assert [part["template"] for part in home.context["parts"]] == templates


def test_a_scanner_without_registration_has_the_clerks_home(administrator, browse):
    role = make_role(administrator, "Scanner", {"documents.file_document", "documents.view_document"})
    home = browse(UserFactory(roles=[role.group.name])).get("/")
    assert [part["template"] for part in home.context["parts"]] == ["home/_clerk.html"]


def test_requests_are_given_to_whoever_works_on_them_whatever_the_role_is_called(administrator, roi):
    role = make_role(administrator, "Assistant", PERMISSIONS[Role.ROI_SPECIALIST])
    assistant = UserFactory(roles=[role.group.name])
    assert set(AssignForm().fields["assigned_to"].queryset) == {assistant, roi}
    row = intake.update_request(by=roi, request_id=logged(roi).pk, assigned_to=assistant)
    assert row.assigned_to == assistant


def test_whoever_may_attend_attends_and_opens_the_chart(administrator, clerk, browse):
    role = make_role(administrator, "House doctor", PERMISSIONS[Role.CLINICIAN])
    doctor = UserFactory(roles=[role.group.name])
    offered = EncounterForm(is_new=True, may_add_location=False).fields["attending"].queryset
    assert doctor in offered
    assert clerk not in offered
    patient = PatientFactory()
    assert browse(doctor).get(patient.get_absolute_url()).status_code == 403
    EncounterFactory(patient=patient, attending=doctor)
    assert browse(doctor).get(patient.get_absolute_url()).status_code == 200


def test_holding_lists_active_people_once_each_without_service_accounts(db):
    both = UserFactory(roles=[Role.ROI_SPECIALIST, Role.RECORDS_SUPERVISOR])
    make_user(Role.SERVICE)
    make_user(Role.ROI_SPECIALIST, is_active=False)
    make_user(Role.CLINICIAN)
    assert list(User.objects.holding("release.edit_request")) == [both]


@pytest.mark.committed
@pytest.mark.parametrize("change", ["label", "rights"])
def test_the_database_refuses_a_change_of_a_role_without_an_event(committed, change):
    administrator = make_user(Role.ADMINISTRATOR, username=f"maker.of.{change}")
    role = make_role(administrator, f"Own {change}", {"patients.view_chart"})
    with pytest.raises(DatabaseError, match="not written to the audit log"), transaction.atomic():
        if change == "label":
            HospitalRole.objects.filter(pk=role.pk).update(label=f"Other {change}")
        else:
            role.group.permissions.clear()
    assert role.group.permissions.count() == 1
