"""Verbs on users: add, change, switch off and on, list."""

from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction

from accounts import access
from accounts.models import User
from accounts.roles import Role
from accounts.services.passwords import set_password
from accounts.services.rows import locked
from audit.services import record
from common.errors import RuleBroken


def service_account(name: str) -> User:
    """The account that background work of this name acts as; made when first asked for."""
    username = f"system:{name}"
    found = User.objects.prefetch_related("groups").filter(username=username).first()
    if found:
        return found
    with transaction.atomic():
        user, is_new = User.objects.get_or_create(
            username=username, defaults={"name": f"Chartroom ({name})", "password": "!"}
        )
        if is_new:
            user.groups.add(Group.objects.get(name=Role.SERVICE))
            record("user.created", by=user, about=user, reason="service account")
    return User.objects.prefetch_related("groups").get(pk=user.pk)


@transaction.atomic
def create_user(
    *, by: User | None, username: str, name: str, password: str, roles: list[str], email: str = ""
) -> User:
    """Add a person. `by=None` is the command line (first administrator). Raises Denied, RuleBroken."""
    if by is not None:
        access.check_may_manage_users(by)
    unknown = set(roles) - set(Role.values) | ({Role.SERVICE.value} & set(roles))
    if unknown or not roles:
        raise RuleBroken("unknown_role", "Choose at least one of the roles.", field="roles")
    if User.objects.filter(username__iexact=username).exists():
        raise RuleBroken("username_taken", "Somebody has this user name already.", field="username")
    user = User(username=username, name=name, email=email)
    set_password(user, password)
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    record("user.created", by=by, actor="command", about=user, detail={"roles": sorted(roles)})
    return user


@transaction.atomic
def change_user(
    *, by: User, user_id: UUID, name: str, email: str, roles: list[str], seen_version: int | None = None
) -> User:
    """Change a person's name, address and roles. Nobody changes her own roles. Raises Denied, Stale, RuleBroken."""
    access.check_may_manage_users(by)
    user = locked(user_id, seen_version)
    if set(roles) != set(user.role_names):
        access.check_is_not_self(by, user)
        if not roles or set(roles) - set(Role.values):
            raise RuleBroken("unknown_role", "Choose at least one of the roles.", field="roles")
    before = user.role_names
    user.name, user.email = name, email
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    record("user.changed", by=by, about=user, detail={"roles_before": before, "roles_after": sorted(roles)})
    return User.objects.get(pk=user.pk)


@transaction.atomic
def set_active(*, by: User, user_id: UUID, is_active: bool) -> User:
    """Deactivate (ends sessions at their next request, and tokens) or activate. Raises Denied."""
    access.check_may_manage_users(by)
    user = locked(user_id, None)
    access.check_is_not_self(by, user)
    if user.is_active != is_active:
        user.is_active = is_active
        user.save()
        record("user.activated" if is_active else "user.deactivated", by=by, about=user)
    return user


@transaction.atomic
def list_users(*, by: User) -> list[User]:
    """Everybody who can sign in, by name; the look is an event. Raises Denied."""
    access.check_may_manage_users(by)
    users = list(User.objects.people().with_roles().order_by("username"))
    record("user.list_viewed", by=by, detail={"count": len(users)})
    return users
