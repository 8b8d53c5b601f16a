"""What the search finds, by everything a clerk may type."""

from datetime import date, timedelta
from functools import partial
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from audit.services import record
from patients import queries, services
from patients.access import open_among, visible_to
from patients.models import ChartRestriction, Patient, Restriction
from tests.factories import EncounterFactory, PatientFactory


@pytest.fixture
def ada(clerk: User) -> Patient:
    """Ada Rose Lovelace, born Byron, with numbers and a telephone."""
    return services.register_patient(
        by=clerk,
        family="Lovelace",
        given="Ada",
        middle="Rose",
        birth_date=date(1980, 2, 29),
        sex="female",
        identifiers=[
            {"system": "us:ssn", "value": "219-09-9999"},
            {"system": "county", "value": "CHR-77 1234/b"},
        ],
        telecoms=[{"system": "phone", "value": "+1 (555) 010-4477"}],
        aliases=[{"family": "Byron", "given": "Augusta Ada"}],
    )


@pytest.fixture
def crowd(ada: Patient) -> None:
    """Neighbours who are nearly her."""
    PatientFactory.create(family="Lovelace", given="Anne", birth_date=date(1980, 2, 28))
    PatientFactory.create(family="Love", given="Ada", birth_date=date(1981, 2, 28))
    PatientFactory.create(family="Adams", given="Lovell", birth_date=date(1980, 3, 1))


FINDS = [
    ("lovelace ada", "name"),
    ("ada lovelace", "name"),
    ("ada lovel", "name"),
    ("lovelace a", "name"),
    ("lovelace, ada", "name"),
    ("LOVELACE,Ada", "name"),
    ("lovelace ada r", "name"),
    ("ada rose lovelace", "name"),
    ("lövelace", "name"),
    ("byron", "other name"),
    ("augusta byron", "other name"),
    ("byron, aug", "other name"),
    ("02/29/1980", "birth date"),
    ("2/29/80", "birth date"),
    ("1980-02-29", "birth date"),
    ("29 Feb 1980", "birth date"),
    ("Feb 29, 1980", "birth date"),
    ("19800229", "birth date"),
    ("02291980", "birth date"),
    ("ada lovelace 2/29/1980", "birth date"),
    ("1980-02-29 love", "birth date"),
    ("219-09-9999", "identifier"),
    ("219099999", "identifier"),
    ("chr-77 1234/b", "identifier"),
    ("CHR771234", "identifier"),
    ("5550104477", "telephone"),
    ("555-010-4477", "telephone"),
    ("+1 555 010 4477", "telephone"),
    ("0104477", "telephone"),
]


@pytest.mark.parametrize(("text", "why"), FINDS)
def test_the_one_box_finds_her(text: str, why: str, ada: Patient, crowd: None) -> None:
    found = {hit.patient.pk: hit for hit in queries.search(Patient.objects.all(), text=text)}
    assert ada.pk in found
    assert why in found[ada.pk].matched_on


@pytest.mark.parametrize("cut", [0, 1, 3, 5])
def test_mrn_whole_grouped_and_by_its_beginning(cut: int, ada: Patient) -> None:
    digits = ada.mrn[: len(ada.mrn) - cut]
    for text in (digits, "-".join(digits), f" {digits} "):
        found = queries.search(Patient.objects.all(), text=text)
        assert ada.pk in [hit.patient.pk for hit in found]
    whole = queries.search(Patient.objects.all(), text=ada.mrn)
    assert [(hit.patient.pk, hit.score, hit.matched_on) for hit in whole] == [(ada.pk, 1.0, ["MRN"])]


MISSES = [
    "lovelace ann 2/29/1980",
    "ada byronn",
    "lovelace ada 1980-02-28",
    "ovelace",
    "219-09-9998",
    "555-010-4478",
    "99999999",
    "lovelace 99999999",
]


@pytest.mark.parametrize("text", MISSES)
def test_it_does_not_find_her_by_what_is_not_hers(text: str, ada: Patient, crowd: None) -> None:
    assert ada.pk not in [hit.patient.pk for hit in queries.search(Patient.objects.all(), text=text)]


