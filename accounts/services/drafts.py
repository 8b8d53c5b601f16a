"""Verbs on what somebody had typed when her screen went blank: kept sealed for some hours, for her alone."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Draft, User
from audit.services import record
from common.errors import NotFound, RuleBroken
from common.keyring import KeyringError
from common.sealing import seal, unseal

MOST_BYTES = 200_000
MOST_DRAFTS = 20  # of one person


def bound_to(user: User, path: str) -> str:
    """Whose draft it is, and of which page: it opens with both only."""
    return f"draft:{user.pk}:{path}"


@transaction.atomic
def keep_draft(*, by: User, path: str, forms: Any) -> None:
    """Keep what is typed on the page at `path`; what was kept for it before is replaced. Raises RuleBroken."""
    text = json.dumps(forms)
    if not path.startswith("/") or len(path) > 500 or len(text) > MOST_BYTES:
        raise RuleBroken("draft", "This is too much to be kept.")
    now = timezone.now()
    mine = Draft.objects.filter(user=by)
    mine.filter(expires_at__lt=now).delete()
    if mine.exclude(path=path).count() >= MOST_DRAFTS:
        raise RuleBroken("draft", "Too many pages are kept already.")
    Draft.objects.update_or_create(
        user=by,
        path=path,
        defaults={
            "sealed": seal(text, bound_to=bound_to(by, path)),
            "expires_at": now + timedelta(hours=settings.DRAFT_HOURS),
        },
    )
    record("draft.kept", by=by)


@transaction.atomic
def take_draft(*, by: User, draft_id: UUID) -> Any:
    """Give back what she had typed, once. Raises NotFound for anybody else's, and for what is too old."""
    draft = (
        Draft.objects.select_for_update().filter(pk=draft_id, user=by, expires_at__gt=timezone.now()).first()
    )
    if draft is None:
        raise NotFound
    try:
        forms = json.loads(unseal(draft.sealed, bound_to=bound_to(by, draft.path)))
    except KeyringError as error:
        raise NotFound from error
    draft.delete()
    record("draft.taken", by=by)
    return forms


@transaction.atomic
def discard_draft(*, by: User, draft_id: UUID) -> None:
    """Forget it. Raises NotFound for anybody else's."""
    dropped, _ = Draft.objects.filter(pk=draft_id, user=by).delete()
    if not dropped:
        raise NotFound
    record("draft.discarded", by=by)


def drafts_of(user: User) -> dict[str, str]:
    """The pages for which something is kept, with its id."""
    rows = Draft.objects.filter(user=user, expires_at__gt=timezone.now()).values_list("path", "pk")
    return {path: str(pk) for path, pk in rows}
