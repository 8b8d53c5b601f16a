"""Changes of rights: a sensitive one takes two people, by the verb and by the database; nobody is locked out."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts import services
from accounts.models import HospitalRole, RoleChange, User
from accounts.roles import Role
from common.errors import Denied, RuleBroken, Stale, WrongMove
from common.notices.models import Notice
from tests.accounts.making import make_role
from tests.factories import UserFactory, make_user
from tests.support import events
from tests.threads import together

SENSITIVE = [Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR]


def give(by: User, person: User, *roles: str, reason: str = "a new post") -> RoleChange | None:
    """Ask for these roles on top of nothing else; what waits then."""
    services.change_user(
        by=by, user_id=person.pk, name=person.name, email="", roles=list(roles), reason=reason
    )
    return RoleChange.objects.filter(subject=person).order_by("-created_at").first()


def roles_of(person: User) -> list[str]:
    return User.objects.get(pk=person.pk).role_names


@pytest.fixture
def waiting(administrator: User, compliance: User, clerk: User) -> RoleChange:
    """The administrator wants the clerk to read the log; the compliance officer could agree."""
    change = give(administrator, clerk, Role.COMPLIANCE_OFFICER)
    assert change is not None
    return change


@pytest.mark.parametrize("role", SENSITIVE)
def test_a_sensitive_role_waits_for_a_second_person(administrator, compliance, clerk, role):
    change = give(administrator, clerk, role)
    assert change.is_waiting
    assert roles_of(clerk) == ["records_clerk"]
    event = events("role_change.proposed", about=clerk)[0]
    assert event.action == "privilege-change"
    assert (event.detail["before"], event.detail["after"]) == (["records_clerk"], [role])
    assert [notice.recipient_id for notice in Notice.objects.filter(kind="role_change.proposed")] == [
        compliance.pk
    ]


def test_a_role_of_the_hospitals_own_with_a_sensitive_right_waits_too(administrator, compliance, clerk):
    role = make_role(administrator, "Log reader", {"review.view_log"})
    assert give(administrator, clerk, role.group.name).adds == ["review.view_log"]
    assert roles_of(clerk) == ["records_clerk"]


@pytest.mark.parametrize("roles", [[Role.ROI_SPECIALIST], [Role.RECORDS_CLERK, Role.CLINICIAN]])
def test_what_is_not_sensitive_is_in_force_at_once_and_kept(administrator, compliance, clerk, roles):
    change = give(administrator, clerk, *roles)
    assert (change.status, change.adds, change.decided_by) == ("applied", [], None)
    assert roles_of(clerk) == sorted(roles)
    assert events("user.roles_changed", about=clerk)[0].reason == "a new post"


def test_taking_a_sensitive_role_away_needs_nobody_else(administrator, compliance):
    assert give(administrator, compliance, Role.RECORDS_CLERK).status == "applied"
    assert roles_of(compliance) == ["records_clerk"]


def test_the_second_person_agrees_and_it_is_in_force(administrator, compliance, clerk, waiting):
    services.approve_change(by=compliance, change_id=waiting.pk)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.decided_by) == ("applied", compliance)
    assert roles_of(clerk) == ["compliance_officer"]
    event = events("role_change.approved", about=clerk)[0]
    assert (event.actor, event.detail["sensitive"]) == (compliance.username, waiting.adds)
    assert Notice.objects.get(kind="role_change.applied").recipient_id == administrator.pk


def test_the_second_person_declines_with_a_reason_and_nothing_changes(compliance, clerk, waiting):
    with pytest.raises(RuleBroken):
        services.decline_change(by=compliance, change_id=waiting.pk, reason=" ")
    services.decline_change(by=compliance, change_id=waiting.pk, reason="no need")
    assert roles_of(clerk) == ["records_clerk"]
    assert events("role_change.declined", about=clerk)[0].reason == "no need"


@pytest.mark.parametrize("who", ["proposer", "subject", "supervisor", "clinician"])
def test_nobody_else_decides(administrator, compliance, waiting, who):
    """Nor the subject, though she holds the right to agree to others' changes."""
    subject = UserFactory(
        roles=[make_role(administrator, "Agrees", {"accounts.approve_role_change"}).group.name]
    )
    if who == "subject":
        waiting = give(administrator, subject, Role.COMPLIANCE_OFFICER)
    people = {"proposer": administrator, "subject": subject}
    person = people.get(who) or make_user(Role.RECORDS_SUPERVISOR if who == "supervisor" else Role.CLINICIAN)
    for verb, more in ((services.approve_change, {}), (services.decline_change, {"reason": "no"})):
        with pytest.raises(Denied):
            verb(by=person, change_id=waiting.pk, **more)
    waiting.refresh_from_db()
    assert waiting.is_waiting


