"""Verbs on people, by flow of work. Each writes its event."""

from accounts.services.drafts import discard_draft, keep_draft, take_draft
from accounts.services.emergencies import (
    confirm_emergency,
    declare_emergency,
    end_emergency,
    write_off_emergencies,
)
from accounts.services.first_steps import check_may_work
from accounts.services.life import (
    accept_invitation,
    deactivate_leavers,
    invite_user,
    invited,
    leave,
    let_in_again,
    new_link,
    stop_user,
)
from accounts.services.looking import export_rights, view_rights, view_role
from accounts.services.passwords import DEMO_PASSWORD, change_own_password, give_password
from accounts.services.programs import issue_program_token, list_programs, make_program, switch_program
from accounts.services.resealing import Resealed, reseal
from accounts.services.reviews import (
    decide_item,
    export_report,
    open_reviews,
    tell_overdue,
    view_report,
)
from accounts.services.role_changes import approve_change, change_roles, decline_change, withdraw_change
from accounts.services.roles import change_role, make_role, retire_role
from accounts.services.second_factor import (
    add_app,
    add_key,
    make_recovery_codes,
    remove_second_factor,
    reset_second_factor,
)
from accounts.services.signing_in import (
    arrive,
    check_password,
    confirm,
    end_session,
    finish_sign_in,
    note_confirmed,
    recently_confirmed,
    sign_in,
    sign_in_program,
    who_waits,
)
from accounts.services.single_sign_on import (
    connect_identity,
    disconnect_identity,
    recognise,
    refuse_single_sign_on,
)
from accounts.services.sittings import end_sitting, end_sittings
from accounts.services.tokens import (
    check_token_may_work,
    issue_token,
    note_token_use,
    revoke_token,
    usable_token,
)
from accounts.services.users import change_user, create_user, list_users, service_account

__all__ = [
    "DEMO_PASSWORD",
    "Resealed",
    "accept_invitation",
    "add_app",
    "add_key",
    "approve_change",
    "arrive",
    "change_own_password",
    "change_role",
    "change_roles",
    "change_user",
    "check_may_work",
    "check_password",
    "check_token_may_work",
    "confirm",
    "confirm_emergency",
    "connect_identity",
    "create_user",
    "deactivate_leavers",
    "decide_item",
    "declare_emergency",
    "decline_change",
    "discard_draft",
    "disconnect_identity",
    "end_emergency",
    "end_session",
    "end_sitting",
    "end_sittings",
    "export_report",
    "export_rights",
    "finish_sign_in",
    "give_password",
    "invite_user",
    "invited",
    "issue_program_token",
    "issue_token",
    "keep_draft",
    "leave",
    "let_in_again",
    "list_programs",
    "list_users",
    "make_program",
    "make_recovery_codes",
    "make_role",
    "new_link",
    "note_confirmed",
    "note_token_use",
    "open_reviews",
    "recently_confirmed",
    "recognise",
    "refuse_single_sign_on",
    "remove_second_factor",
    "reseal",
    "reset_second_factor",
    "retire_role",
    "revoke_token",
    "service_account",
    "sign_in",
    "sign_in_program",
    "stop_user",
    "switch_program",
    "take_draft",
    "tell_overdue",
    "usable_token",
    "view_report",
    "view_rights",
    "view_role",
    "who_waits",
    "withdraw_change",
    "write_off_emergencies",
]
