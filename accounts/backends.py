"""How Django finds out who somebody is and what they may do."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.utils import timezone

from accounts.models import RoleWords, User
from accounts.models.emergencies import OPEN_IN_EMERGENCY, InForce
from accounts.roles import PURPOSE, Role

# The person, her roles and what these allow, in one question instead of three: it is asked at every request.
_WHO = """
select u.*,
    array(select array[g.name, coalesce(h.label, ''), coalesce(h.purpose, '')]
          from accounts_user_groups m join auth_group g on g.id = m.group_id
          left join accounts_hospitalrole h on h.group_id = g.id
          where m.user_id = u.id order by g.name) as held,
    array(select distinct c.app_label || '.' || p.codename
          from accounts_user_groups m
          join auth_group_permissions r on r.group_id = m.group_id
          join auth_permission p on p.id = r.permission_id
          join django_content_type c on c.id = p.content_type_id
          where m.user_id = u.id) as allowed,
    exists(select from accounts_user_groups m join accounts_hospitalrole h on h.group_id = m.group_id
           where m.user_id = u.id and h.needs_second_factor) as is_asked,
    exists(select from mfa_authenticator a
           where a.user_id = u.id and a.type <> 'recovery_codes') as has_second_factor,
    (select array[e.id::text, e.expires_at::text, e.is_drill::text,
            (not e.is_drill and exists (
                select from accounts_houseemergency_roles r join accounts_user_groups m on m.group_id = r.group_id
                where r.houseemergency_id = e.id and m.user_id = u.id))::text]
     from accounts_houseemergency e where e.ended_at is null and e.expires_at > statement_timestamp()
     order by e.is_drill limit 1) as emergency
from accounts_user u
where u.id = %s and u.is_active and (u.last_day is null or u.last_day >= %s)
"""


def _words(name: str, label: str, purpose: str) -> RoleWords:
    """Those of a hospital's own role come from its row, those of the house from the code."""
    if name in Role.values:
        return RoleWords(Role(name).label, PURPOSE[Role(name)])
    return RoleWords(label, purpose)


def _in_force(told: list[str] | None) -> InForce | None:
    if told is None:
        return None
    key, until, is_drill, is_for_me = told
    return InForce(key, datetime.fromisoformat(until), is_drill == "true", is_for_me == "true")


class RoleBackend(ModelBackend):
    """Passwords, and permissions through roles only. The user comes with her roles and rights in one query."""

    def get_user(self, user_id: Any) -> User | None:
        """The active user of this id with roles and rights known; None signs a disabled user out at once."""
        for user in User.objects.raw(_WHO, [user_id, timezone.localdate()]):
            known = vars(user)
            held = known.pop("held")
            known["role_names"] = [name for name, _, _ in held]
            known["role_words"] = {name: _words(name, label, purpose) for name, label, purpose in held}
            asking = {*known["role_names"], "all"} & set(settings.SECOND_FACTOR_ROLES)
            known["needs_second_factor"] = not settings.DEMO and (known.pop("is_asked") or bool(asking))
            emergency = known["house_emergency"] = _in_force(known.pop("emergency"))
            allowed = set(known.pop("allowed"))
            if emergency and emergency.is_for_me:
                allowed.add(OPEN_IN_EMERGENCY)
            known["_group_perm_cache"] = allowed  # where ModelBackend keeps what it has asked
            return user
        return None

    def user_can_authenticate(self, user: Any) -> bool:
        """Nobody who is switched off, nor after her last day."""
        is_over = user is not None and user.last_day is not None and user.last_day < timezone.localdate()
        return super().user_can_authenticate(user) and not is_over

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """What her roles allow, and what an emergency adds: also for whoever came with a token."""
        if isinstance(user_obj, User) and user_obj.is_active and not hasattr(user_obj, "_group_perm_cache"):
            found = self.get_user(user_obj.pk)
            vars(user_obj)["_group_perm_cache"] = vars(found)["_group_perm_cache"] if found else set()
        held: set[str] = super().get_group_permissions(user_obj, obj)
        return held

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """None by hand: rights come from roles."""
        return set()
