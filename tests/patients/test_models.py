"""Words about one person: ages at their edges, names, alerts."""

from datetime import date

import pytest
import time_machine
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from patients.models import Patient, PatientStatus
from tests.factories import PatientFactory

LEAP = date(1980, 2, 29)
AGES = [
    (LEAP, date(1981, 2, 28), "11 mo"),
    (LEAP, date(1981, 3, 1), "12 mo"),
    (LEAP, date(1982, 2, 28), "23 mo"),
    (LEAP, date(1982, 3, 1), "2 y"),
    (LEAP, date(2026, 2, 28), "45 y"),
    (LEAP, date(2026, 3, 1), "46 y"),
    (LEAP, date(2024, 2, 29), "44 y"),
    (date(2026, 1, 31), date(2026, 1, 31), "0 d"),
    (date(2026, 1, 31), date(2026, 4, 1), "60 d"),
    (date(2026, 1, 31), date(2026, 4, 2), "2 mo"),
    (date(2026, 1, 31), date(2026, 4, 30), "2 mo"),
    (date(2026, 1, 31), date(2026, 5, 1), "3 mo"),
    (date(1926, 11, 24), date(2026, 11, 23), "99 y"),
    (date(1926, 11, 24), date(2026, 11, 24), "100 y"),
]


@pytest.mark.parametrize(("born", "today", "text"), AGES)
def test_age_at_its_edges(born: date, today: date, text: str) -> None:
    with time_machine.travel(today, tick=False):
        assert Patient(birth_date=born).age_text == text


@given(st.dates(date(1900, 1, 1), date(2026, 1, 1)), st.dates(date(1900, 1, 1), date(2026, 1, 1)))
def test_years_of_life_are_those_whose_birthday_has_come(one: date, other: date) -> None:
    born, day = min(one, other), max(one, other)
    age = Patient(birth_date=born).age_on(day)
    assert age is not None
    assert (born.year + age, born.month, born.day) <= (day.year, day.month, day.day)
    assert (born.year + age + 1, born.month, born.day) > (day.year, day.month, day.day)


def test_the_dead_grow_no_older_and_the_unknown_have_no_age() -> None:
    assert Patient(birth_date=LEAP, deceased_on=date(2001, 2, 28)).age_text == "20 y"
    unknown = Patient(birth_date=None)
    assert unknown.age_text == ""
    assert unknown.age_on(LEAP) is None


def test_names_as_lists_and_letters_show_them() -> None:
    person = Patient(family="O'Brien", given="Ada", middle="Rose", suffix="Jr")
    assert person.display_name == "O'BRIEN, Ada Rose Jr"
    assert person.full_name == "Ada Rose O'Brien Jr"
    assert Patient(family="Sukarno").display_name == "SUKARNO"
    assert "Ada" not in str(person)


def test_alerts_say_what_the_banner_must_say(db: None) -> None:
    person = PatientFactory.create(family="Quill", given="Nora", deceased_on=date(2020, 1, 2))
    assert person.alerts == [("deceased", "Deceased 02 Jan 2020")]
    PatientFactory.create(family="Quíll", given="NORA Jane", status=PatientStatus.INACTIVE)
    PatientFactory.create(family="Quill", given="Norah")
    again = Patient.objects.get(pk=person.pk)
    assert ("same-name", "2 people named so") in again.alerts


def test_the_database_keeps_merged_and_survivor_together(db: None) -> None:
    person = PatientFactory.create()
    for status, survivor in ((PatientStatus.MERGED, None), (PatientStatus.ACTIVE, PatientFactory.create())):
        with pytest.raises(IntegrityError), transaction.atomic():
            Patient.objects.filter(pk=person.pk).update(status=status, merged_into=survivor)
