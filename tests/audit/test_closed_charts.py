"""The log about a chart that is closed to the officer herself: that somebody looked, not what was written."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from audit.services import record
from patients.models import ChartRestriction, Patient, Restriction
from tests.factories import PatientFactory, make_user

Browse = Callable[[User], Client]
NAME = "Vexillomancer"


@pytest.fixture
def neighbour(compliance: User, supervisor: User, clerk: User) -> Patient:
    """Registered by the clerk, with her name among the changes; then closed to the officer by name."""
    patient = PatientFactory.create()
    changes = [{"model": "patients.patient", "fields": {"family": ["", NAME]}}]
    record("patient.updated", by=clerk, patient=patient.pk, about=patient, detail={"changes": changes})
    record(
        "patient.searched", by=clerk, patients=[patient.pk, PatientFactory.create().pk], detail={"q": NAME}
    )
    ChartRestriction.objects.create(
        patient=patient, kind=Restriction.PERSON, user=compliance, why="a neighbour", set_by=supervisor
    )
    return patient


@pytest.mark.parametrize("address", ["/api/v1/audit/events/", "/log/", "/log/export/"])
def test_lists_tell_that_it_happened_and_not_what_was_written(
    address: str, neighbour: Patient, compliance: User, clerk: User, browse: Browse
) -> None:
    answer = browse(compliance).get(address, {"actor": clerk.username})
    text = answer.getvalue().decode()
    assert answer.status_code == 200
    assert str(neighbour.pk) in text or clerk.username in text
    assert NAME not in text


def test_one_event_whole_keeps_it_too(neighbour: Patient, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    rows = client.get("/api/v1/audit/events/", {"patient": neighbour.pk}).json()["results"]
    assert {row["event"] for row in rows} >= {"patient.updated", "patient.searched"}
    for row in rows:
        assert row["detail"] is None
        assert client.get(f"/api/v1/audit/events/{row['id']}/").json()["detail"] is None
        assert NAME not in client.get(f"/log/{row['id']}/").content.decode()


def test_a_proof_holds_events_whole_so_another_officer_takes_it(
    neighbour: Patient, compliance: User, clerk: User, browse: Browse
) -> None:
    answer = browse(compliance).get("/log/evidence/", {"actor": clerk.username})
    assert answer.status_code == 422
    assert "closed to you" in answer.content.decode()


def test_another_officer_reads_everything(neighbour: Patient, clerk: User, browse: Browse) -> None:
    other = browse(make_user(Role.COMPLIANCE_OFFICER))
    rows = other.get("/api/v1/audit/events/", {"patient": neighbour.pk}).json()["results"]
    assert any(NAME in str(row["detail"]) for row in rows)
    assert NAME in other.get("/log/export/", {"actor": clerk.username}).getvalue().decode()