def test_a_comma_says_which_is_the_family_name(ada: Patient) -> None:
    swapped = PatientFactory.create(family="Ada", given="Lovelace")
    found = queries.search(Patient.objects.all(), text="ada, lovelace")
    assert [hit.patient.pk for hit in found] == [swapped.pk, ada.pk]


def test_the_best_match_comes_first(ada: Patient) -> None:
    PatientFactory.create(family="Lovelace", given="Abel")
    other = services.register_patient(
        by=User.objects.get(pk=_registrar(ada)),
        family="Other",
        given="Person",
        birth_date=date(1970, 1, 1),
        sex="male",
        identifiers=[{"system": "county", "value": ada.mrn + "99"}],
    )
    found = queries.search(Patient.objects.all(), text=ada.mrn)
    assert [hit.patient.pk for hit in found] == [ada.pk, other.pk]


def _registrar(patient: Patient) -> object:
    return next(
        event.actor_id for event in queries.identity_events(patient) if event.event == "patient.registered"
    )


def test_never_more_than_fifty(clerk: User) -> None:
    for _ in range(60):
        PatientFactory.create(family="Manyfold")
    assert len(queries.search(Patient.objects.all(), text="manyfold")) == 50
    assert len(queries.search(Patient.objects.all(), text="manyfold", limit=7)) == 7


def test_narrowed_by_birth_date_and_identifier(ada: Patient, crowd: None) -> None:
    everybody = Patient.objects.all()
    assert len(queries.search(everybody, text="love")) == 4
    narrowed = queries.search(everybody, text="love", birth_date=date(1980, 2, 29))
    assert [hit.patient.pk for hit in narrowed] == [ada.pk]
    for number in ("219099999", ada.mrn_display, "CHR-771234B"):
        assert [hit.patient.pk for hit in queries.search(everybody, identifier=number)] == [ada.pk]
    assert queries.search(everybody, identifier="21909999") == []  # whole numbers only
    assert queries.search(everybody, text="anne", identifier=ada.mrn) == []


@pytest.mark.parametrize("text", ["lovelace", "ada l", "byron", "1980-02-29", "5550104477", "219099999"])
def test_policy_holds_in_each_branch(text: str, ada: Patient, clinician: User) -> None:
    assert queries.search(visible_to(clinician), text=text) == []
    EncounterFactory.create(patient=ada, attending=clinician)
    assert [hit.patient.pk for hit in queries.search(visible_to(clinician), text=text)] == [ada.pk]


@pytest.mark.parametrize("text", ["love", "ada", "1980-02-29", "5550104477"])
def test_what_is_closed_to_somebody_is_sieved_out(text: str, ada: Patient, crowd: None, clerk: User) -> None:
    everybody = [hit.patient.pk for hit in queries.search(Patient.objects.all(), text=text)]
    assert ada.pk in everybody
    sieve = partial(open_among, clerk)
    assert [hit.patient.pk for hit in queries.search(visible_to(clerk), text=text, sieve=sieve)] == everybody
    with transaction.atomic():
        ChartRestriction.objects.create(
            patient=ada,
            kind=Restriction.PERSON,
            user=clerk,
            why="asked for",
            set_by=clerk,
        )
        record("patient.updated", by=clerk, patient=ada.pk, about=ada)
    everybody.remove(ada.pk)
    assert [hit.patient.pk for hit in queries.search(visible_to(clerk), text=text, sieve=sieve)] == everybody
    assert [hit.patient.pk for hit in services.search_patients(by=clerk, text=text)] == everybody


def test_sieved_places_are_filled_again(ada: Patient, clerk: User) -> None:
    """Whoever may not see the first ones is shown the next ones, as many as she asked for."""
    people = [PatientFactory.create(family="Sieved", given=f"A{number:02}") for number in range(60)]
    hers = {person.pk for person in people[55:]}
    visible = Patient.objects.filter(pk__in=hers)
    found = queries.search(visible, text="sieved", limit=3, sieve=lambda ids: hers.intersection(ids))
    assert [hit.patient.given for hit in found] == ["A55", "A56", "A57"]