def test_only_the_proposer_withdraws(administrator, compliance, waiting):
    with pytest.raises(Denied):
        services.withdraw_change(by=compliance, change_id=waiting.pk)
    services.withdraw_change(by=administrator, change_id=waiting.pk)
    with pytest.raises(WrongMove):
        services.approve_change(by=compliance, change_id=waiting.pk)


def test_a_second_click_changes_nothing(compliance, clerk, waiting):
    services.approve_change(by=compliance, change_id=waiting.pk)
    with pytest.raises(WrongMove):
        services.approve_change(by=compliance, change_id=waiting.pk)
    assert len(events("role_change.approved", about=clerk)) == 1


def test_while_one_waits_no_other_change_of_the_same_person(administrator, clerk, waiting):
    with pytest.raises(WrongMove, match="waits"):
        give(administrator, clerk, Role.ROI_SPECIALIST)
    assert roles_of(clerk) == ["records_clerk"]


def test_agreeing_to_what_has_changed_meanwhile_is_refused(compliance, clerk, waiting):
    with transaction.atomic():
        clerk.groups.clear()
    with pytest.raises(Stale):
        services.approve_change(by=compliance, change_id=waiting.pk)


def test_agreeing_to_a_role_that_was_retired_meanwhile_is_refused(administrator, compliance, clerk):
    role = make_role(administrator, "Log reader", {"review.view_log"})
    change = give(administrator, clerk, role.group.name)
    services.retire_role(by=administrator, name=role.group.name)
    with pytest.raises(RuleBroken):
        services.approve_change(by=compliance, change_id=change.pk)
    assert roles_of(clerk) == ["records_clerk"]


def widen(by: User, role: HospitalRole, *more: str) -> None:
    services.change_role(
        by=by, name=role.group.name, label=role.label, description=role.description, purpose=role.purpose,
        needs_second_factor=False, rights=["patients.view_chart", "review.view_log", *more], reason="a wider post",
    )  # fmt: skip


def test_agreeing_to_a_role_that_grew_meanwhile_is_refused(administrator, compliance, clerk):
    """Nobody holds the role yet, so it is changed by one person: what was agreed to is what it was."""
    role = make_role(administrator, "Log reader", {"review.view_log"})
    change = give(administrator, clerk, role.group.name)
    widen(administrator, role, "accounts.manage_users")
    with pytest.raises(Stale):
        services.approve_change(by=compliance, change_id=change.pk)
    assert roles_of(clerk) == ["records_clerk"]


def test_agreeing_to_a_role_that_grew_by_nothing_sensitive_is_in_force(administrator, compliance, clerk):
    role = make_role(administrator, "Log reader", {"review.view_log"})
    change = give(administrator, clerk, role.group.name)
    widen(administrator, role)
    services.approve_change(by=compliance, change_id=change.pk)
    assert roles_of(clerk) == [role.group.name]


def test_a_new_user_with_a_sensitive_role_has_only_the_others_at_first(administrator, compliance):
    person, _ = services.invite_user(
        by=administrator,
        username="new.one",
        name="New One",
        roles=[Role.RECORDS_CLERK, Role.ADMINISTRATOR],
    )
    assert roles_of(person) == ["records_clerk"]
    services.approve_change(by=compliance, change_id=RoleChange.objects.get(subject=person).pk)
    assert roles_of(person) == ["administrator", "records_clerk"]


