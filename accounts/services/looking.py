"""Looking at who may do what is a look too: it names colleagues."""

from django.db import transaction

from accounts import access, rolebook
from accounts.models import User
from accounts.rolebook import RoleSheet
from audit.services import record
from common.errors import allows


@transaction.atomic
def view_rights(*, by: User) -> list[RoleSheet]:
    """Every role with its rights. Raises Denied."""
    access.check_may_view_rights(by)
    sheets = rolebook.all_roles()
    record("rights.viewed", by=by, detail={"roles": len(sheets)})
    return sheets


@transaction.atomic
def export_rights(*, by: User) -> list[RoleSheet]:
    """The same, to be taken out as a file. Raises Denied."""
    access.check_may_view_rights(by)
    sheets = rolebook.all_roles()
    record("rights.exported", by=by, detail={"roles": len(sheets)})
    return sheets


@transaction.atomic
def view_role(*, by: User, name: str) -> tuple[RoleSheet, list[User]]:
    """One role and, for whoever manages users, the active people who hold it. Raises NotFound, Denied."""
    access.check_may_view_rights(by)
    sheet = rolebook.role_named(name)
    holders = list(rolebook.holders_of(name)) if allows(access.check_may_manage_users, by) else []
    record("role.viewed", by=by, about=sheet.own, detail={"role": name, "holders": len(holders)})
    return sheet, holders
