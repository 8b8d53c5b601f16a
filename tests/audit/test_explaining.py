"""Each access is explained from what the hospital knows, as it was then (MON-1)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from audit import explaining
from audit.explaining import Access, Explainer, Verdict, explain
from audit.models import Event
from common.ids import uuid7
from patients import services
from patients.models import Patient
from tests.factories import EncounterFactory, PatientFactory


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


def test_only_an_open_chart_is_an_access(clinician: User, clerk: User, chart: Patient) -> None:
    services.search_patients(by=clerk, text="quill")
    services.open_chart(by=clerk, patient_id=chart.pk)
    found = [Access.of(event) for event in Event.objects.order_by("id")]
    assert [access.event for access in found if access] == ["patient.viewed"]


@pytest.mark.parametrize(
    ("began", "ended", "is_explained"),
    [(10, None, True), (400, 1, True), (400, 300, False), (-2, None, True), (-400, None, False)],
)
def test_the_attending_is_explained_as_long_as_she_is(
    began: int, ended: int | None, is_explained: bool, clinician: User, chart: Patient
) -> None:
    now = timezone.now()
    started = now - (timedelta(days=began) if began > 0 else timedelta(hours=began))
    stay = EncounterFactory.create(
        patient=chart,
        attending=clinician,
        started_at=started,
        ended_at=now - timedelta(days=ended) if ended else None,
    )
    access = Access(7, now, "patient.viewed", clinician.pk, chart.pk)
    found = explain([access, Access(8, now, "patient.viewed", uuid7(), chart.pk)])
    assert 8 not in found
    if is_explained:
        (one,) = found[7]
        assert (one.kind, one.verdict) == ("attending", Verdict.EXPLAINED)
        assert one.evidence == f"patients.encounter:{stay.pk}"
        assert stay.number in one.words
    else:
        assert found == {}


def test_a_kind_is_registered_once() -> None:
    kind = explaining.all_explainers()[0].kind
    with pytest.raises(ValueError, match="twice"):
        explaining.register(Explainer(kind, "Another", lambda accesses: []))


def test_nothing_asked_is_nothing_explained(db: None) -> None:
    assert explain([]) == {}
