"""Verbs on API tokens."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import access
from accounts.models import ApiToken, User
from audit.services import record

TOKEN_PREFIX = "cr_"  # noqa: S105  (lets secret scanners recognise one)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


@transaction.atomic
def issue_token(*, by: User, user: User, label: str = "", hours: int | None = None) -> tuple[str, ApiToken]:
    """Make a token; its text is returned once and never kept."""
    text = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        digest=_digest(text),
        label=label,
        expires_at=timezone.now() + timedelta(hours=hours or settings.TOKEN_HOURS),
    )
    record("token.issued", by=by, about=token, detail={"user": user.username, "expires_at": token.expires_at})
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


def usable_token(text: str) -> ApiToken | None:
    """The usable token of this text with its user and roles (two queries), or None."""
    if not text.startswith(TOKEN_PREFIX):
        return None
    tokens = ApiToken.objects.usable().select_related("user").prefetch_related("user__groups")
    return tokens.filter(digest=_digest(text)).first()


def note_token_use(token: ApiToken) -> None:
    """Remember the minute of the last use. Not a change of the record, so no event: a bulk update on purpose."""
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
