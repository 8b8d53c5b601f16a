"""Events of days gone by, which nobody but a test may write."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from typing import Any

import psycopg2
from django.db import connection, connections
from django.utils import timezone

from accounts.models import User
from audit.review import counting
from audit.review.models import DayState, SignOff
from audit.review.services import signing
from common.ids import uuid7

_INSERT = """
insert into audit_event (at, event, action, actor_id, actor, roles, patient_id, outcome, object_type, object_id)
values (%s, %s, %s, %s, %s, %s, %s, %s, 'patients.patient', %s)
"""


@contextmanager
def backdating() -> Iterator[None]:
    """While it lasts, the restricted role may say when something was."""
    role = connections["default"].settings_dict["USER"]
    _as_owner(f'grant insert (at) on audit_event to "{role}"')
    try:
        yield
    finally:
        _as_owner(f'revoke insert (at) on audit_event from "{role}"')


def _as_owner(statement: str) -> None:
    """Past the connections that a test may use: what is granted is seen by its transaction at once."""
    owner = connections["owner"].settings_dict
    with closing(
        psycopg2.connect(
            dbname=owner["NAME"],
            user=owner["USER"],
            password=owner["PASSWORD"] or None,
            host=owner["HOST"] or None,
            port=owner["PORT"] or None,
        )
    ) as connected:
        connected.autocommit = True
        with connected.cursor() as cursor:
            cursor.execute(statement)


def at_noon(day: date, minutes: int = 0) -> datetime:
    """An instant of this day in the hospital's time zone."""
    return timezone.make_aware(datetime.combine(day, time(12))) + timedelta(minutes=minutes)


def happened(
    at: datetime,
    by: User | None,
    *,
    event: str = "patient.viewed",
    action: str = "view",
    patient: Any = None,
    outcome: str = "success",
    actor: str = "",
) -> None:
    """One event of that time."""
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT,
            [
                at, event, action, by.pk if by else None, by.username if by else actor,
                by.role_names if by else [], patient, outcome, str(patient or uuid7()),
            ],
        )  # fmt: skip


def count_everything() -> None:
    """As the task does, until nothing is left."""
    for _ in range(40):
        counting.count_days()
        if not DayState.objects.filter(counted_at=None).exists():
            return
    raise AssertionError("Something keeps the days from being settled.")


def judged(sign_off: SignOff, by: User, verdict: str = "fine", note: str = "") -> None:
    """Every drawn access is judged so."""
    positions = sign_off.sample.values_list("position", flat=True)
    signing.judge_sample(by=by, sign_off_id=sign_off.pk, verdicts=dict.fromkeys(positions, (verdict, note)))


def signed(sign_off: SignOff, by: User, **more: Any) -> SignOff:
    """Signed with words that say something."""
    words = {
        "looked_at": ["log", "glass"],
        "found": "Nothing unusual.",
        "decided": "Nothing has to change.",
        **more,
    }
    return signing.sign(by=by, sign_off_id=sign_off.pk, **words)
