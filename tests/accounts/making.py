"""Roles that a hospital made."""

from collections.abc import Iterable

from django.contrib.auth.models import Group, Permission
from django.db import transaction

from accounts.models import HospitalRole, User
from audit.services import record


def make_role(by: User, label: str, rights: Iterable[str], **fields: str) -> HospitalRole:
    """A role of that name with these rights, as a row; the verb that makes one has tests of its own."""
    with transaction.atomic():
        group = Group.objects.create(name=label.lower().replace(" ", "_"))
        values = {"purpose": "RECORDMGT", "description": "For a test.", **fields}
        role = HospitalRole.objects.create(group=group, label=label, made_by=by, **values)
        for name in rights:
            app_label, codename = name.split(".")
            group.permissions.add(
                Permission.objects.get(content_type__app_label=app_label, codename=codename)
            )
        record("user.changed", by=by, reason="a role made by a test")
    return role
