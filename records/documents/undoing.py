"""Which documents this browser has just filed, so that the next page can offer to undo it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from accounts.models import User
from records.documents import queries
from records.documents.models import Document
from records.documents.services.retracting import UNDO_SECONDS

JUST_FILED = "just_filed"


@dataclass(frozen=True)
class Undo:
    """What can be undone, and for how many seconds more the page says so."""

    ids: list[UUID]
    seconds: int


def remember(request: HttpRequest, filed: Sequence[Document]) -> None:
    """Keep what was filed just now, in place of what was filed before it."""
    request.session[JUST_FILED] = [str(document.pk) for document in filed]


def offered(request: HttpRequest, user: User) -> Undo | None:
    """What can be undone now; None, without a question, for whoever has filed nothing lately."""
    kept = request.session.get(JUST_FILED)
    if not kept:
        return None
    filed = queries.filed_since(user, timezone.now() - timedelta(seconds=UNDO_SECONDS), kept)
    if len(filed) < len(kept):
        del request.session[JUST_FILED]
        return None
    oldest = min(document.filed_at for document in filed)
    left = UNDO_SECONDS - (timezone.now() - oldest).total_seconds()
    return Undo([document.pk for document in filed], max(1, round(left)))
