"""Verbs on what somebody may do. A sensitive right takes two people; nobody has a hand in her own.

A house with nobody else who could agree is not locked out: the change is in force at once, said so in its row and its
event. That nobody else can agree has to have been so for a week, so that nobody makes herself alone by switching the
others off. Besides, whoever runs the machine can always add a user there (`create_user`).
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import access, rights, rolebook
from accounts.models import ChangeStatus, HospitalRole, RoleChange, User
from accounts.models.role_changes import MOVES
from accounts.services.rows import locked
from audit.services import record
from common.errors import NotFound, RuleBroken, Stale, WrongMove, check_move
from common.ids import as_uuid
from common.notices.models import Tone
from common.notices.services import notify

APPROVE = "accounts.approve_role_change"
ALONE_AFTER = timedelta(days=7)


def check_roles(names: list[str]) -> None:
    """Raise RuleBroken unless these are roles that a person can hold."""
    possible = {name for name, _ in rolebook.choices()}
    if not names or set(names) - possible:
        raise RuleBroken("unknown_role", "Choose at least one of the roles.", field="roles")


def rights_to_give(names: list[str]) -> frozenset[str]:
    """What these roles allow, and go on allowing until the transaction ends: one that nobody holds yet is changed by
    one person alone, and must not grow between the question whether it is sensitive and the giving.
    """
    rows = HospitalRole.objects.select_for_update(of=("self",)).filter(group__name__in=names)
    list(rows.order_by("pk").values_list("pk", flat=True))
    return rolebook.rights_of(names)


def _involved(change: RoleChange) -> list[UUID]:
    return [key for key in (change.proposed_by_id, change.subject_id) if key is not None]


def _could_agree(change: RoleChange) -> list[User]:
    """Who may decide about this change: neither who proposed it, nor whom it is about, nor who holds the role."""
    people = User.objects.holding(APPROVE).exclude(pk__in=_involved(change))
    if change.role is not None:
        people = people.exclude(groups=change.role.group_id)
    return list(people)


def _was_alone(change: RoleChange) -> bool:
    """Whether for a week nobody else could have agreed: nobody was switched off or lost the right meanwhile."""
    since = timezone.now() - ALONE_AFTER
    approving = set(
        Group.objects.filter(permissions__codename=APPROVE.split(".")[1]).values_list("name", flat=True)
    )
    gone = User.objects.people().filter(is_active=False, deactivated_at__gt=since, groups__name__in=approving)
    if gone.exclude(pk__in=_involved(change)).exists():
        return False
    lately = RoleChange.objects.filter(status=ChangeStatus.APPLIED, decided_at__gt=since)
    for earlier in lately.exclude(subject__in=_involved(change)):
        names = {APPROVE} if earlier.role_id else approving
        if names & set(earlier.before) and not names & set(earlier.after):
            return False
    return True


def _decide_or_wait(change: RoleChange, *, reason: str) -> None:
    """In force at once when it brings nothing sensitive or nobody else could agree; otherwise it waits."""
    change.reason = reason.strip()
    if change.adds:
        others = _could_agree(change)
        change.is_alone = not others and _was_alone(change)
        if not change.is_alone:
            change.save()
            return
        if not change.reason:
            raise RuleBroken("reason", "Say why: nobody else can agree to this.", field="reason")
    change.status, change.decided_at = ChangeStatus.APPLIED, timezone.now()
    change.save()
    _apply(change)


def _apply(change: RoleChange) -> None:
    if change.subject is not None:
        change.subject.groups.set(Group.objects.filter(name__in=change.after))
    elif change.role is not None:
        change.role.group.permissions.set(rolebook.permission_rows(change.after))


def _detail(change: RoleChange) -> dict[str, Any]:
    """Before and after for the event."""
    detail: dict[str, Any] = {"before": change.before, "after": change.after, "change": str(change.pk)}
    if change.adds:
        detail["sensitive"] = change.adds
    if change.is_alone:
        detail["second_person"] = "nobody else could agree"
    return detail


def _about(change: RoleChange) -> User | HospitalRole:
    about = change.subject or change.role
    assert about is not None  # noqa: S101  (a constraint of the table)
    return about


def what_about(change: RoleChange) -> str:
    """Whose rights it changes, in words."""
    if change.subject is not None:
        return change.subject.display_name
    return f"the role {change.role.label}" if change.role else ""


def _tell_those_who_can_agree(change: RoleChange) -> None:
    notify(
        [person.pk for person in _could_agree(change)],
        kind="role_change.proposed",
        tone=Tone.DUE,
        text=f"{change.proposed_by.display_name} asks you to agree to a change of rights of {what_about(change)}.",
        url=reverse("accounts:role-change", args=[change.pk]),
    )


def _record(change: RoleChange, *, by: User) -> None:
    """The event of what was asked, or done at once; and those who can agree are told."""
    if change.is_waiting:
        record(
            "role_change.proposed", by=by, about=_about(change), reason=change.reason, detail=_detail(change)
        )
        _tell_those_who_can_agree(change)
    else:
        name = "user.roles_changed" if change.subject_id else "role.rights_changed"
        record(name, by=by, about=_about(change), reason=change.reason, detail=_detail(change))


@transaction.atomic
def change_roles(*, by: User, user: User, roles: list[str], reason: str = "") -> RoleChange:
    """Give a person (locked) these roles; what brings a sensitive right waits for a second person.

    Raises Denied (her own), RuleBroken, WrongMove (another change waits).
    """
    access.check_may_manage_users(by)
    access.check_is_not_self(by, user)
    check_roles(roles)
    return _change_of_person(by, user, roles, reason)


def _brings(user: User, before: list[str], after: list[str]) -> frozenset[str]:
    """The sensitive rights that she would get."""
    had = rolebook.rights_of(before) if user.is_active else frozenset()
    return rights.sensitive(rights_to_give(after) - had)


def _change_of_person(by: User, user: User, roles: list[str], reason: str) -> RoleChange:
    if RoleChange.objects.waiting().filter(subject=user).exists():
        raise WrongMove("A change of this person's roles waits for a second person. Withdraw it first.")
    before = sorted(user.groups.values_list("name", flat=True))
    adds = _brings(user, before, roles)
    change = RoleChange(
        subject=user, before=before, after=sorted(set(roles)), adds=sorted(adds), proposed_by=by
    )
    _decide_or_wait(change, reason=reason)
    _record(change, by=by)
    return change


@transaction.atomic
def change_rights(*, by: User, role: HospitalRole, wanted: frozenset[str], reason: str = "") -> RoleChange:
    """Give one of the hospital's roles (locked) these rights; a sensitive one that people would get waits.

    Raises Denied (a role one holds), WrongMove (another change waits).
    """
    access.check_may_manage_roles(by)
    access.check_does_not_hold(by, role.group.name)
    if RoleChange.objects.waiting().filter(role=role).exists():
        raise WrongMove("A change of this role's rights waits for a second person. Withdraw it first.")
    before = rolebook.rights_of([role.group.name])
    is_held = role.group.user_set.exists()
    adds = rights.sensitive(wanted - before) if is_held else frozenset()
    change = RoleChange(
        role=role, before=sorted(before), after=sorted(wanted), adds=sorted(adds), proposed_by=by
    )
    _decide_or_wait(change, reason=reason)
    _record(change, by=by)
    return change


def _locked_change(by: User, change_id: Any) -> RoleChange:
    """The change, its person or role and itself locked in that order."""
    access.check_may_see_changes(by)
    key = as_uuid(change_id)
    found = RoleChange.objects.filter(pk=key).first() if key else None
    if found is None:
        raise NotFound
    if found.subject_id:
        subject = locked(found.subject_id, None)
        change = RoleChange.objects.select_for_update().get(pk=found.pk)
        change.subject = subject
    else:
        rows = HospitalRole.objects.select_for_update(of=("self",)).select_related("group")
        role = rows.get(changes=found.pk)
        change = RoleChange.objects.select_for_update().get(pk=found.pk)
        change.role = role
    return change


def _check_nothing_happened_meanwhile(change: RoleChange) -> None:
    if change.subject is not None:
        now = set(change.subject.groups.values_list("name", flat=True))
        check_roles(change.after)
        if _brings(change.subject, change.before, change.after) - set(change.adds):
            raise Stale(
                "A role of this change may do more since it was proposed. Decline it; it has to be proposed anew."
            )
    elif change.role is not None:
        now = set(rolebook.rights_of([change.role.group.name]))
        if change.role.retired_at is not None:
            raise Stale("This role has been retired meanwhile. Decline the change.")
    if now != set(change.before):
        raise Stale(
            "The rights have changed since this was proposed. Decline it; it has to be proposed anew."
        )


@transaction.atomic
def approve_change(*, by: User, change_id: Any) -> RoleChange:
    """Agree: it is in force. Raises NotFound, Denied (not a second person), WrongMove, Stale, RuleBroken."""
    change = _locked_change(by, change_id)
    access.check_may_decide(by, change)
    check_move(MOVES, change.status, ChangeStatus.APPLIED)
    _check_nothing_happened_meanwhile(change)
    change.status, change.decided_by, change.decided_at = ChangeStatus.APPLIED, by, timezone.now()
    change.version += 1
    change.save()
    _apply(change)
    if change.subject is not None:
        change.subject.save(update_fields=["version"])
    record("role_change.approved", by=by, about=_about(change), reason=change.reason, detail=_detail(change))
    _tell_the_outcome(change, "agreed to", Tone.GOOD)
    return change


@transaction.atomic
def decline_change(*, by: User, change_id: Any, reason: str) -> RoleChange:
    """Refuse it, and say why. Raises NotFound, Denied, WrongMove, RuleBroken."""
    change = _locked_change(by, change_id)
    access.check_may_decide(by, change)
    check_move(MOVES, change.status, ChangeStatus.DECLINED)
    if not reason.strip():
        raise RuleBroken("reason", "Say why you decline.", field="reason")
    change.status, change.decided_by, change.decided_at = ChangeStatus.DECLINED, by, timezone.now()
    change.decision_reason = reason.strip()
    change.version += 1
    change.save()
    record(
        "role_change.declined",
        by=by,
        about=_about(change),
        reason=change.decision_reason,
        detail=_detail(change),
    )
    _tell_the_outcome(change, "declined", Tone.BAD)
    return change


@transaction.atomic
def withdraw_change(*, by: User, change_id: Any) -> RoleChange:
    """Take one's own proposal back. Raises NotFound, Denied, WrongMove."""
    change = _locked_change(by, change_id)
    access.check_may_withdraw(by, change)
    check_move(MOVES, change.status, ChangeStatus.WITHDRAWN)
    change.status, change.decided_at = ChangeStatus.WITHDRAWN, timezone.now()
    change.version += 1
    change.save()
    record("role_change.withdrawn", by=by, about=_about(change), reason=change.reason, detail=_detail(change))
    return change


def _tell_the_outcome(change: RoleChange, did: str, tone: Tone) -> None:
    assert change.decided_by is not None  # noqa: S101  (set just now)
    notify(
        [change.proposed_by_id],
        kind=f"role_change.{change.status}",
        tone=tone,
        text=f"{change.decided_by.display_name} {did} the change of rights of {what_about(change)}.",
        url=reverse("accounts:role-change", args=[change.pk]),
    )
