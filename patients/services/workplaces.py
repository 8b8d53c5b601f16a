"""Where somebody works: her units open charts of the patients who lie there, her houses bound a records role."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from accounts.access import check_may_manage_users
from accounts.models import User
from audit.services import record
from common.errors import NotFound, RuleBroken
from patients.models import Facility, Location, Workplace


@transaction.atomic
def set_workplaces(
    *, by: User, username: str, units: Sequence[str] = (), facilities: Sequence[str] = ()
) -> list[Workplace]:
    """Make this the whole of where somebody works: units and facilities by name. Nothing means the whole house.

    Raises Denied, NotFound for a user who is none, RuleBroken for a place that is none.
    """
    check_may_manage_users(by)
    user = User.objects.select_for_update().filter(username__iexact=username).first()
    if user is None:
        raise NotFound
    places: list[tuple[Facility, Location | None]] = []
    for name in units:
        unit = Location.objects.filter(name__iexact=name).select_related("facility").order_by("pk").first()
        if unit is None:
            raise RuleBroken("units", f"There is no unit {name}.", field="units")
        places.append((unit.facility, unit))
    for name in facilities:
        house = Facility.objects.filter(name__iexact=name).first()
        if house is None:
            raise RuleBroken("facilities", f"There is no facility {name}.", field="facilities")
        places.append((house, None))
    now = timezone.now()
    before = list(Workplace.objects.in_force().filter(user=user).select_related("facility", "location"))
    for row in before:
        row.until = max(now, row.since)
        row.save()
    made = [
        Workplace.objects.create(user=user, facility=facility, location=location)
        for facility, location in dict.fromkeys(places)
    ]
    record(
        "user.workplaces_set",
        by=by,
        about=user,
        detail={"before": [_words(row) for row in before], "after": [_words(row) for row in made]},
    )
    return made


def _words(row: Workplace) -> str:
    return str(row.location or row.facility)
