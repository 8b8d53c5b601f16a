"""A user's life: invited, let in, leaving, stopped in an emergency, let in again. Nobody is ever deleted."""

import hashlib
import secrets
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import access, rights
from accounts.models import ApiToken, Invitation, User
from accounts.rolebook import rights_of
from accounts.services.joining import join_review
from accounts.services.mailing import goes_by_mail, mail_link
from accounts.services.passwords import set_password
from accounts.services.role_changes import change_roles, check_roles, rights_to_give
from accounts.services.rows import locked
from accounts.services.sittings import end_all_sessions
from accounts.services.users import check_username_is_free, service_account
from audit.services import record
from common.errors import NotFound, RuleBroken
from common.notices.models import Tone
from common.notices.services import notify


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _make_link(by: User, user: User, site: str) -> tuple[str, Invitation]:
    now = timezone.now()
    for earlier in Invitation.objects.select_for_update().filter(user=user, used_at=None, expires_at__gt=now):
        earlier.expires_at = now
        earlier.save(update_fields=["expires_at"])
    text = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        user=user,
        digest=_digest(text),
        expires_at=now + timedelta(hours=settings.INVITATION_HOURS),
        made_by=by,
    )
    if site and goes_by_mail(user):
        mail_link(by, invitation, text, site)
    return text, invitation


def _not_sensitive(names: list[str]) -> list[str]:
    return [name for name in names if not rights.sensitive(rights_to_give([name]))]


@transaction.atomic
def invite_user(
    *,
    by: User,
    username: str,
    name: str,
    roles: list[str],
    email: str = "",
    manager: User | None = None,
    site: str = "",
) -> tuple[User, str]:
    """Add a person without a password, and the text of the link by which she sets one: told this once.

    With `site` (scheme and host of the pages) it is mailed too, where mail is configured and she has an address.
    Roles that bring a sensitive right wait for a second person. Raises Denied, RuleBroken.
    """
    access.check_may_manage_users(by)
    check_roles(roles)
    check_username_is_free(username)
    user = User(username=username, name=name, email=email, manager=manager)
    user.set_unusable_password()
    user.save()
    at_once = _not_sensitive(roles)
    user.groups.set(Group.objects.filter(name__in=at_once))
    text, invitation = _make_link(by, user, site)
    record(
        "user.invited",
        by=by,
        about=user,
        detail={"roles": sorted(at_once), "link_ends_at": invitation.expires_at},
    )
    join_review(by, user)
    if set(at_once) != set(roles):
        change_roles(by=by, user=user, roles=roles, reason="new user")
    return user, text


@transaction.atomic
def new_link(*, by: User, user_id: UUID, site: str = "") -> str:
    """Another link for somebody who lost hers or forgot her password; mailed like the first. Earlier links end.

    Whoever could agree to her rights is told, and she is: a link in the wrong hands is an account in the wrong hands.
    Raises NotFound, Denied, RuleBroken.
    """
    access.check_may_manage_users(by)
    user = locked(user_id, None)
    access.check_is_not_self(by, user)
    access.check_is_person(user)
    if not user.is_active:
        raise RuleBroken("deactivated", "This person is deactivated. Let her in again first.")
    text, invitation = _make_link(by, user, site)
    record("user.link_made", by=by, about=user, detail={"link_ends_at": invitation.expires_at})
    words = f"{by.display_name} made a link by which the password of {user.display_name} can be set."
    notify([user.pk], kind="user.link_made", text=words, url=reverse("accounts:account"))
    if rights.sensitive(rights_of(user.role_names)):
        others = User.objects.holding("accounts.approve_role_change").exclude(pk__in=[by.pk, user.pk])
        notify(
            others.values_list("pk", flat=True),
            kind="user.link_made",
            tone=Tone.DUE,
            text=words,
            url=reverse("accounts:role-changes"),
        )
    return text


def invited(text: str) -> User:
    """Whose usable link this is. Raises NotFound alike for one that is used, expired or made up."""
    found = Invitation.objects.usable().select_related("user").filter(digest=_digest(text)).first()
    if found is None:
        raise NotFound("This link has been used or has expired. Ask your administrator for a new one.")
    return found.user


@transaction.atomic
def accept_invitation(*, text: str, password: str) -> User:
    """Set the password by a link, which ends with it. Raises NotFound, RuleBroken (weak)."""
    user = locked(invited(text).pk, None)
    rows = Invitation.objects.usable().select_for_update(of=("self",))
    invitation = rows.filter(digest=_digest(text)).first()
    if invitation is None:
        raise NotFound("This link has been used or has expired. Ask your administrator for a new one.")
    set_password(user, password)
    user.save()
    invitation.used_at = timezone.now()
    invitation.save(update_fields=["used_at"])
    record(
        "user.password_set",
        by=user,
        about=user,
        reason="by a link",
        detail={"made_by": invitation.made_by_id},
    )
    return user


