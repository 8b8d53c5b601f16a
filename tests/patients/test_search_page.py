"""The search page: what one box finds, what it shows, and what it writes into the log."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from patients import services
from patients.models import Patient
from tests.factories import EncounterFactory, PatientFactory
from tests.support import events

Browse = Callable[[User], Client]


def test_results_show_two_identifiers_and_the_last_encounter(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create(family="Quill", given="Nora", birth_date=date(1961, 4, 9))
    encounter = EncounterFactory.create(patient=patient)
    page = browse(clerk).get("/patients/", {"q": "quill"})
    text = page.content.decode()
    assert page.status_code == 200
    for shown in ("QUILL, Nora", "09 Apr 1961", patient.mrn_display, "Female", encounter.location.name):
        assert shown in text
    written = events("patient.searched", actor_id=clerk.pk)
    assert len(written) == 1
    assert written[0].patient_ids == [patient.pk]
    assert written[0].detail["q"] == "quill"


def test_a_hostile_name_is_only_text(clerk: User, browse: Browse) -> None:
    PatientFactory.create(family="Quill<script>alert(1)</script>", given="\"'&amp;")
    text = browse(clerk).get("/patients/", {"q": "quill"}).content.decode()
    assert "<script>ALERT" not in text
    assert "QUILL&lt;SCRIPT&gt;ALERT(1)&lt;/SCRIPT&gt;, &quot;&#x27;&amp;amp;" in text


@pytest.mark.parametrize("text", ["", "q", " q "])
def test_one_letter_is_no_question_and_no_event(text: str, clerk: User, browse: Browse) -> None:
    PatientFactory.create(family="Quill")
    page = browse(clerk).get("/patients/", {"q": text})
    assert "QUILL" not in page.content.decode()
    assert not events("patient.searched", actor_id=clerk.pk)


def test_enter_on_a_whole_mrn_opens_the_chart(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    page = browse(clerk).get("/patients/", {"q": patient.mrn_display})
    assert page.status_code == 302
    assert page["Location"] == patient.get_absolute_url()
    assert len(events("patient.searched", actor_id=clerk.pk)) == 1


def test_while_typing_the_list_changes_and_the_page_stays(clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    page = browse(clerk).get("/patients/", {"q": patient.mrn}, headers={"HX-Request": "true"})
    assert page.status_code == 200
    assert patient.mrn_display in page.content.decode()


def test_namesakes_are_marked(clerk: User, browse: Browse) -> None:
    PatientFactory.create(family="Quill", given="Nora", birth_date=date(1961, 4, 9))
    PatientFactory.create(family="Quill", given="Nora Jane", birth_date=date(1999, 4, 9))
    other = PatientFactory.create(family="Quill", given="Norbert")
    text = browse(clerk).get("/patients/", {"q": "quill"}).content.decode()
    assert text.count("2 people named so") == 2
    assert other.mrn_display in text


def test_nobody_found_offers_to_register_with_what_was_typed(clerk: User, browse: Browse) -> None:
    client = browse(clerk)
    text = client.get("/patients/", {"q": "zyxwvut, ada 12/10/1915"}).content.decode()
    assert "Register this person" in text
    form = client.get("/patients/register/", {"q": "zyxwvut, ada 12/10/1915"}).content.decode()
    for filled in ('value="Zyxwvut"', 'value="Ada"', 'value="10 Dec 1915"'):
        assert filled in form


def test_a_clinician_finds_her_own_patients_only(clinician: User, browse: Browse) -> None:
    mine = PatientFactory.create(family="Quill", given="Mine")
    PatientFactory.create(family="Quill", given="Other")
    EncounterFactory.create(patient=mine, attending=clinician)
    text = browse(clinician).get("/patients/", {"q": "quill"}).content.decode()
    assert "QUILL, Mine" in text
    assert "QUILL, Other" not in text
    assert "Register" not in text
    assert events("patient.searched", actor_id=clinician.pk)[0].patient_ids == [mine.pk]


def test_the_administrator_does_not_search(administrator: User, browse: Browse) -> None:
    patient = PatientFactory.create(family="Quill")
    page = browse(administrator).get("/patients/", {"q": "quill"})
    assert page.status_code == 403
    assert patient.mrn_display not in page.content.decode()
    assert len(events("access.denied", actor_id=administrator.pk)) == 1


@pytest.mark.parametrize("rows", [1, 30])
def test_few_queries_however_many_are_found(
    rows: int, clerk: User, browse: Browse, django_assert_max_num_queries: Any
) -> None:
    for _ in range(rows):
        EncounterFactory.create(patient=PatientFactory.create(family="Quill"))
    client = browse(clerk)
    with django_assert_max_num_queries(15):
        page = client.get("/patients/", {"q": "quill"})
    assert len(page.context["found"]) == min(rows, 25)
    assert ("Type more to narrow it" in page.content.decode()) is (rows > 25)


@pytest.mark.parametrize(
    "text", ["%", "%%", "_a_", "\\", "q%l", "'; drop table x; --", "\0\0", "\u202eab", "a" * 5000]
)
def test_signs_of_other_languages_are_only_text(text: str, clerk: User) -> None:
    PatientFactory.create(family="Quill")
    assert services.search_patients(by=clerk, text=text) == []
    assert Patient.objects.filter(family="Quill").exists()