def test_a_role_that_sees_nobody_finds_nobody(ada: Patient, administrator: User) -> None:
    assert queries.search(visible_to(administrator), text="lovelace") == []
    assert queries.search(visible_to(administrator), identifier=ada.mrn) == []


def test_a_retired_number_still_finds_the_person(ada: Patient, clerk: User) -> None:
    services.update_patient(
        by=clerk,
        patient_id=ada.pk,
        identifiers=[{"system": "county", "value": "CHR-77 1234/b", "is_current": False}],
    )
    assert [hit.patient.pk for hit in queries.search(Patient.objects.all(), text="chr771234b")] == [ada.pk]


def test_a_merged_entry_is_found_and_says_so(ada: Patient, clerk: User) -> None:
    gone = PatientFactory.create(family="Lovelace", given="Adah")
    with transaction.atomic():
        gone.status, gone.merged_into = "merged", ada
        gone.save()
        record("patient.updated", by=clerk, patient=gone.pk, about=gone)
    found = {
        hit.patient.pk: hit.patient.status for hit in queries.search(Patient.objects.all(), text="lovelace")
    }
    assert found == {ada.pk: "active", gone.pk: "merged"}
    assert ada.namesakes == 1


def test_one_statement_whatever_is_typed(ada: Patient, django_assert_num_queries: Any) -> None:
    for text in ("lovelace", "van der lovelace ada rose", ada.mrn, "ada 1980-02-29", "5550104477"):
        with django_assert_num_queries(1):
            queries.search(Patient.objects.all(), text=text, with_recognition=True)


def test_recognition_is_the_newest_encounter_and_the_number_of_namesakes(ada: Patient, clerk: User) -> None:
    now = timezone.now()
    for days in (3, 1, 2):
        EncounterFactory.create(
            patient=ada, started_at=now - timedelta(days=days), location__name=f"Ward {days}"
        )
    PatientFactory.create(family="Lovelace", given="Ada")
    gone = PatientFactory.create(family="Lovelace", given="Ada", middle="Merged")
    for near in ("Adah", "Ad", "Rose Ada"):
        PatientFactory.create(family="Lovelace", given=near)
    with transaction.atomic():
        gone.status, gone.merged_into = "merged", ada
        gone.save()
        record("patient.updated", by=clerk, patient=gone.pk, about=gone)
    found = queries.search(Patient.objects.all(), text="lovelace", with_recognition=True)
    said = {hit.patient.full_name: (hit.last_encounter, hit.named_so) for hit in found}
    assert {name: count for name, (_, count) in said.items()} == {
        "Ada Rose Lovelace": 2,
        "Ada Lovelace": 2,
        "Ada Merged Lovelace": 1,
        "Adah Lovelace": 1,
        "Ad Lovelace": 1,
        "Rose Ada Lovelace": 1,
    }
    assert all(hit.named_so == hit.patient.namesakes for hit in found if hit.patient != gone)
    last = said["Ada Rose Lovelace"][0]
    assert last is not None
    assert (last.location, last.started_at) == ("Ward 1", now - timedelta(days=1))
    assert said["Ad Lovelace"][0] is None
    plain = queries.search(Patient.objects.all(), text="lovelace")
    assert [hit.patient for hit in plain] == [hit.patient for hit in found]
    assert all(hit.last_encounter is None for hit in plain)
    assert vars(plain[0].patient).keys() == vars(Patient.objects.get(pk=plain[0].patient.pk)).keys()


NAMES = st.sampled_from(
    ["Ada", "Ada Rose", "Adah", "Ad", "ADA", "Àda", "Ada-Rose", "Ada_", "", "Åsa", "ada1"]
)


FAMILIES = (f"Lovelace {number}" for number in count())


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(given_names=st.lists(NAMES, min_size=1, max_size=6))
def test_namesakes_share_family_and_first_given_name(given_names: list[str], db: None) -> None:
    family = next(FAMILIES)
    people = [PatientFactory.create(family=family, given=given) for given in given_names]
    firsts = [person.given_key.partition(" ")[0] for person in people]
    assert [person.namesakes for person in people] == [firsts.count(first) for first in firsts]
