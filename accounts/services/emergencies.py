"""Emergency access for the whole house: one declares it, another confirms it, anybody who may ends it.

Sources: 45 CFR 164.312(a)(2)(ii), 164.308(a)(7)(ii)(C); 45 CFR 170.315(d)(6).
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts import access
from accounts.models import HouseEmergency, User
from accounts.queries import emergency_roles
from accounts.services.users import service_account
from accounts.signals import emergency_confirmed
from audit.services import record
from common.clock import database_now
from common.errors import RuleBroken, WrongMove
from common.notices.models import Tone
from common.notices.services import notify
from common.reasons import said


@transaction.atomic
def declare_emergency(
    *, by: User, reason: str, roles: Iterable[str], hours: int, is_drill: bool = False
) -> HouseEmergency:
    """Ask for it; nothing is open until a second person confirms. Raises Denied, RuleBroken, WrongMove."""
    access.check_may_declare_emergency(by)
    why = said(reason)
    if not 1 <= hours <= settings.EMERGENCY_HOURS:
        raise RuleBroken("hours", f"Between 1 and {settings.EMERGENCY_HOURS} hours.", field="hours")
    wanted = set(roles)
    chosen = [group for group in emergency_roles() if group.name in wanted]
    if not chosen or len(chosen) != len(wanted):
        raise RuleBroken("unknown_role", "Choose at least one of the roles.", field="roles")
    for old in HouseEmergency.objects.over().select_for_update(of=("self",)):
        _write_off(old)
    try:
        with transaction.atomic():
            emergency = HouseEmergency.objects.create(
                reason=why, hours=hours, is_drill=is_drill, declared_by=by, declared_at=database_now()
            )
    except IntegrityError:
        raise WrongMove("One is declared already.", code="already_declared") from None
    emergency.roles.set(chosen)
    record(
        "emergency.declared",
        by=by,
        about=emergency,
        reason=why,
        detail={"roles": sorted(wanted), "hours": hours, **_drill(emergency)},
    )
    notify(
        _others(by),
        kind="emergency.declared",
        tone=Tone.GLASS,
        text=f"{_mark(emergency)}{by.display_name} asks to open every chart in an emergency. "
        "A second person must confirm it.",
        url=reverse("accounts:emergency"),
    )
    return emergency


@transaction.atomic
def confirm_emergency(*, by: User, emergency_id: Any) -> HouseEmergency:
    """The second person's yes: from now on, and for the hours asked for. Raises NotFound, Denied, WrongMove."""
    emergency = access.get_emergency_for(by, emergency_id, lock=True)
    access.check_may_confirm_emergency(by, emergency)
    if emergency.is_confirmed:
        raise WrongMove("This is confirmed already.")
    if emergency.ended_at or not HouseEmergency.objects.waiting().filter(pk=emergency.pk).exists():
        raise WrongMove("This was withdrawn, or declared too long ago. Declare it again.")
    now = database_now()
    emergency.confirmed_by, emergency.confirmed_at = by, now
    emergency.expires_at = now + timedelta(hours=emergency.hours)
    emergency.version += 1
    emergency.save()
    record(
        "emergency.confirmed",
        by=by,
        about=emergency,
        reason=emergency.reason,
        detail={
            "declared_by": emergency.declared_by.username,
            "roles": sorted(emergency.roles.values_list("name", flat=True)),
            "until": emergency.expires_at,
            **_drill(emergency),
        },
    )
    opened = "nothing is opened by it" if emergency.is_drill else "every chart is open to the roles it names"
    notify(
        [emergency.declared_by_id, *_others(by)],
        kind="emergency.confirmed",
        tone=Tone.GLASS,
        text=f"{_mark(emergency)}Emergency access is in force for {emergency.hours} h: {opened}.",
        url=reverse("accounts:emergency"),
    )
    emergency_confirmed.send(HouseEmergency, emergency=emergency)
    return emergency


@transaction.atomic
def end_emergency(*, by: User, emergency_id: Any) -> HouseEmergency:
    """Close it now, or take it back before it is confirmed. Ended twice: the first end stays.

    Raises NotFound, Denied.
    """
    emergency = access.get_emergency_for(by, emergency_id, lock=True)
    if emergency.ended_at is not None:
        return emergency
    now = database_now()
    if emergency.expires_at is not None and emergency.expires_at <= now:
        _write_off(emergency)
        return emergency
    emergency.ended_by, emergency.ended_at = by, now
    emergency.version += 1
    emergency.save()
    event = "emergency.ended" if emergency.is_confirmed else "emergency.withdrawn"
    record(event, by=by, about=emergency, reason="no longer needed", detail=_drill(emergency))
    notify(
        [emergency.declared_by_id, emergency.confirmed_by_id, *_others(by)],
        kind=event,
        tone=Tone.GLASS,
        text=f"{_mark(emergency)}{by.display_name} ended the emergency access.",
        url=reverse("accounts:emergency"),
    )
    return emergency


@transaction.atomic
def write_off_emergencies() -> int:
    """Write down which the clock has closed, or nobody confirmed in time; returns how many. Closes nothing."""
    rows = list(HouseEmergency.objects.over().select_for_update(skip_locked=True, of=("self",)))
    for emergency in rows:
        _write_off(emergency)
    return len(rows)


def _write_off(emergency: HouseEmergency) -> None:
    """Say in the row and in the log that the clock closed it. The row is locked."""
    emergency.ended_at = emergency.expires_at or database_now()
    emergency.version += 1
    emergency.save()
    event = "emergency.expired" if emergency.is_confirmed else "emergency.lapsed"
    record(
        event,
        by=service_account("glass"),
        about=emergency,
        reason="its time was over",
        detail=_drill(emergency),
    )
    notify(
        [emergency.declared_by_id, emergency.confirmed_by_id],
        kind=event,
        tone=Tone.GLASS,
        text=f"{_mark(emergency)}The emergency access is over."
        if emergency.is_confirmed
        else f"{_mark(emergency)}Nobody confirmed the emergency access in time: nothing was opened.",
        url=reverse("accounts:emergency"),
    )


def _others(by: User) -> list[Any]:
    """Everybody else who may confirm or end it, and who keeps the system running."""
    people = User.objects.holding("accounts.declare_emergency") | User.objects.holding("accounts.view_system")
    return list(people.exclude(pk=by.pk).values_list("pk", flat=True))


def _mark(emergency: HouseEmergency) -> str:
    return "DRILL: " if emergency.is_drill else ""


def _drill(emergency: HouseEmergency) -> dict[str, Any]:
    return {"drill": True} if emergency.is_drill else {}
