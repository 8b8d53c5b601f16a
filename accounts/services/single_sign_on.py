"""Verbs on who somebody is at the hospital's single sign-on."""

from typing import Any

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import single_sign_on
from accounts.backends import RoleBackend
from accounts.models import Identity, User
from accounts.services.telling import tell
from accounts.services.users import service_account
from accounts.single_sign_on import NotBelieved, Provider
from audit.services import record
from common.errors import RuleBroken
from common.notices.models import Tone

ACTOR = "single-sign-on"


def refuse_single_sign_on(*, code: str) -> None:
    """Write that an answer of the provider was not believed, or led to nobody."""
    with transaction.atomic():
        record(
            "user.sign_in_failed",
            by=None,
            actor=f"system:{ACTOR}",
            outcome="failed",
            reason=f"single sign-on: {code}",
        )


@transaction.atomic
def recognise(*, by: Provider, claims: dict[str, Any]) -> User:
    """The user whose subject this is, with the roles that the provider gives her now; made, where the rule says so.

    Never by name or mail address: they may be given to somebody else. Raises NotBelieved with `unknown`, `taken`,
    `no role` or `disabled`.
    """
    roles = single_sign_on.roles_in(by, claims) if by.roles else None
    if roles == []:
        raise NotBelieved("no role")
    identity = (
        Identity.objects.select_for_update(of=["self"])
        .select_related("user")
        .filter(issuer=by.issuer, subject=claims["sub"])
        .first()
    )
    user = identity.user if identity else _made(by, claims, roles or [])
    if roles is not None:
        _give_roles(user, roles)
    Identity.objects.filter(user=user, issuer=by.issuer).update(last_used_at=timezone.now())
    known = RoleBackend().get_user(user.pk)
    if known is None:
        raise NotBelieved("disabled")
    return known


def _made(by: Provider, claims: dict[str, Any], roles: list[str]) -> User:
    """Somebody new. Whoever has the name already is not touched: she connects her account herself."""
    username = str(claims.get(by.username_claim) or "")[:60]
    if not by.makes_users:
        raise NotBelieved("unknown")
    if User.objects.filter(username__iexact=username).exists():
        raise NotBelieved("taken")
    user = User(username=username, name=str(claims.get("name") or username)[:120])
    user.set_unusable_password()
    try:
        User._meta.get_field("username").clean(username, user)
        User._meta.get_field("name").clean(user.name, user)
    except ValidationError as error:
        raise NotBelieved("unknown") from error
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    Identity.objects.create(user=user, issuer=by.issuer, subject=claims["sub"])
    record(
        "user.created",
        by=service_account(ACTOR),
        about=user,
        detail={"roles": roles, "issuer": by.issuer},
        reason="first single sign-on",
    )
    return user


def _give_roles(user: User, roles: list[str]) -> None:
    """Exactly these: the provider decides, at each sign-in."""
    before = sorted(user.groups.values_list("name", flat=True))
    wanted = list(Group.objects.filter(name__in=roles))
    after = sorted(group.name for group in wanted)
    if before == after:
        return
    user.groups.set(wanted)
    record(
        "user.changed",
        by=service_account(ACTOR),
        about=user,
        detail={"roles_before": before, "roles_after": after},
        reason="roles given by single sign-on",
    )
    tell(user, "account.roles", "Your roles were changed by single sign-on.", tone=Tone.DUE)


@transaction.atomic
def connect_identity(*, by: User, issuer: str, subject: str) -> Identity:
    """Let this subject sign in as `by`. Raises RuleBroken when it is somebody's already, or she has one."""
    if Identity.objects.filter(issuer=issuer, subject=subject).exists():
        raise RuleBroken("identity_taken", "That sign-on belongs to an account already.")
    if Identity.objects.filter(issuer=issuer, user=by).exists():
        raise RuleBroken(
            "identity_known", "Your account is connected to another sign-on. Disconnect that first."
        )
    identity = Identity.objects.create(user=by, issuer=issuer, subject=subject)
    record("identity.connected", by=by, about=by, detail={"issuer": issuer})
    tell(by, "account.single_sign_on", "Your account is connected to single sign-on now.", tone=Tone.GOOD)
    return identity


@transaction.atomic
def disconnect_identity(*, by: User) -> None:
    """Let no sign-on sign in as `by` any more. Raises RuleBroken for somebody without a password."""
    user = User.objects.select_for_update().get(pk=by.pk)
    if not user.has_usable_password():
        raise RuleBroken(
            "no_password", "You have no password here: without single sign-on you could not sign in."
        )
    removed, _ = Identity.objects.filter(user=user).delete()
    if removed:
        record("identity.disconnected", by=by, about=by)
        tell(
            user,
            "account.single_sign_on",
            "Your account is no longer connected to single sign-on.",
            tone=Tone.DUE,
        )
