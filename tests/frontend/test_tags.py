"""Dates, times, icons and form controls look the same everywhere."""

from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from django import forms
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from common.templatetags import chartroom as tags


class FirstElement(HTMLParser):
    """The attributes and text of the first element that a browser would find."""

    def __init__(self, html):
        super().__init__()
        self.attributes = None
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if self.attributes is None:
            self.attributes = dict(attrs)

    def handle_data(self, data):
        self.text += data


DATES = st.dates(date(1850, 1, 1), date(2150, 12, 31))


def test_a_date_has_two_digits_for_the_day_and_a_word_for_the_month():
    assert tags.day(date(2026, 5, 3)) == "03 May 2026"
    assert tags.day(None) == ""


@given(DATES)
def test_a_date_reads_back_as_itself(value):
    assert datetime.strptime(tags.day(value), "%d %b %Y").date() == value  # noqa: DTZ007


def test_an_instant_is_shown_in_the_hospitals_zone_with_the_zone_in_the_tooltip():
    with timezone.override("America/New_York"):
        shown = FirstElement(tags.clock(datetime(2026, 5, 4, 3, 30, 9, tzinfo=UTC)))
        assert tags.day(datetime(2026, 5, 4, 3, 30, tzinfo=UTC)) == "03 May 2026"
    assert shown.text == "03 May 2026 23:30"
    assert shown.attributes["title"] == "03 May 2026 23:30:09 EDT"
    assert shown.attributes["datetime"] == "2026-05-03T23:30:09-04:00"
    assert tags.clock(None) == ""


@pytest.mark.parametrize(
    ("before", "text"),
    [
        (timedelta(seconds=59), "now"),
        (timedelta(seconds=60), "1 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(hours=48), "2 days"),
        (timedelta(minutes=-5), "now"),
    ],
)
def test_how_long_ago_is_told_in_the_largest_whole_unit(before, text):
    now = datetime(2026, 5, 3, 12, 0, tzinfo=UTC)
    with time_machine.travel(now, tick=False):
        assert tags.ago(now - before) == text
    assert tags.ago(None) == ""


def test_an_icon_is_decoration_unless_it_is_named_and_a_name_cannot_break_out():
    assert 'aria-hidden="true"' in tags.icon("search")
    named = FirstElement(tags.icon("lock", 'a "quoted" <name>')).attributes
    assert named["role"] == "img"
    assert named["aria-label"] == 'a "quoted" <name>'
    assert '"><script>' not in tags.icon('x"><script>')


class Form(forms.Form):
    name = forms.CharField(help_text="As on the card.")
    kind = forms.ChoiceField(choices=[("a", "A")])


def test_a_control_is_described_by_its_help_and_its_error():
    field = Form({"kind": "a"})["name"]
    control = FirstElement(tags.control(field)).attributes
    assert control["aria-describedby"] == "id_name_helptext id_name_error"
    assert control["aria-invalid"] == "true"
    assert control["class"] == "form-control is-invalid"
    assert 'class="form-select"' in tags.control(Form({"kind": "a"})["kind"])
