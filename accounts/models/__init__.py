"""People, what they may do, their sessions, and the tokens of programs that act for them."""

from accounts.models.identities import Identity
from accounts.models.people import HospitalRole, RoleWords, User, UserQuerySet
from accounts.models.role_changes import ChangeStatus, RoleChange
from accounts.models.sittings import BrowserSession, Draft
from accounts.models.tokens import ApiToken

__all__ = [
    "ApiToken",
    "BrowserSession",
    "ChangeStatus",
    "Draft",
    "HospitalRole",
    "Identity",
    "RoleChange",
    "RoleWords",
    "User",
    "UserQuerySet",
]
