"""Verbs on users: add, change, switch off and on, list."""

from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from accounts import access, rights
from accounts.models import User
from accounts.rolebook import rights_of
from accounts.roles import Role
from accounts.services.passwords import set_password
from accounts.services.role_changes import change_roles, check_roles
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
    check_roles(roles)
    if User.objects.filter(username__iexact=username).exists():
        raise RuleBroken("username_taken", "Somebody has this user name already.", field="username")
    user = User(username=username, name=name, email=email)
    set_password(user, password)
    user.save()
    at_once = roles if by is None else [name for name in roles if not rights.sensitive(rights_of([name]))]
    user.groups.set(Group.objects.filter(name__in=at_once))
    record("user.created", by=by, actor="command", about=user, detail={"roles": sorted(at_once)})
    if by is not None and set(at_once) != set(roles):
        change_roles(by=by, user=user, roles=roles, reason="new user")
    return user


@transaction.atomic
def change_user(
    *,
    by: User,
    user_id: UUID,
    name: str,
    email: str,
    roles: list[str],
    reason: str = "",
    seen_version: int | None = None,
) -> User:
    """Change a person's name, address and roles. Nobody changes her own roles; a sensitive one may have to wait.

    Raises Denied, Stale, WrongMove, RuleBroken.
    """
    access.check_may_manage_users(by)
    user = locked(user_id, seen_version)
    user.name, user.email = name, email
    user.save()
    record("user.changed", by=by, about=user)
    if set(roles) != set(user.role_names):
        change_roles(by=by, user=user, roles=roles, reason=reason)
    return User.objects.get(pk=user.pk)


@transaction.atomic
def set_active(*, by: User, user_id: UUID, is_active: bool) -> User:
    """Deactivate (ends sessions at their next request, and tokens) or activate. Raises Denied."""
    access.check_may_manage_users(by)
    user = locked(user_id, None)
    access.check_is_not_self(by, user)
    if user.is_active != is_active:
        user.is_active = is_active
        user.deactivated_at = None if is_active else timezone.now()
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
