"""People, what they may do, and the tokens of programs that act for them."""

from accounts.models.people import ApiToken, HospitalRole, RoleWords, User, UserQuerySet
from accounts.models.role_changes import ChangeStatus, RoleChange

__all__ = [
    "ApiToken",
    "ChangeStatus",
    "HospitalRole",
    "RoleChange",
    "RoleWords",
    "User",
    "UserQuerySet",
]
