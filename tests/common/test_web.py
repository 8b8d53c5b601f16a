"""Keyset paging: each row once, in order, there and back, whatever cursor somebody makes up."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django import forms
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import BadFile, Denied, RuleBroken, RulesBroken, Stale
from common.ids import uuid7
from common.web import Page, decode_cursor, encode_cursor, first_page, paginate, rule_errors_on
from patients.models import Facility, Location

NAMES = st.lists(st.sampled_from(["a", "b", "c", "A", "é", "", " "]), max_size=12)
ORDERINGS = [
    ["name", "pk"],
    ["-name", "pk"],
    ["-name", "-id"],
    ["facility__name", "-pk"],
    ["-created_at", "pk"],
    ["pk"],
]


def page_of(address: str, facility_prefix: str, ordering: list[str], size: int) -> Page[Location]:
    rows = Location.objects.filter(facility__name__startswith=facility_prefix)
    return paginate(RequestFactory().get(f"/list/{address}"), rows, ordering=ordering, size=size)


@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 3, 4, 7])
def test_a_first_page_of_rows_at_hand_is_the_same_page(count: int) -> None:
    facility = Facility.objects.create(name=uuid7().hex)
    for number in range(count):
        Location.objects.create(facility=facility, name=f"ward {number}")
    rows = Location.objects.filter(facility=facility)
    request = RequestFactory().get("/list/?q=a&q=b")
    page = first_page(request, list(rows.order_by("-name", "pk")[:4]), ordering=["-name", "pk"], size=3)
    assert page == paginate(request, rows, ordering=["-name", "pk"], size=3)


@given(names=NAMES, ordering=st.sampled_from(ORDERINGS), size=st.integers(1, 5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_row_comes_once_in_order_there_and_back(
    names: list[str], ordering: list[str], size: int, db: None
) -> None:
    prefix = uuid7().hex
    for number, name in enumerate(names):
        facility = Facility.objects.create(name=f"{prefix}-{number % 2}-{number}")
        Location.objects.create(facility=facility, name=name)
    wanted = list(
        Location.objects.filter(facility__name__startswith=prefix)
        .order_by(*ordering)
        .values_list("pk", flat=True)
    )
    forth: list[list[Any]] = []
    page = page_of("", prefix, ordering, size)
    assert page.previous_url is None
    while True:
        assert len(page) <= size
        forth.append([row.pk for row in page])
        if page.next_url is None:
            break
        page = page_of(page.next_url, prefix, ordering, size)
        assert page.previous_url
    assert [pk for rows in forth for pk in rows] == wanted
    back = [[row.pk for row in page]]
    while page.previous_url:
        page = page_of(page.previous_url, prefix, ordering, size)
        back.append([row.pk for row in page])
    assert back[::-1] == forth


def test_links_keep_the_filters_repeated_ones_too(db: None) -> None:
    facility = Facility.objects.create(name=uuid7().hex)
    for name in "abc":
        Location.objects.create(facility=facility, name=name)
    page = page_of("?type=x&type=y&q=a%20b&cursor=old", facility.name, ["name", "pk"], 1)
    kept = parse_qs(urlsplit(page.next_url or "").query)
    assert kept["type"] == ["x", "y"]
    assert kept["q"] == ["a b"]
    assert kept["cursor"] != ["old"]


def cursor(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


MADE_UP = [
    "x",
    "é",
    "%00",
    cursor(None),
    cursor([]),
    cursor([True]),
    cursor([1, ["a", "b"]]),
    cursor([False, "ab"]),
    cursor([False, ["a"]]),
    cursor([False, ["a", "no-id"]]),
    cursor([False, ["a\0", "01a20bbd-2dce-7888-86d3-2b9fb09f3a27"]]),
    cursor([False, ["\ud800", "01a20bbd-2dce-7888-86d3-2b9fb09f3a27"]]),
    base64.urlsafe_b64encode(b"[" * 5000).decode(),
]


@pytest.mark.parametrize("text", MADE_UP)
def test_a_cursor_somebody_made_up_is_the_first_page_or_a_place_in_the_list(text: str, db: None) -> None:
    facility = Facility.objects.create(name=uuid7().hex)
    first = Location.objects.create(facility=facility, name="zzz")
    request = RequestFactory().get("/list/", {"cursor": text})
    rows = Location.objects.filter(facility=facility)
    assert [row.pk for row in paginate(request, rows, ordering=["name", "pk"])] == [first.pk]


@given(st.lists(st.text(max_size=5), min_size=1, max_size=4), st.booleans())
def test_a_cursor_says_what_went_into_it(values: list[str], backwards: bool) -> None:
    text = encode_cursor(values, backwards=backwards)
    assert decode_cursor(text, len(values)) == (backwards, values)
    assert decode_cursor(text, len(values) + 1) is None


class Shape(forms.Form):
    name = forms.CharField()


@pytest.mark.parametrize(
    ("refusal", "field", "text"),
    [
        (RuleBroken("r", "Wrong name.", field="name"), "name", "Wrong name."),
        (RuleBroken("r", "Wrong thing.", field="elsewhere"), "__all__", "Wrong thing."),
        (RulesBroken([("AUTH-D1", "Expired.")]), "__all__", "Expired. (AUTH-D1)"),
        (Stale(), "__all__", "Somebody else changed this while you were working on it."),
        (BadFile("Not a PDF."), "__all__", "Not a PDF."),
    ],
)
def test_a_refusal_becomes_an_error_of_the_form(refusal: Exception, field: str, text: str) -> None:
    form = Shape({"name": "kept"})
    assert form.is_valid()
    with rule_errors_on(form):
        raise refusal
    assert form.errors[field] == [text]
    assert form["name"].value() == "kept"


def test_what_is_no_rule_goes_on_to_the_middleware() -> None:
    form = Shape({"name": "x"})
    checks: list[Callable[[], Exception]] = [lambda: Denied("No."), lambda: ValueError("A fault.")]
    for make in checks:
        error = make()
        with pytest.raises(type(error)), rule_errors_on(form):
            raise error
