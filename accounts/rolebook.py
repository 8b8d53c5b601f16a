"""Reads about roles, those of the house and the hospital's own alike: words, rights, holders, changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db.models import Count, Prefetch, Q, QuerySet

from accounts import access, rights
from accounts.models import HospitalRole, RoleChange, User
from accounts.roles import DESCRIPTIONS, PURPOSE, PURPOSES, Role
from common.errors import NotFound
from common.ids import as_uuid


@dataclass(frozen=True)
class RoleSheet:
    """A role as a screen shows it. `own` is the row of one that the hospital made."""

    name: str
    label: str
    description: str
    purpose: str
    rights: frozenset[str]
    holders: int
    needs_second_factor: bool
    retired_at: datetime | None
    own: HospitalRole | None

    @property
    def purpose_words(self) -> str:
        """The purpose of use in words."""
        return PURPOSES[self.purpose]

    @property
    def is_for_people(self) -> bool:
        """Whether a person can hold it."""
        return self.name != Role.SERVICE and self.retired_at is None


def _groups() -> QuerySet[Group]:
    permissions = Permission.objects.select_related("content_type")
    active = Count("user", filter=Q(user__is_active=True), distinct=True)
    return (
        Group.objects.select_related("hospital_role")
        .filter(Q(name__in=Role.values) | Q(hospital_role__isnull=False))
        .prefetch_related(Prefetch("permissions", queryset=permissions))
        .annotate(holders=active)
    )


def _sheet(group: Group) -> RoleSheet:
    held = rights.known(f"{row.content_type.app_label}.{row.codename}" for row in group.permissions.all())
    own: HospitalRole | None = getattr(group, "hospital_role", None)
    holders = group.holders  # type: ignore[attr-defined]
    if own is None:
        role = Role(group.name)
        words = (role.label, DESCRIPTIONS[role], PURPOSE[role])
        asks = bool({group.name, "all"} & set(settings.SECOND_FACTOR_ROLES))
        return RoleSheet(group.name, *words, held, holders, asks, None, None)
    own.group = group
    words = (own.label, own.description, own.purpose)
    return RoleSheet(group.name, *words, held, holders, own.needs_second_factor, own.retired_at, own)


def all_roles(*, with_retired: bool = False) -> list[RoleSheet]:
    """Those of the house in their order, then the hospital's own by their label. Two queries."""
    order = {name: number for number, name in enumerate(Role.values)}
    sheets = [_sheet(group) for group in _groups()]
    shown = [sheet for sheet in sheets if with_retired or sheet.retired_at is None]
    return sorted(shown, key=lambda sheet: (order.get(sheet.name, len(order)), sheet.label.lower()))


def role_named(name: str) -> RoleSheet:
    """One role, retired or not. Raises NotFound."""
    group = _groups().filter(name=name).first()
    if group is None:
        raise NotFound
    return _sheet(group)


def choices() -> list[tuple[str, str]]:
    """The roles that a person can be given, for a form."""
    return [(sheet.name, sheet.label) for sheet in all_roles() if sheet.is_for_people]


def rights_of(names: list[str]) -> frozenset[str]:
    """Everything that these roles allow together."""
    rows = Permission.objects.filter(group__name__in=names)
    pairs = rows.values_list("content_type__app_label", "codename")
    return rights.known(f"{app_label}.{codename}" for app_label, codename in pairs)


def holders_of(name: str) -> QuerySet[User]:
    """The active people who hold this role, by name."""
    return User.objects.filter(groups__name=name, is_active=True).order_by("name", "pk")


def changes() -> QuerySet[RoleChange]:
    """Changes of rights with whom and what they are about, newest first."""
    rows = RoleChange.objects.select_related("subject", "role__group", "proposed_by", "decided_by")
    return rows.order_by("-created_at", "-id")


def change_waiting_for(person: User) -> RoleChange | None:
    """What waits for a second person about her, if anything does."""
    return changes().waiting().filter(subject=person).first()  # type: ignore[attr-defined, no-any-return]


def permission_rows(names: Iterable[str]) -> list[Permission]:
    """The permissions of these names."""
    wanted = Q(pk=None)
    for name in names:
        app_label, codename = name.split(".")
        wanted |= Q(content_type__app_label=app_label, codename=codename)
    return list(Permission.objects.filter(wanted))


def own_role_named(name: str) -> RoleSheet:
    """One of the hospital's own roles that is in use. Raises NotFound."""
    sheet = role_named(name)
    if sheet.own is None or sheet.retired_at is not None:
        raise NotFound
    return sheet


def words() -> list[tuple[str, str]]:
    """The names and labels of every role, retired ones included."""
    return [(sheet.name, sheet.label) for sheet in all_roles(with_retired=True)]


def changes_of_role(role: HospitalRole) -> QuerySet[RoleChange]:
    """How its rights changed, newest first."""
    return changes().filter(role=role)


def change_for(user: User, change_id: object) -> RoleChange:
    """One change of rights, for whoever has a part in them. Raises Denied, NotFound."""
    access.check_may_see_changes(user)
    key = as_uuid(change_id)
    found = changes().filter(pk=key).first() if key else None
    if found is None:
        raise NotFound
    return found


def count_waiting_for(user: User) -> int:
    """How many changes of rights wait for somebody like her: she has not proposed them, nor are they about her."""
    waiting = RoleChange.objects.waiting().exclude(proposed_by=user).exclude(subject=user)
    return waiting.exclude(role__group__name__in=user.role_names).count()


def possible_managers(person: User | None) -> QuerySet[User]:
    """Active people who may answer for somebody's rights: anybody but herself, and whoever does it now."""
    people = User.objects.people().filter(is_active=True)
    if person is not None:
        now = User.objects.filter(people_managed=person)
        people = (people | now).exclude(pk=person.pk)
    return people.distinct().order_by("name", "pk")
