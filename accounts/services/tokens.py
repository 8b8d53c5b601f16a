"""Verbs on API tokens."""

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import access
from accounts.backends import RoleBackend
from accounts.models import ApiToken, User, Voucher
from accounts.services.first_steps import check_may_work
from accounts.services.telling import tell
from audit.services import record
from common.errors import RuleBroken

TOKEN_PREFIX = "cr_"  # noqa: S105  (lets secret scanners recognise one)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def issue_token(
    *,
    by: User,
    user: User,
    label: str = "",
    hours: int | None = None,
    scopes: Iterable[str] | None = None,
    vouched_by: Voucher = Voucher.NOBODY,
) -> tuple[str, ApiToken]:
    """Make a token; its text is returned once and never kept.

    With `scopes` it may do only that much of what its owner may, now and later. `vouched_by` says who stands for the
    second factor of an owner who has none here. Raises RuleBroken for a right that the owner does not have, and for a
    life longer than TOKEN_DAYS_MOST.
    """
    life = timedelta(hours=hours or settings.TOKEN_HOURS)
    if life > timedelta(days=settings.TOKEN_DAYS_MOST):
        raise RuleBroken(
            "token_life", f"A token lives at most {settings.TOKEN_DAYS_MOST} days.", field="days"
        )
    wanted = None if scopes is None else sorted(set(scopes))
    if wanted is not None and not set(wanted) <= user.rights:
        raise RuleBroken("token_scope", "A token may do no more than its owner.", field="scopes")
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        digest=_digest(text),
        label=label,
        scopes=wanted,
        vouched_by=vouched_by,
        expires_at=timezone.now() + life,
    )
    detail = {"user": user.username, "expires_at": token.expires_at, "scopes": wanted}
    if vouched_by:
        detail["vouched_by"] = vouched_by
    record("token.issued", by=by, about=token, detail=detail)
    tell(user, "account.token", f"An API token was made for your account: {label or 'without a name'}.")
    return text, token


@transaction.atomic
def revoke_token(*, by: User, token: ApiToken) -> None:
    """End a token at once. One's own, or anybody's for whoever manages users. Raises Denied."""
    access.check_may_revoke(by, token)
    token = ApiToken.objects.select_for_update().get(pk=token.pk)
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        record("token.revoked", by=by, about=token, detail={"user": token.user.username})


def revoke_all_tokens(*, by: User, user: User) -> int:
    """End every token of this person that still works; returns how many. The caller's event says so."""
    tokens = ApiToken.objects.select_for_update().filter(user=user, revoked_at=None).order_by("pk")
    for token in tokens:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
    return len(tokens)


def usable_token(text: str) -> ApiToken | None:
    """The usable token of this text with its user, or None.

    The user comes as at every request, with roles and rights in one query, and with no more rights than the token has.
    """
    if not text.startswith(TOKEN_PREFIX):
        return None
    token = ApiToken.objects.usable().filter(digest=_digest(text)).first()
    user = RoleBackend().get_user(token.user_id) if token else None
    if token is None or user is None:
        return None
    if token.scopes is not None:
        user.keep_rights(token.scopes)
    token.user = user
    return token


def check_token_may_work(token: ApiToken) -> None:
    """Raise Denied, as at sign-in, for a token whose owner must first take a step on a page.

    Roles and what they ask for change while a token lives. Interfaces have tokens instead of a sign-in, so they have no
    second factor; a token may be vouched for.
    """
    if token.user.is_program:
        return
    check_may_work(token.user, is_vouched_for=bool(token.vouched_by))


def note_token_use(token: ApiToken) -> None:
    """Remember the minute of the last use. Not a change of the record, so no event: a bulk update on purpose."""
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
