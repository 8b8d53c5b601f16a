"""Verbs on the roles that a hospital makes itself: make, change, retire. None is ever deleted."""

import re
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from accounts import access, rights, rolebook
from accounts.models import HospitalRole, RoleChange, User
from accounts.roles import PURPOSES
from accounts.services.role_changes import change_rights
from audit.services import record
from common.errors import NotFound, RuleBroken, Stale, WrongMove


def _free_name(label: str) -> str:
    """A lasting name made from the label: `night_registrar`, or with a number after it."""
    stem = re.sub(r"\W+", "_", slugify(label))[:60] or "role"
    taken = set(Group.objects.filter(name__startswith=stem).values_list("name", flat=True))
    numbered = (f"{stem}_{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(name for name in numbered if name not in taken)


def _check_words(label: str, purpose: str, *, apart_from: HospitalRole | None = None) -> None:
    """Raise RuleBroken for a label that another role has, those of the house included, or an unknown purpose."""
    taken = {
        sheet.label.casefold()
        for sheet in rolebook.all_roles(with_retired=True)
        if apart_from is None or sheet.own is None or sheet.own.pk != apart_from.pk
    }
    if label.casefold() in taken:
        raise RuleBroken("label_taken", "Another role is called so.", field="label")
    if purpose not in PURPOSES:
        raise RuleBroken("purpose", "Choose one of the purposes.", field="purpose")


def _check_rights(wanted: list[str]) -> frozenset[str]:
    chosen = rights.known(wanted)
    if not chosen or chosen != set(wanted):
        raise RuleBroken("rights", "Choose at least one of the rights.", field="rights")
    return chosen


@transaction.atomic
def make_role(
    *, by: User, label: str, description: str, purpose: str, needs_second_factor: bool, rights: list[str]
) -> HospitalRole:
    """A new role with these rights; nobody holds it yet. Raises Denied, RuleBroken."""
    access.check_may_manage_roles(by)
    label = " ".join(label.split())
    _check_words(label, purpose)
    chosen = _check_rights(rights)
    group = Group.objects.create(name=_free_name(label))
    role = HospitalRole.objects.create(
        group=group,
        label=label,
        description=description.strip(),
        purpose=purpose,
        needs_second_factor=needs_second_factor,
        made_by=by,
    )
    group.permissions.set(rolebook.permission_rows(chosen))
    record(
        "role.made",
        by=by,
        about=role,
        detail={"role": group.name, "before": [], "after": sorted(chosen)},
    )
    return role


def _locked_role(name: str, seen_version: int | None) -> HospitalRole:
    rows = HospitalRole.objects.select_for_update(of=("self",)).select_related("group")
    role = rows.filter(group__name=name).first()
    if role is None:
        raise NotFound
    if seen_version is not None and role.version != seen_version:
        raise Stale
    if role.retired_at is not None:
        raise WrongMove("This role is retired.")
    role.version += 1
    return role


@transaction.atomic
def change_role(
    *,
    by: User,
    name: str,
    label: str,
    description: str,
    purpose: str,
    needs_second_factor: bool,
    rights: list[str],
    reason: str = "",
    seen_version: int | None = None,
) -> tuple[HospitalRole, RoleChange | None]:
    """Change one of the hospital's roles; and the change of its rights, if they change: it may wait.

    Raises NotFound, Denied (a role one holds), Stale, WrongMove, RuleBroken.
    """
    access.check_may_manage_roles(by)
    role = _locked_role(name, seen_version)
    access.check_does_not_hold(by, role.group.name)
    label = " ".join(label.split())
    _check_words(label, purpose, apart_from=role)
    chosen = _check_rights(rights)
    role.label, role.description, role.purpose = label, description.strip(), purpose
    role.needs_second_factor = needs_second_factor
    role.save()
    record("role.changed", by=by, about=role, detail={"role": role.group.name})
    change = None
    if chosen != rolebook.rights_of([role.group.name]):
        change = change_rights(by=by, role=role, wanted=chosen, reason=reason)
    return role, change


@transaction.atomic
def retire_role(*, by: User, name: str) -> HospitalRole:
    """Take a role out of use. It stays in the log and in the list of the retired. Raises NotFound, Denied, WrongMove.

    Whoever holds it gets another role first; people who have left simply lose it.
    """
    access.check_may_manage_roles(by)
    role = _locked_role(name, None)
    access.check_does_not_hold(by, role.group.name)
    held_by = rolebook.holders_of(name).count()
    if held_by:
        who = "One person holds" if held_by == 1 else f"{held_by} people hold"
        raise WrongMove(f"{who} this role. Give them another first.")
    if RoleChange.objects.waiting().filter(role=role).exists():
        raise WrongMove("A change of this role's rights waits for a second person. Withdraw it first.")
    left = sorted(role.group.user_set.values_list("username", flat=True))
    role.group.user_set.clear()
    role.retired_at = timezone.now()
    role.save()
    before: dict[str, Any] = {"before": sorted(rolebook.rights_of([name])), "after": []}
    record("role.retired", by=by, about=role, detail={"role": name, "taken_from": left, **before})
    return role
