"""How Django finds out who somebody is and what they may do."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.models import User


class RoleBackend(ModelBackend):
    """Passwords, and permissions through roles only. The user comes with her roles in one more query."""

    def get_user(self, user_id: Any) -> User | None:
        """The active user of this id with roles prefetched; None signs a disabled user out at once."""
        return User.objects.prefetch_related("groups").filter(pk=user_id, is_active=True).first()

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """None by hand: rights come from roles."""
        return set()
