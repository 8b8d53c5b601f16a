"""Tell somebody something, and remember that she has read it."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import Subquery
from django.utils import timezone

from common.errors import NotFound
from common.ids import as_uuid
from common.notices.models import Notice, Tone

KEPT = timedelta(days=90)
MAX_TEXT = 600


def notify(
    people: Iterable[UUID | None],
    *,
    kind: str,
    text: str,
    url: str = "",
    tone: Tone = Tone.NEWS,
) -> None:
    """Leave the same notice for each of `people` (ids of users; None and repeats are left out).

    Call it in the transaction of what it tells, so that both happen or neither. `kind` is a dotted name such as
    `release.ready`. `text` is a sentence for the person and names no patient: whoever looks over her shoulder reads
    it too, and opening it is no look at a chart. `url` is a page of ours, which asks for itself who may see it.
    """
    recipients = dict.fromkeys(person for person in people if person is not None)
    Notice.objects.bulk_create(
        Notice(recipient_id=person, kind=kind, tone=tone, text=text[:MAX_TEXT], url=url)
        for person in recipients
    )


def read(*, by_id: UUID, notice_id: object) -> Notice:
    """Remember that one of her own notices has been read, and give it. Raises NotFound for anybody else's."""
    key = as_uuid(notice_id)
    notice = Notice.objects.of(by_id).filter(pk=key).first() if key else None
    if notice is None:
        raise NotFound
    if notice.read_at is None:
        notice.read_at = timezone.now()
        notice.save(update_fields=["read_at", "updated_at"])
    return notice


def read_all(*, by_id: UUID, until: UUID | None = None) -> int:
    """Remember that all her notices have been read (up to that one, the newest she saw); returns how many."""
    unread = Notice.objects.of(by_id).unread()
    if until is not None:
        # By time: ids of the same millisecond have no order.
        seen = Notice.objects.of(by_id).filter(pk=until).values("created_at")
        unread = unread.filter(created_at__lte=Subquery(seen))
    now = timezone.now()
    return unread.update(read_at=now, updated_at=now)


def forget() -> int:
    """Drop notices that were read three months ago; returns how many. What is not read stays."""
    dropped, _ = Notice.objects.filter(read_at__lt=timezone.now() - KEPT).delete()
    return dropped
