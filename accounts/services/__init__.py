"""Verbs on people, by flow of work. Each writes its event."""

from accounts.services.looking import export_rights, view_rights, view_role
from accounts.services.passwords import DEMO_PASSWORD, change_own_password
from accounts.services.role_changes import approve_change, change_roles, decline_change, withdraw_change
from accounts.services.roles import change_role, make_role, retire_role
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
    "approve_change",
    "change_own_password",
    "change_role",
    "change_roles",
    "change_user",
    "check_password",
    "confirm",
    "create_user",
    "decline_change",
    "end_session",
    "export_rights",
    "issue_token",
    "list_users",
    "make_role",
    "note_token_use",
    "recently_confirmed",
    "retire_role",
    "revoke_token",
    "service_account",
    "set_active",
    "sign_in",
    "sign_in_program",
    "usable_token",
    "view_rights",
    "view_role",
    "withdraw_change",
]
