"""A user's row, held while it changes."""

from uuid import UUID

from accounts.models import User
from common.errors import NotFound, Stale


def locked(user_id: UUID, seen_version: int | None) -> User:
    """The row with its next version number, nobody else's to change until the transaction ends.

    Raises NotFound, Stale.
    """
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound
    if seen_version is not None and user.version != seen_version:
        raise Stale
    user.version += 1
    return user
