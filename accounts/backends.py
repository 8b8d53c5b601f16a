"""How Django finds out who somebody is and what they may do."""

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.models import User

# The person, her roles and what these allow, in one question instead of three: it is asked at every request.
_WHO = """
select u.*,
    array(select g.name from accounts_user_groups m join auth_group g on g.id = m.group_id
          where m.user_id = u.id order by g.name) as held,
    array(select distinct c.app_label || '.' || p.codename
          from accounts_user_groups m
          join auth_group_permissions r on r.group_id = m.group_id
          join auth_permission p on p.id = r.permission_id
          join django_content_type c on c.id = p.content_type_id
          where m.user_id = u.id) as allowed
from accounts_user u where u.id = %s and u.is_active
"""


class RoleBackend(ModelBackend):
    """Passwords, and permissions through roles only. The user comes with her roles and rights in one query."""

    def get_user(self, user_id: Any) -> User | None:
        """The active user of this id with roles and rights known; None signs a disabled user out at once."""
        for user in User.objects.raw(_WHO, [user_id]):
            known = vars(user)
            known["role_names"] = known.pop("held")
            known["_group_perm_cache"] = set(
                known.pop("allowed")
            )  # where ModelBackend keeps what it has asked
            return user
        return None

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """None by hand: rights come from roles."""
        return set()
