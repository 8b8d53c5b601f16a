"""Verbs on users: add, change, switch off and on, list."""

from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction

from accounts import access
from accounts.models import User
from accounts.roles import Role
from accounts.services.joining import join_review
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


def check_username_is_free(username: str) -> None:
    """Raise RuleBroken for a name that somebody has, whatever the case."""
    if User.objects.filter(username__iexact=username).exists():
        raise RuleBroken("username_taken", "Somebody has this user name already.", field="username")


@transaction.atomic
def create_user(*, username: str, name: str, password: str, roles: list[str], email: str = "") -> User:
    """Add a person with a password: at the machine's command line, where the first administrator is made.

    On a page nobody knows another's password: `invite_user`. Raises RuleBroken.
    """
    check_roles(roles)
    check_username_is_free(username)
    user = User(username=username, name=name, email=email)
    set_password(user, password)
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    record("user.created", by=None, actor="command", about=user, detail={"roles": sorted(roles)})
    return user


@transaction.atomic
def change_user(
    *,
    by: User,
    user_id: UUID,
    name: str,
    email: str,
    roles: list[str],
    manager: User | None = None,
    reason: str = "",
    seen_version: int | None = None,
) -> User:
    """Change a person's name, address, manager and roles. Nobody changes her own roles; a sensitive one may wait.

    Raises Denied, Stale, WrongMove, RuleBroken.
    """
    access.check_may_manage_users(by)
    user = locked(user_id, seen_version)
    if manager is not None and manager.pk == user.pk:
        raise RuleBroken("manager", "Nobody is her own manager.", field="manager")
    user.name, user.email, user.manager = name, email, manager
    user.save()
    record("user.changed", by=by, about=user)
    join_review(by, user)
    if set(roles) != set(user.role_names):
        change_roles(by=by, user=user, roles=roles, reason=reason)
    return User.objects.get(pk=user.pk)


@transaction.atomic
def list_users(*, by: User) -> list[User]:
    """Everybody who can sign in, by name; the look is an event. Raises Denied."""
    access.check_may_manage_users(by)
    users = list(User.objects.people().with_roles().order_by("username"))
    record("user.list_viewed", by=by, detail={"count": len(users)})
    return users
