"""Where somebody works: her units open charts of the patients who lie there, her houses bound a records role."""

from collections.abc import Iterable
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.access import check_is_not_self, check_is_person, check_may_manage_users
from accounts.models import User
from accounts.services.rows import locked
from accounts.services.telling import tell
from audit.services import record
from common.errors import RuleBroken
from patients.models import Facility, Location, Workplace

Place = tuple[Facility, Location | None]


@transaction.atomic
def set_workplaces(
    *,
    by: User,
    user_id: UUID,
    units: Iterable[Location] = (),
    facilities: Iterable[Facility] = (),
    seen_version: int | None = None,
) -> list[Workplace]:
    """Make this the whole of where somebody works; no place means the whole house. What stays keeps its beginning.

    Nobody changes her own: it would change which charts she opens. She is told. Returns what is in force afterwards.
    Raises Denied, NotFound, Stale, RuleBroken for a unit that is closed.
    """
    check_may_manage_users(by)
    user = locked(user_id, seen_version)
    check_is_person(user)
    check_is_not_self(by, user)
    rows = Workplace.objects.in_force().filter(user=user).select_related("facility", "location")
    before: dict[Place, Workplace] = {(row.facility, row.location): row for row in rows}
    wanted = _places(units, facilities, before)
    if wanted == set(before):
        return list(before.values())
    now = timezone.now()
    for place, row in before.items():
        if place not in wanted:
            row.until = max(now, row.since)
            row.save()
    for facility, location in wanted - set(before):
        Workplace.objects.create(user=user, facility=facility, location=location)
    user.save()
    after = _words(wanted)
    record("user.workplaces_set", by=by, about=user, detail={"before": _words(set(before)), "after": after})
    tell(user, "user.workplaces_set", f"You work here from now on: {', '.join(after) or 'the whole house'}.")
    return list(rows.all())


def _places(
    units: Iterable[Location], facilities: Iterable[Facility], before: dict[Place, Workplace]
) -> set[Place]:
    places: set[Place] = {(unit.facility, unit) for unit in units} | {(house, None) for house in facilities}
    for _, unit in places - set(before):
        if unit is not None and not unit.is_active:
            raise RuleBroken("units", f"{unit.name} is closed.", field="units")
    return places


def _words(places: set[Place]) -> list[str]:
    return sorted(f"{unit}, {facility}" if unit else str(facility) for facility, unit in places)