# -- a house with nobody else


def test_a_house_with_one_administrator_is_not_locked_out(administrator, clerk):
    change = give(administrator, clerk, Role.ADMINISTRATOR)
    assert (change.status, change.is_alone, change.decided_by) == ("applied", True, None)
    assert roles_of(clerk) == ["administrator"]
    assert events("user.roles_changed", about=clerk)[0].detail["second_person"] == "nobody else could agree"


def test_alone_she_must_say_why(administrator, clerk):
    with pytest.raises(RuleBroken, match="Say why"):
        give(administrator, clerk, Role.ADMINISTRATOR, reason="")
    assert roles_of(clerk) == ["records_clerk"]


def test_the_one_whom_it_is_about_is_no_second_person(administrator, compliance):
    """There is nobody but the two: she cannot agree to her own."""
    assert give(administrator, compliance, Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR).is_alone


@pytest.mark.parametrize("trick", ["deactivate", "take the role", "take the right"])
def test_nobody_makes_herself_alone(administrator, clerk, trick, monkeypatch):
    second = make_user(Role.ADMINISTRATOR)
    if trick == "deactivate":
        services.stop_user(by=administrator, user_id=second.pk, reason="left")
    elif trick == "take the role":
        give(administrator, second, Role.RECORDS_CLERK)
    else:
        role = make_role(administrator, "Agrees", {"accounts.approve_role_change", "patients.view_chart"})
        with transaction.atomic():
            second.groups.set([role.group])
        services.change_role(
            by=administrator, name=role.group.name, seen_version=None, **words(role, {"patients.view_chart"})
        )
    assert give(administrator, clerk, Role.ADMINISTRATOR).is_waiting
    services.withdraw_change(by=administrator, change_id=RoleChange.objects.get(subject=clerk).pk)
    monkeypatch.setattr("accounts.services.role_changes.ALONE_AFTER", timedelta(0))  # a week later
    assert give(administrator, clerk, Role.ADMINISTRATOR).is_alone


def words(role: Any, rights: set[str]) -> dict[str, Any]:
    """A role's fields as they are, with these rights."""
    return {
        "label": role.label,
        "description": role.description,
        "purpose": role.purpose,
        "needs_second_factor": role.needs_second_factor,
        "rights": sorted(rights),
    }


@pytest.mark.committed
def test_a_role_does_not_grow_while_it_is_being_given(committed):
    """One person sends both at once: nobody holds the role yet for the one, and it is not sensitive for the other."""
    administrator, clerk = make_user(Role.ADMINISTRATOR), make_user(Role.RECORDS_CLERK)
    make_user(Role.COMPLIANCE_OFFICER)
    role = make_role(administrator, "Given while it grows", {"patients.view_chart"})
    given, grown = Event(), Event()

    def work(number: int) -> None:
        if number:
            given.wait(10)
            widen(administrator, role)
            grown.set()
            return
        with transaction.atomic():
            give(administrator, clerk, role.group.name)
            given.set()
            grown.wait(1)

    together(work)
    assert roles_of(clerk) == [role.group.name]
    assert RoleChange.objects.get(role=role).is_waiting
    assert not User.objects.get(pk=clerk.pk).has_perm("review.view_log")


# -- the database's own hand


def row(**fields: Any) -> RoleChange:
    return RoleChange(before=[], after=["administrator"], **fields)


@pytest.mark.parametrize("wrong", ["own request", "about herself", "decides about herself", "nobody agreed"])
def test_the_database_refuses_what_one_person_does_alone(administrator, compliance, clerk, wrong):
    now = timezone.now()
    rows = {
        "own request": row(subject=clerk, proposed_by=administrator, decided_by=administrator),
        "about herself": row(subject=administrator, proposed_by=administrator, decided_by=compliance),
        "decides about herself": row(subject=compliance, proposed_by=administrator, decided_by=compliance),
        "nobody agreed": row(subject=clerk, proposed_by=administrator, adds=["accounts.manage_users"]),
    }
    change = rows[wrong]
    change.status, change.decided_at = "applied", now
    with pytest.raises(DatabaseError, match="role_change_"), transaction.atomic():
        change.save()


