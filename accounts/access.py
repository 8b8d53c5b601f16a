"""Who may do what with users, roles and tokens."""

from typing import Any

from accounts.models import ApiToken, HouseEmergency, RoleChange, User
from accounts.roles import Role
from common.errors import Denied, NotFound
from common.ids import as_uuid
from common.two_persons import check_second_person


def check_may_manage_users(user: User) -> None:
    """Administrators only."""
    if not user.has_perm("accounts.manage_users"):
        raise Denied("Only an administrator can manage users.", rule="role")


def check_may_view_system(user: User) -> None:
    """Administrators only."""
    if not user.has_perm("accounts.view_system"):
        raise Denied("Only an administrator can see the state of the system.", rule="role")


def check_may_declare_emergency(user: User) -> None:
    """Supervisors and administrators: whoever answers for the house at night."""
    if not user.has_perm("accounts.declare_emergency"):
        raise Denied("Your role does not declare emergencies.", rule="role")


def check_may_confirm_emergency(user: User, emergency: HouseEmergency) -> None:
    """A second person: nobody opens the house alone. The table refuses it too."""
    check_may_declare_emergency(user)
    check_second_person(
        user.pk, emergency.declared_by_id, words="A second person must confirm what you declared."
    )


def get_emergency_for(user: User, emergency_id: Any, *, lock: bool = False) -> HouseEmergency:
    """One of them, for whoever may declare them. Raises Denied, NotFound."""
    check_may_declare_emergency(user)
    key = as_uuid(emergency_id)
    rows = HouseEmergency.objects.select_for_update(of=("self",)) if lock else HouseEmergency.objects.all()
    found = rows.filter(pk=key).first() if key else None
    if found is None:
        raise NotFound
    return found


def check_is_not_self(user: User, other: User) -> None:
    """Nobody changes her own rights (separation of duties)."""
    if user.pk == other.pk:
        raise Denied("Another administrator must change your own rights.", rule="own rights")


def check_may_revoke(user: User, token: ApiToken) -> None:
    """One's own tokens, or anybody's for whoever manages users."""
    if token.user_id != user.pk:
        check_may_manage_users(user)


def check_may_stop(user: User) -> None:
    """Administrators and compliance officers."""
    if not user.has_perm("accounts.stop_users"):
        raise Denied("Your role does not stop anybody's access.", rule="role")


def check_is_person(person: User) -> None:
    """Service accounts are no people: nobody invites, stops or lets them in."""
    if Role.SERVICE in person.role_names:
        raise NotFound


def check_may_manage_roles(user: User) -> None:
    """Administrators only."""
    if not user.has_perm("accounts.manage_roles"):
        raise Denied("Only an administrator can make and change roles.", rule="role")


def check_may_view_rights(user: User) -> None:
    """Administrators, compliance officers, records supervisors."""
    if not user.has_perm("accounts.view_rights"):
        raise Denied("Your role does not see who can do what.", rule="role")


def check_may_oversee(user: User) -> None:
    """Administrators and compliance officers: whoever agrees to changes of rights looks after reviews too."""
    if not user.has_perm("accounts.approve_role_change"):
        raise Denied("Your role does not oversee access reviews.", rule="role")


def check_does_not_hold(user: User, role: str) -> None:
    """Nobody changes a role that she holds herself: it would change her own rights."""
    if role in user.role_names:
        raise Denied("You hold this role. Another administrator must change it.", rule="own rights")


def check_may_see_changes(user: User) -> None:
    """Whoever proposes changes of rights, or agrees to them."""
    if not (user.has_perm("accounts.manage_users") or user.has_perm("accounts.approve_role_change")):
        raise Denied("Your role has no part in changes of rights.", rule="role")


def check_may_decide(user: User, change: RoleChange) -> None:
    """A second person, whom it does not concern."""
    if not user.has_perm("accounts.approve_role_change"):
        raise Denied("Your role does not agree to changes of rights.", rule="role")
    check_second_person(
        user.pk, change.proposed_by_id, words="You proposed this. Somebody else must agree to it."
    )
    check_second_person(
        user.pk, change.subject_id, words="This is about your own rights. Somebody else decides."
    )
    if change.role is not None:
        check_does_not_hold(user, change.role.group.name)


def check_may_withdraw(user: User, change: RoleChange) -> None:
    """Whoever proposed it."""
    if change.proposed_by_id != user.pk:
        raise Denied("Only whoever proposed this can withdraw it.", rule="own proposal")
