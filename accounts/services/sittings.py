"""Verbs on browsers that are signed in somewhere: end one, end all but this."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from accounts import access
from accounts.models import BrowserSession, User
from accounts.services.telling import tell
from audit.services import record
from common.errors import NotFound
from common.notices.models import Tone


def end_all_sessions(user: User, *, but: str | None = None) -> int:
    """Forget this person's sessions, except the one with the key `but`; returns how many. Writes no event itself."""
    rows: QuerySet[BrowserSession] = BrowserSession.objects.filter(user=user)
    ended, _ = rows.exclude(session_key=but or "").delete()
    return ended


@transaction.atomic
def end_sitting(*, by: User, user_id: UUID, number: UUID) -> None:
    """Sign out one browser, one's own or that of somebody one manages: its next request asks to sign in.

    Raises Denied, NotFound.
    """
    if by.pk != user_id:
        access.check_may_manage_users(by)
    row = BrowserSession.objects.select_related("user").filter(user=user_id, number=number).first()
    if row is None or row.user is None:
        raise NotFound
    row.delete()
    record(
        "user.session_ended",
        by=by,
        about=row.user,
        detail={"device": row.device, "address": row.address, "since": row.started_at},
    )
    if by.pk != user_id:
        tell(row.user, "account.session", f"An administrator signed you out on {row.device}.", tone=Tone.DUE)


@transaction.atomic
def end_sittings(*, by: User, user_id: UUID, but: str | None = None) -> int:
    """Sign out every browser of this person, `but` this one; returns how many. Raises Denied, NotFound."""
    if by.pk != user_id:
        access.check_may_manage_users(by)
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound
    ended = end_all_sessions(user, but=but)
    if ended:
        record("user.session_ended", by=by, about=user, detail={"count": ended})
    return ended
