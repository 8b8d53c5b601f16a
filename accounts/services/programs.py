"""Verbs on the accounts of interfaces: no password, tokens only, roles as for a person."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction

from accounts import access
from accounts.models import ApiToken, User
from accounts.services.role_changes import change_roles, check_roles
from accounts.services.tokens import issue_token
from audit.services import record
from common.errors import NotFound, RuleBroken


def _program(by: User, program_id: UUID) -> User:
    access.check_may_manage_users(by)
    program = User.objects.programs().select_for_update().filter(pk=program_id).first()
    if program is None:
        raise NotFound
    return program


@transaction.atomic
def make_program(*, by: User, username: str, name: str, roles: list[str], reason: str = "") -> User:
    """Add an account for an interface. Sensitive roles wait for a second person, as for anybody.

    Raises Denied, RuleBroken.
    """
    access.check_may_manage_users(by)
    check_roles(roles)
    if User.objects.filter(username__iexact=username).exists():
        raise RuleBroken("username_taken", "Somebody has this user name already.", field="username")
    program = User(username=username, name=name, is_program=True)
    program.set_unusable_password()
    program.save()
    record("user.created", by=by, about=program, reason="interface")
    change_roles(by=by, user=program, roles=roles, reason=reason)
    return program


@transaction.atomic
def issue_program_token(
    *, by: User, program_id: UUID, label: str, hours: int | None = None, scopes: Iterable[str] | None = None
) -> tuple[str, ApiToken]:
    """A token for an interface; its text is returned once. Raises Denied, NotFound, RuleBroken."""
    program = _program(by, program_id)
    if not program.is_active:
        raise RuleBroken("switched_off", "This interface is switched off.")
    return issue_token(by=by, user=program, label=label, hours=hours, scopes=scopes)


@transaction.atomic
def list_programs(*, by: User) -> list[User]:
    """Every interface, by name; the look is an event. Raises Denied."""
    access.check_may_manage_users(by)
    programs = list(User.objects.programs().with_roles().order_by("username"))
    record("user.list_viewed", by=by, detail={"count": len(programs), "kind": "interfaces"})
    return programs


@transaction.atomic
def switch_program(*, by: User, program_id: UUID, is_active: bool) -> User:
    """Switch an interface off (its tokens end with their next use) or on. Raises Denied, NotFound."""
    program = _program(by, program_id)
    if program.is_active != is_active:
        program.is_active = is_active
        program.version += 1
        program.save()
        record("user.activated" if is_active else "user.deactivated", by=by, about=program)
    return program
