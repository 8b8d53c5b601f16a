"""Days as people type them: ISO, the American order, and with the month in letters."""

import re
from datetime import date

from django.utils import timezone

_MONTHS = {
    name[:3]: number
    for number, name in enumerate(
        "january february march april may june july august september october november december".split(),
        start=1,
    )
}
_MONTH = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_DASH = r"[-/.]"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"(?P<year>\d{{4}}){_DASH}(?P<month>\d{{1,2}}){_DASH}(?P<day>\d{{1,2}})",
        rf"(?P<month>\d{{1,2}}){_DASH}(?P<day>\d{{1,2}}){_DASH}(?P<year>\d{{4}}|\d{{2}})",
        rf"(?P<day>\d{{1,2}})[ -]?{_MONTH}[ ,-]*(?P<year>\d{{4}})",
        rf"{_MONTH} ?(?P<day>\d{{1,2}}),? ?(?P<year>\d{{4}})",
    )
)
_RUN_TOGETHER = (
    re.compile(r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"),
    re.compile(r"(?P<month>\d\d)(?P<day>\d\d)(?P<year>\d{4})"),
)
OLDEST_YEAR = 1850
# Where a date may stand inside a longer text: not inside a longer number or word.
ANYWHERE = re.compile(
    "|".join(rf"(?<![\w/.-]){re.sub('[?]P<[a-z]+>', '?:', form.pattern)}(?![\w/-])" for form in _FORMS),
    re.IGNORECASE,
)


def _century(year: int, month: int, day: int) -> list[int]:
    """The years a two-digit year may mean for somebody's birth: in this century unless in the future, or before."""
    today = timezone.localdate()
    this = today.year // 100 * 100 + year
    is_future = (this, month, day) > (today.year, today.month, today.day)
    return [this - 100] if is_future else [this, this - 100]


def _made(found: re.Match[str]) -> list[date]:
    parts = found.groupdict()
    name = parts.get("name")
    month = _MONTHS[name.lower()] if name else int(parts["month"])
    day, year = int(parts["day"]), int(parts["year"])
    days = []
    for candidate in _century(year, month, day) if len(parts["year"]) == 2 else [year]:
        try:
            days.append(date(candidate, month, day))
        except ValueError:
            continue
    return days


def readings(text: str) -> list[date]:
    """The days that `text` may mean, likeliest first: none for what is no date, two for a two-digit year."""
    text = text.strip()
    for form in _FORMS:
        found = form.fullmatch(text)
        if found:
            return _made(found)
    return []


def run_together(digits: str) -> list[date]:
    """The days that eight digits without separators may mean; they may just as well be a number."""
    days: list[date] = []
    for form in _RUN_TOGETHER:
        found = form.fullmatch(digits)
        for day in _made(found) if found else []:
            if OLDEST_YEAR <= day.year <= timezone.localdate().year and day not in days:
                days.append(day)
    return days
