"""Queries that Django writes once answer as the queryset does, for every key and in every thread."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from common.kept import Kept
from patients.models import Encounter, Patient
from tests.factories import EncounterFactory, PatientFactory

pytestmark = pytest.mark.django_db


def test_the_rows_are_those_of_the_queryset() -> None:
    kept = Kept(
        lambda key: Encounter.objects.select_related("patient", "location").filter(patient=key).order_by("pk")
    )
    for _ in range(3):
        patient = EncounterFactory.create().patient
        EncounterFactory.create(patient=patient)
        found = kept(patient.pk)
        plain = list(Encounter.objects.filter(patient=patient).order_by("pk"))
        assert found == plain
        assert [vars(row).keys() - {"_state"} for row in found] == [
            vars(row).keys() - {"_state"} for row in plain
        ]
        assert [row._state.db for row in found] == ["default", "default"]
        assert not found[0]._state.adding


def test_what_comes_along_costs_no_further_query(django_assert_num_queries: Any) -> None:
    kept = Kept(lambda key: Encounter.objects.select_related("location__facility").filter(pk=key))
    encounter = EncounterFactory.create()
    with django_assert_num_queries(1):
        found = kept.one(encounter.pk)
        assert found is not None
        assert found.location.facility == encounter.location.facility


def test_what_is_left_out_is_fetched_when_it_is_asked_for() -> None:
    kept = Kept(lambda key: Patient.objects.only("mrn").filter(pk=key))
    patient = PatientFactory.create(family="Later")
    found = kept.one(patient.pk)
    assert found is not None
    assert found.get_deferred_fields() >= {"family"}
    assert found.family == "Later"


def test_two_keys_come_to_their_own_places() -> None:
    kept = Kept(lambda key, patient: Encounter.objects.filter(patient=patient, pk=key))
    mine, other = EncounterFactory.create(), EncounterFactory.create()
    assert kept.one(mine.pk, mine.patient_id) == mine
    assert kept.one(mine.pk, other.patient_id) is None
    assert kept.one(uuid4(), mine.patient_id) is None


def test_rows_are_fresh_each_time() -> None:
    kept = Kept(lambda key: Patient.objects.filter(pk=key))
    patient = PatientFactory.create(family="Before")
    first = kept.one(patient.pk)
    Patient.objects.filter(pk=patient.pk).update(family="After")
    second = kept.one(patient.pk)
    assert first is not None
    assert second is not None
    assert (first.family, second.family) == ("Before", "After")


def test_a_lock_is_refused() -> None:
    """Django refuses a lock outside a transaction when it writes the statement: kept, it would be refused once."""
    kept = Kept(lambda key: Patient.objects.select_for_update().filter(pk=key))
    with pytest.raises(TypeError, match="lock"):
        kept(uuid4())


def test_it_is_written_once() -> None:
    asked: list[Any] = []

    def build(key: Any) -> Any:
        asked.append(key)
        return Patient.objects.filter(pk=key)

    kept = Kept(build)
    for _ in range(3):
        assert kept.one(uuid4()) is None
    assert len(asked) == 1


def test_it_is_planned_once_a_session() -> None:
    kept = Kept(lambda key: Patient.objects.filter(pk=key, family="Planned once"))
    patient = PatientFactory.create(family="Planned once")
    for _ in range(3):
        assert kept.one(patient.pk) == patient
    with connection.cursor() as cursor:
        cursor.execute(
            "select generic_plans, custom_plans from pg_prepared_statements where statement ~ 'Planned once'"
        )
        assert cursor.fetchall() == [(3, 0)]


def test_texts_of_a_question_stay_its_own() -> None:
    """Two questions that differ in a value alone are two statements."""
    patient = PatientFactory.create(family="One")
    first = Kept(lambda key: Patient.objects.filter(pk=key, family="One"))
    second = Kept(lambda key: Patient.objects.filter(pk=key, family="Other"))
    assert (first.one(patient.pk), second.one(patient.pk)) == (patient, None)


def test_rows_may_be_tuples() -> None:
    kept = Kept(lambda key: Patient.objects.filter(pk=key).values_list("family", "pk"))
    patient = PatientFactory.create(family="Tuple")
    assert kept(patient.pk) == [("Tuple", patient.pk)]


@pytest.mark.parametrize(
    "build",
    [lambda key: Patient.objects.all(), lambda key, other: Patient.objects.filter(pk=key)],
)
def test_a_key_that_nothing_asks_for_is_refused(build: Any) -> None:
    with pytest.raises(TypeError, match="by each"):
        Kept(build)(*[uuid4()] * build.__code__.co_argcount)


def test_a_list_of_keys_comes_to_its_place() -> None:
    kept = Kept(
        lambda keys: Encounter.objects.filter(
            RawSQL("patients_encounter.id = any(%s)", [keys], output_field=BooleanField())
        )
    )
    some = [EncounterFactory.create() for _ in range(3)]
    assert set(kept([some[0].pk, some[2].pk])) == {some[0], some[2]}
    assert kept([uuid4()]) == []
