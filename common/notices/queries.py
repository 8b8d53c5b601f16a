"""Somebody's own notices."""

from uuid import UUID

from common.notices.models import Notice, NoticeQuerySet

ORDERING = ("-created_at", "-id")


def notices_of(user_id: UUID, *, only_unread: bool = False) -> NoticeQuerySet:
    """Her notices, newest first."""
    mine = Notice.objects.of(user_id)
    return (mine.unread() if only_unread else mine).order_by(*ORDERING)


def count_unread(user_id: UUID) -> int:
    """How many she has not read: one look into an index that holds nothing else."""
    return Notice.objects.of(user_id).unread().count()