def test_the_database_refuses_a_decision_about_a_role_that_one_holds(administrator, compliance):
    role = make_role(administrator, "Held", {"patients.view_chart"})
    with transaction.atomic():
        compliance.groups.add(role.group)
    change = row(role=role, proposed_by=administrator, decided_by=compliance)
    change.status, change.decided_at = "applied", timezone.now()
    with pytest.raises(DatabaseError, match="has no part"), transaction.atomic():
        change.save()


@pytest.mark.parametrize("what", ["update", "delete"])
def test_the_database_keeps_what_was_decided(compliance, waiting, what):
    services.approve_change(by=compliance, change_id=waiting.pk)
    rows = RoleChange.objects.filter(pk=waiting.pk)
    with pytest.raises(DatabaseError, match="stays as it is"), transaction.atomic():
        rows.update(reason="another") if what == "update" else rows.delete()


@pytest.mark.committed
def test_two_agree_at_the_same_moment_and_one_wins(committed):
    proposer, first, second = (make_user(Role.ADMINISTRATOR, username=f"at.once.{n}") for n in range(3))
    person = make_user(Role.RECORDS_CLERK, username="at.once.clerk")
    change = give(proposer, person, Role.COMPLIANCE_OFFICER)
    people = [first, second]
    results = together(lambda number: services.approve_change(by=people[number], change_id=change.pk))
    assert sorted(type(result).__name__ for result in results) == ["RoleChange", "WrongMove"]
    assert len(events("role_change.approved", about=person)) == 1


# -- pages


def test_the_pages_lead_from_the_request_to_the_agreement(administrator, compliance, clerk, browse):
    asks, agrees = browse(administrator), browse(compliance)
    change = {
        "name": clerk.name,
        "email": "",
        "roles": ["compliance_officer"],
        "reason": "takes over",
        "version": clerk.version,
    }
    page = asks.post(f"/users/{clerk.pk}/", change, follow=True).content.decode()
    assert "wait until a second person has agreed" in page
    address = f"/role-changes/{RoleChange.objects.get(subject=clerk).pk}/"
    assert "somebody else decides" in asks.get(address).content.decode()
    assert asks.post(f"{address}approve/").status_code == 403
    assert (agrees.get("/counts/").json()["people"], asks.get("/counts/").json()["people"]) == (1, 0)
    assert "takes over" in agrees.get(address).content.decode()
    assert agrees.post(f"{address}decline/", {"reason": ""}).status_code == 422
    assert agrees.post(f"{address}approve/")["Location"] == address
    assert agrees.post(f"{address}approve/").status_code == 409
    assert roles_of(clerk) == ["compliance_officer"]
    assert clerk.display_name in agrees.get("/role-changes/").content.decode()


@pytest.mark.parametrize(
    "role", [Role.RECORDS_CLERK, Role.RECORDS_SUPERVISOR, Role.CLINICIAN, Role.ROI_SPECIALIST]
)
def test_others_see_no_change_of_rights(db, browse, waiting, role):
    client = browse(make_user(role))
    for address in ("/role-changes/", f"/role-changes/{waiting.pk}/"):
        assert client.get(address).status_code == 403
    for verb in ("approve", "decline", "withdraw"):
        assert (
            client.post(f"/role-changes/{waiting.pk}/{verb}/", {"reason": "x"}).status_code == 403
            or verb == "decline"
        )
    waiting.refresh_from_db()
    assert waiting.is_waiting


def test_the_list_needs_few_queries_however_long(administrator, browse, django_assert_max_num_queries):
    for _ in range(12):
        give(administrator, make_user(Role.RECORDS_CLERK), Role.CLINICIAN)
    client = browse(administrator)
    with django_assert_max_num_queries(8):
        assert len(client.get("/role-changes/").context["page"]) == 12