def _end_tokens(user: User) -> int:
    now = timezone.now()
    tokens = list(ApiToken.objects.select_for_update().filter(user=user, revoked_at=None))
    for token in tokens:
        token.revoked_at = now
        token.save(update_fields=["revoked_at"])
    for link in Invitation.objects.select_for_update().filter(user=user, used_at=None, expires_at__gt=now):
        link.expires_at = now
        link.save(update_fields=["expires_at"])
    return len(tokens)


def _switch_off(user: User) -> dict[str, Any]:
    """Nobody signs in with this name any more. Sessions, tokens and links end for good: whoever is let in again signs
    in again, and a browser in the wrong hands stays out.
    """
    user.is_active, user.deactivated_at = False, timezone.now()
    user.save()
    return {
        "roles": user.role_names,
        "sessions_ended": end_all_sessions(user),
        "tokens_ended": _end_tokens(user),
    }


@transaction.atomic
def leave(*, by: User, user_id: UUID, last_day: date, reason: str) -> User:
    """Somebody leaves: she is let in until the end of her last day; one that is past switches her off at once.

    Raises NotFound, Denied, RuleBroken.
    """
    access.check_may_manage_users(by)
    user = locked(user_id, None)
    access.check_is_not_self(by, user)
    access.check_is_person(user)
    if not user.is_active:
        raise RuleBroken("deactivated", "This person is deactivated already.")
    if not reason.strip():
        raise RuleBroken("reason", "Say why.", field="reason")
    user.last_day = last_day
    if last_day >= timezone.localdate():
        user.save()
        record("user.leaving", by=by, about=user, reason=reason.strip(), detail={"last_day": last_day})
    else:
        facts = _switch_off(user)
        record("user.deactivated", by=by, about=user, reason=reason.strip(), detail=facts)
    return user


def deactivate_leavers() -> int:
    """Switch off everybody whose last day is over; returns how many. Safe to run twice."""
    over = User.objects.people().filter(is_active=True, last_day__lt=timezone.localdate())
    count = 0
    for key in list(over.values_list("pk", flat=True)):
        with transaction.atomic():
            user = locked(key, None)
            if user.is_active and user.last_day and user.last_day < timezone.localdate():
                facts = _switch_off(user)
                by = service_account("accounts")
                record("user.deactivated", by=by, about=user, reason="the last day is over", detail=facts)
                count += 1
    return count


@transaction.atomic
def stop_user(*, by: User, user_id: UUID, reason: str) -> User:
    """Emergency: switch somebody off at once, and tell everybody who answers for access.

    The last administrator can be stopped too, for hers may be the account in the wrong hands: a new one is added at
    the machine (`create_user`). Raises NotFound, Denied, RuleBroken.
    """
    access.check_may_stop(by)
    user = locked(user_id, None)
    access.check_is_person(user)
    access.check_is_not_self(by, user)
    if not reason.strip():
        raise RuleBroken("reason", "Say what has happened.", field="reason")
    if not user.is_active:
        raise RuleBroken("deactivated", "This person is deactivated already.")
    facts = _switch_off(user)
    record("user.stopped", by=by, about=user, reason=reason.strip(), detail=facts)
    notify(
        User.objects.holding("accounts.stop_users")
        .exclude(pk__in=[by.pk, user.pk])
        .values_list("pk", flat=True),
        kind="user.stopped",
        tone=Tone.BAD,
        text=f"{by.display_name} stopped the access of {user.display_name} ({user.username}).",
    )
    return user


@transaction.atomic
def let_in_again(*, by: User, user_id: UUID) -> User:
    """Let somebody sign in again, with her password; roles with a sensitive right wait for a second person.

    Raises NotFound, Denied.
    """
    access.check_may_manage_users(by)
    user = locked(user_id, None)
    access.check_is_not_self(by, user)
    access.check_is_person(user)
    if user.is_active:
        if user.last_day is not None:
            user.last_day = None
            user.save()
            record("user.stays", by=by, about=user)
        return user
    had = user.role_names
    kept = _not_sensitive(had)
    user.groups.set(Group.objects.filter(name__in=kept))
    user.is_active, user.deactivated_at, user.last_day = True, None, None
    user.save()
    record("user.activated", by=by, about=user, detail={"roles": kept})
    if set(kept) != set(had):
        change_roles(by=by, user=user, roles=had, reason="let in again")
    return User.objects.get(pk=user.pk)
