"""Dates, names, numbers as people type them: properties that hold for all of them."""

import string
from datetime import date

import pytest
import time_machine
from hypothesis import assume, given
from hypothesis import strategies as st

from patients import dates, mrn, names
from patients.typed import as_identity, number_key, take_apart

DAYS = st.dates(min_value=date(1850, 1, 1), max_value=date(2026, 1, 1))
BODIES = st.text(alphabet=string.digits, min_size=7, max_size=11)


@given(DAYS)
def test_each_way_to_write_a_day_reads_as_that_day(day: date) -> None:
    for form in (
        "%Y-%m-%d",
        "%m/%d/%Y",
        "%d %b %Y",
        "%d %B %Y",
        "%B %d, %Y",
        "%b %d %Y",
        "%Y/%m/%d",
        "%m-%d-%Y",
    ):
        assert dates.readings(day.strftime(form)) == [day]
    assert day in dates.run_together(day.strftime("%Y%m%d"))
    assert day in dates.run_together(day.strftime("%m%d%Y"))


@pytest.mark.parametrize(
    "text",
    ["", "02/30/1980", "13/01/1980", "1980-13-01", "29 Foo 1980", "1980", "2/29", "02/29/1981", "0/0/0000"],
)
def test_what_is_no_day_has_no_reading(text: str) -> None:
    assert dates.readings(text) == []


@time_machine.travel(date(2026, 5, 3), tick=False)
def test_a_two_digit_year_may_mean_two_centuries() -> None:
    assert dates.readings("2/29/80") == [date(1980, 2, 29)]
    assert dates.readings("5/3/26") == [date(2026, 5, 3), date(1926, 5, 3)]
    assert dates.readings("5/4/26") == [date(1926, 5, 4)]
    assert dates.readings("2/29/00") == [date(2000, 2, 29)]  # 1900 was no leap year


@given(st.text(max_size=80))
def test_whatever_is_typed_can_be_taken_apart(text: str) -> None:
    typed = take_apart(text)
    assert len(typed.words) <= 5
    assert all(number == number_key(number) and len(number) >= 3 for number in typed.numbers)
    assert all(word == names.key(word) for word in typed.words)
    as_identity(text)


@given(st.lists(st.text(alphabet=string.ascii_letters, min_size=2, max_size=8), min_size=1, max_size=3), DAYS)
def test_a_day_beside_words_is_found(words: list[str], day: date) -> None:
    assume(not any(word.lower()[:3] in dates._MONTHS for word in words))
    for text in (f"{' '.join(words)} {day:%m/%d/%Y}", f"{day:%Y-%m-%d} {' '.join(words)}"):
        typed = take_apart(text)
        assert typed.days == (day,)
        assert list(typed.words) == [word.lower() for word in words]


@given(BODIES)
def test_a_check_digit_finds_each_wrong_digit(body: str) -> None:
    number = body + mrn.check_digit(body)
    assert mrn.is_valid(number)
    for position, digit in enumerate(number):
        for other in string.digits.replace(digit, ""):
            assert not mrn.is_valid(number[:position] + other + number[position + 1 :])


@given(BODIES, st.integers(0, 9))
def test_a_check_digit_finds_swapped_neighbours_but_for_09(body: str, at: int) -> None:
    """Luhn cannot tell 09 from 90; every other swap of neighbours is found."""
    number = body + mrn.check_digit(body)
    assume(at + 1 < len(number))
    pair = number[at : at + 2]
    assume(pair[0] != pair[1] and set(pair) != {"0", "9"})
    assert not mrn.is_valid(number[:at] + pair[::-1] + number[at + 2 :])


@given(st.integers(1, 9_999_999), st.integers(1, 9_999_999))
def test_mrns_are_valid_distinct_and_keep_their_order(one: int, other: int) -> None:
    assume(one != other)
    assert mrn.is_valid(mrn.make(one))
    assert (mrn.make(one) < mrn.make(other)) == (one < other)
    assert mrn.normal(mrn.grouped(mrn.make(one))) == mrn.make(one)


@given(st.text(max_size=60))
def test_a_key_is_stable_and_blind_to_case_accents_and_spaces(text: str) -> None:
    key = names.key(text)
    assert names.key(key) == key
    assert names.key(names.tidy(text)) == names.key(names.tidy(names.tidy(text)))
    assert names.key(f"  {text}  ") == key
    assert "  " not in key
    assert not any(character in key for character in "'.,-%")


@given(st.text(max_size=60))
def test_tidy_text_can_be_stored(text: str) -> None:
    tidy = names.tidy(text)
    assert names.tidy(tidy) == tidy
    tidy.encode()  # no lone surrogates
    assert "\0" not in tidy
    assert tidy == tidy.strip()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("O'Brien", "obrien"),
        ("O\u2019Brien", "obrien"),
        ("García-López", "garcia lopez"),
        ("Łukasz", "lukasz"),
        ("Straße", "strasse"),
        ("Ørsted", "orsted"),
        ("St. John", "st john"),
        ("D\u0131lara", "dilara"),
        ("李 明", "李 明"),
        ("\U0001d4d0da", "ada"),  # letters of a fancy typeface
    ],
)
def test_keys_of_names_from_everywhere(text: str, key: str) -> None:
    assert names.key(text) == key


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("lovelace, ada", {"family": "Lovelace", "given": "Ada"}),
        ("ada lovelace", {"family": "Lovelace", "given": "Ada"}),
        ("ADA LOVELACE 2/29/1980", {"family": "Lovelace", "given": "Ada", "birth_date": date(1980, 2, 29)}),
        ("Ada van der Berg", {"family": "Berg", "given": "Ada van der"}),
        ("12345678", {}),
        ("McKay, Jo", {"family": "McKay", "given": "Jo"}),
    ],
)
def test_a_search_fills_the_register_form(text: str, start: dict[str, object]) -> None:
    assert as_identity(text) == start
