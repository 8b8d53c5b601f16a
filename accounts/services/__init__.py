"""Verbs on people, by flow of work. Each writes its event."""

from accounts.services.passwords import DEMO_PASSWORD, change_own_password
from accounts.services.signing_in import (
    check_password,
    confirm,
    end_session,
    recently_confirmed,
    sign_in,
    sign_in_program,
)
from accounts.services.tokens import issue_token, note_token_use, revoke_token, usable_token
from accounts.services.users import change_user, create_user, list_users, service_account, set_active

__all__ = [
    "DEMO_PASSWORD",
    "change_own_password",
    "change_user",
    "check_password",
    "confirm",
    "create_user",
    "end_session",
    "issue_token",
    "list_users",
    "note_token_use",
    "recently_confirmed",
    "revoke_token",
    "service_account",
    "set_active",
    "sign_in",
    "sign_in_program",
    "usable_token",
]
