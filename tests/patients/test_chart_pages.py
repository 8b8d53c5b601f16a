"""Pages of one chart: each look leaves its event, others learn nothing, few queries."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from audit.services import record
from common.ids import uuid7
from common.templatetags.chartroom import day_text
from patients import services
from patients.models import Patient
from tests.factories import EncounterFactory, PatientFactory
from tests.support import events

Browse = Callable[[User], Client]
LOOKS = [
    ("patients:chart", "patient.viewed"),
    ("patients:demographics", "patient.viewed"),
    ("patients:encounters", "encounter.listed"),
]
CHANGES = ["patients:edit", "patients:encounter-new"]


@pytest.mark.parametrize(("address", "event"), LOOKS)
def test_a_look_is_an_event_with_its_reason(
    address: str, event: str, clinician: User, browse: Browse
) -> None:
    encounter = EncounterFactory.create(attending=clinician)
    patient = encounter.patient
    page = browse(clinician).get(reverse(address, args=[patient.pk]))
    text = page.content.decode()
    assert page.status_code == 200
    assert patient.display_name in text
    assert patient.mrn_display in text
    assert f"({patient.age_text})" in text
    written = events(event, actor_id=clinician.pk, patient_id=patient.pk)
    assert [row.reason for row in written] == [f"attending: encounter {encounter.number}"]
    assert [row.purpose for row in written] == ["TREAT"]


@pytest.mark.parametrize("address", [*(name for name, _ in LOOKS), *CHANGES])
def test_a_guessed_id_shows_nothing_and_is_noted(address: str, clinician: User, browse: Browse) -> None:
    mine = EncounterFactory.create(attending=clinician).patient
    patient = PatientFactory.create(family="Secretson", given="Shh")
    page = browse(clinician).get(reverse(address, args=[patient.pk]))
    text = page.content.decode()
    assert page.status_code == 403
    assert "ask the records department" in text
    for fact in ("Secretson", "SECRETSON", "Shh", patient.mrn, patient.mrn_display, "29 Feb 1980"):
        assert fact not in text
    denied = events("access.denied", actor_id=clinician.pk)
    assert [(row.patient_id, row.outcome) for row in denied] == [(patient.pk, "denied")]
    assert not events("patient.viewed", actor_id=clinician.pk)
    assert mine.pk != patient.pk


@pytest.mark.parametrize("address", [*(name for name, _ in LOOKS), *CHANGES])
def test_an_id_of_nobody_is_not_found_and_noted(address: str, clinician: User, browse: Browse) -> None:
    page = browse(clinician).get(reverse(address, args=[uuid7()]))
    assert page.status_code == 404
    assert len(events("access.denied", actor_id=clinician.pk)) == 1


def test_a_guessed_encounter_shows_nothing(clinician: User, browse: Browse) -> None:
    encounter = EncounterFactory.create(patient=PatientFactory.create(family="Secretson"))
    client = browse(clinician)
    answers = [
        client.get(reverse("patients:encounter-edit", args=[encounter.pk])),
        client.post(reverse("patients:encounter-edit", args=[encounter.pk]), {"kind": "emergency"}),
        client.post(reverse("patients:encounter-close", args=[encounter.pk])),
    ]
    for answer in answers:
        assert answer.status_code == 403
        assert "SECRETSON" not in answer.content.decode().upper()
        assert encounter.number not in answer.content.decode()
    encounter.refresh_from_db()
    assert (encounter.version, encounter.ended_at) == (1, None)


def test_the_administrator_opens_no_chart(administrator: User, browse: Browse) -> None:
    patient = PatientFactory.create(family="Secretson")
    for address, _ in LOOKS:
        page = browse(administrator).get(reverse(address, args=[patient.pk]))
        assert page.status_code == 403
        assert "SECRETSON" not in page.content.decode()


def test_demographics_tell_who_changed_what(clerk: User, browse: Browse) -> None:
    patient = services.register_patient(
        by=clerk,
        family="Quill",
        given="Nora",
        birth_date=PatientFactory.build().birth_date,
        sex="female",
        identifiers=[{"system": "us:ssn", "value": "219-09-9999"}],
    )
    services.update_patient(by=clerk, patient_id=patient.pk, given="Norah", sex="other")
    page = browse(clerk).get(reverse("patients:demographics", args=[patient.pk]))
    text = page.content.decode()
    newest, first = page.context["history"]
    told = {(change.label, change.before, change.after) for change in newest.changes}
    assert {("given", "Nora", "Norah"), ("sex", "Female", "Other")} <= told
    assert newest.who == clerk.display_name
    assert first.words == "registered the patient"
    assert "ends in 9999" in text
    assert "219099999" not in text
    plain = " ".join(re.sub("<[^>]+>", " ", text).split())
    assert f"birth date {day_text(patient.birth_date)}" in plain
    assert f"mrn {patient.mrn_display}" in plain.lower()
    assert str(patient.birth_date) in {change.after for change in first.changes}, (
        "programs get what is stored"
    )


def test_tabs_are_those_of_the_role(clerk: User, clinician: User, browse: Browse) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    page = browse(clinician).get(patient.get_absolute_url())
    text = page.content.decode()
    assert reverse("patients:encounters", args=[patient.pk]) in text
    assert "Access</a>" not in text
    assert 'aria-current="page">Timeline' in text


def test_a_merged_entry_points_to_the_survivor(clerk: User, browse: Browse) -> None:
    gone, survivor = PatientFactory.create(), PatientFactory.create()
    with transaction.atomic():
        gone.status, gone.merged_into = "merged", survivor
        gone.save()
        record("patient.updated", by=clerk, patient=gone.pk)
    for address, _ in LOOKS:
        text = browse(clerk).get(reverse(address, args=[gone.pk])).content.decode()
        assert "Merged into another chart" in text
        assert survivor.get_absolute_url() in text


@pytest.mark.parametrize("rows", [1, 30])
@pytest.mark.parametrize(("address", "event"), LOOKS)
def test_few_queries_however_much_there_is(
    address: str, event: str, rows: int, clinician: User, browse: Browse, django_assert_max_num_queries: Any
) -> None:
    patient: Patient = PatientFactory.create()
    for number in range(rows):
        EncounterFactory.create(patient=patient, attending=clinician)
        with transaction.atomic():
            patient.middle = f"M{number}"
            patient.save()
            record("patient.updated", by=clinician, patient=patient.pk, about=patient)
    client = browse(clinician)
    client.get("/")  # the session's first page also notes that somebody is there
    with django_assert_max_num_queries(15):
        page = client.get(reverse(address, args=[patient.pk]))
    assert page.status_code == 200
    assert len(events(event, actor_id=clinician.pk)) == 1
