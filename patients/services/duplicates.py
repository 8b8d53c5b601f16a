"""Before somebody is registered: is she in the index already? (A thin first form: exact twins only.)"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import User
from audit.services import record
from common.errors import WrongMove
from patients import access
from patients.models import SSN, Patient, PatientStatus


@dataclass(frozen=True)
class Twin:
    """Somebody in the index who may be the person about to be registered."""

    patient: Patient
    score: float
    grade: str
    reasons: tuple[str, ...]


class PossibleDuplicates(WrongMove):
    """Somebody like that is in the index already; register all the same by saying why."""

    code = "possible_duplicates"

    def __init__(self, twins: list[Twin]) -> None:
        super().__init__(
            "Somebody with the same particulars is in the index already. Open that chart, or say why this is"
            " another person.",
            field="override_duplicates",
        )
        self.twins = twins


def wait_for_twins(patient: Patient) -> None:
    """Two clerks who register the same person at once come one after the other, until their COMMIT."""
    same = f"{patient.family_key}|{patient.given_key}|{patient.birth_date}"
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [same])


def twins_of(patient: Patient, ssns: Iterable[str] = ()) -> list[Twin]:
    """Entries with the same name, birth date and sex, or the same social security number."""
    people = Patient.objects.exclude(pk=patient.pk).exclude(status=PatientStatus.MERGED)
    twins: list[Twin] = []
    if patient.birth_date is not None:
        same = people.filter(
            family_key=patient.family_key,
            given_key=patient.given_key,
            birth_date=patient.birth_date,
            sex=patient.sex,
        )
        reasons = ("same name", "same birth date", "same sex")
        twins += [Twin(found, 1.0, "certain", reasons) for found in same.order_by("pk")[:10]]
    numbers = list(ssns)
    if numbers:
        seen = [twin.patient.pk for twin in twins]
        same = people.filter(identifiers__system=SSN, identifiers__value__in=numbers).exclude(pk__in=seen)
        number = ("same social security number",)
        twins += [Twin(found, 0.9, "probable", number) for found in same.order_by("pk").distinct()[:10]]
    return twins


@transaction.atomic
def show_duplicates(*, by: User, twins: list[Twin]) -> list[dict[str, Any]]:
    """What may be told of the twins, as API.md has it; the look is an event. Raises Denied."""
    access.check_may_register(by)
    shown: list[UUID] = [twin.patient.pk for twin in twins]
    record(
        "patient.duplicates_shown",
        by=by,
        patients=shown,
        reason="registering: may be the same person",
        detail={"shown": len(shown)},
    )
    return [
        {
            "id": str(twin.patient.pk),
            "mrn": twin.patient.mrn,
            "score": twin.score,
            "grade": twin.grade,
            "reasons": list(twin.reasons),
        }
        for twin in twins
    ]
