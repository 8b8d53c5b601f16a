"""Who may do what with users and tokens."""

from accounts.models import ApiToken, User
from common.errors import Denied


def check_may_manage_users(user: User) -> None:
    """Administrators only."""
    if not user.has_perm("accounts.manage_users"):
        raise Denied("Only an administrator can manage users.", rule="role")


def check_may_view_system(user: User) -> None:
    """Administrators only."""
    if not user.has_perm("accounts.view_system"):
        raise Denied("Only an administrator can see the state of the system.", rule="role")


def check_is_not_self(user: User, other: User) -> None:
    """Nobody changes her own rights (separation of duties)."""
    if user.pk == other.pk:
        raise Denied("Another administrator must change your own rights.", rule="own rights")


def check_may_revoke(user: User, token: ApiToken) -> None:
    """One's own tokens, or anybody's for whoever manages users."""
    if token.user_id != user.pk:
        check_may_manage_users(user)
