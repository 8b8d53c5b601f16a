"""People, what they may do, their sessions, and the tokens of programs that act for them."""

from accounts.models.emergencies import HouseEmergency
from accounts.models.identities import Identity
from accounts.models.invitations import Invitation
from accounts.models.people import HospitalRole, RoleWords, User, UserQuerySet
from accounts.models.reviews import AccessReview, Decision, ReviewItem
from accounts.models.role_changes import ChangeStatus, RoleChange
from accounts.models.sittings import BrowserSession, Draft
from accounts.models.tokens import ApiToken, Voucher

__all__ = [
    "AccessReview",
    "ApiToken",
    "BrowserSession",
    "ChangeStatus",
    "Decision",
    "Draft",
    "HospitalRole",
    "HouseEmergency",
    "Identity",
    "Invitation",
    "ReviewItem",
    "RoleChange",
    "RoleWords",
    "User",
    "UserQuerySet",
    "Voucher",
]
