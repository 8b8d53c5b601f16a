"""The people who work at the demonstration hospital, and its places. Public passwords: only where
CHARTROOM_DEMO is on.
"""

from __future__ import annotations

import secrets

from django.conf import settings

from accounts.models import User
from accounts.roles import Role
from accounts.services import DEMO_PASSWORD, change_user, create_user, open_reviews
from demo.people import physician
from demo.words.people import HOSPITAL, PHYSICIANS
from patients.models import Facility, Location

ACCOUNTS = (
    ("clerk", "Juniper Ashdown", Role.RECORDS_CLERK),
    ("roi", "Cornelia Birdsong", Role.ROI_SPECIALIST),
    ("supervisor", "Thaddeus Merle", Role.RECORDS_SUPERVISOR),
    ("clinician", physician("clinician"), Role.CLINICIAN),
    ("clinician2", physician("clinician2"), Role.CLINICIAN),
    ("compliance", "Winifred Lark", Role.COMPLIANCE_OFFICER),
    ("administrator", "Osric Vale", Role.ADMINISTRATOR),
)
# Who confirms whose rights: records, the physicians, and whoever answers for a department.
MANAGERS = {
    "clerk": "supervisor",
    "roi": "supervisor",
    **{username: "clinician" for username, *_ in PHYSICIANS if username != "clinician"},
    "clinician": "compliance",
    "supervisor": "compliance",
    "administrator": "compliance",
    "compliance": "administrator",
}


class NotHere(Exception):
    """The demonstration is not wanted in this installation."""


def check_is_wanted() -> None:
    """Raises NotHere unless CHARTROOM_DEMO is on: accounts with public passwords belong nowhere else."""
    if not settings.DEMO:
        raise NotHere("The demonstration is off here: CHARTROOM_DEMO is not 1.")


def make_accounts() -> int:
    """Make the demonstration's accounts that are not there yet; returns how many were made."""
    check_is_wanted()
    made = 0
    for username, name, role in ACCOUNTS:
        if not User.objects.filter(username=username).exists():
            create_user(username=username, name=name, password=DEMO_PASSWORD, roles=[role])
            made += 1
    return made


def make_places() -> None:
    """The hospital, its units, and physicians who never sign in (nobody knows their passwords)."""
    facility, _ = Facility.objects.get_or_create(name=HOSPITAL)
    for username, _given, _family, _service, unit in PHYSICIANS:
        Location.objects.get_or_create(facility=facility, name=unit)
        if not User.objects.filter(username=username).exists():
            create_user(
                username=username,
                name=physician(username),
                password=secrets.token_urlsafe(24),
                roles=[Role.CLINICIAN],
            )


def make_managers() -> None:
    """Each department has somebody who confirms its people's rights each quarter; who has a manager keeps her."""
    administrator = person("administrator")
    for username, manager in MANAGERS.items():
        user = person(username)
        if user.manager_id is None:
            change_user(
                by=administrator,
                user_id=user.pk,
                name=user.name,
                email=user.email,
                roles=user.role_names,
                manager=person(manager),
            )
    open_reviews()


def person(username: str) -> User:
    """A demonstration account with its roles."""
    return User.objects.prefetch_related("groups").get(username=username)
