"""When a breach has to be told to whom: 45 CFR 164.404 (individuals), 164.406 (media), 164.408 (HHS), 164.412 (delay).

Plain functions of days. A delay that law enforcement asked for moves a last day, never forward.
"""

from datetime import date, timedelta

NOTICE_DAYS = 60  # calendar days from discovery, 164.404(b)
MEDIA_ABOVE = 500  # residents of one state, 164.406(a): more than 500
HHS_AT_ONCE_FROM = 500  # individuals, 164.408(b): 500 or more
ORAL_DELAY_DAYS = 30  # 164.412(b)
WARN_AT = (
    30,
    14,
    7,
    3,
    1,
    0,
)  # days before the last one at which people are told; then once more when it is over


def delay_ends(*, is_written: bool, asked_on: date, until: date | None) -> date:
    """The day until which notice may wait: the time a written statement names, else at most 30 days from the word."""
    if is_written and until is not None:
        return until
    longest = asked_on + timedelta(days=ORAL_DELAY_DAYS)
    return min(until, longest) if until is not None else longest


def individuals_due(discovered_on: date, delayed_until: date | None = None) -> date:
    """The last day to tell the people concerned (BR-04); without unreasonable delay is earlier than that."""
    last = discovered_on + timedelta(days=NOTICE_DAYS)
    return max(last, delayed_until) if delayed_until else last


def media_due(discovered_on: date, in_one_state: int, delayed_until: date | None = None) -> date | None:
    """The last day to tell the media; None when no state has more than 500 of them (BR-05)."""
    return individuals_due(discovered_on, delayed_until) if in_one_state > MEDIA_ABOVE else None


def hhs_due(discovered_on: date, affected: int, delayed_until: date | None = None) -> date:
    """The last day to tell HHS: with the individuals from 500 on, else 60 days after the calendar year (BR-05)."""
    if affected >= HHS_AT_ONCE_FROM:
        return individuals_due(discovered_on, delayed_until)
    return date(discovered_on.year, 12, 31) + timedelta(days=NOTICE_DAYS)


def mark_reached(days_left: int) -> int | None:
    """The smallest mark of WARN_AT that has been reached, -1 when the last day is over; None before the first."""
    if days_left < 0:
        return -1
    reached = [mark for mark in WARN_AT if days_left <= mark]
    return min(reached) if reached else None
