"""Working days: Monday to Friday. A hospital's holidays are not known here; a due date on one is a day early."""

from datetime import date, timedelta

SATURDAY = 5


def is_working_day(day: date) -> bool:
    """Monday to Friday."""
    return day.weekday() < SATURDAY


def after(day: date, working_days: int) -> date:
    """The date so many working days after `day`; whatever falls on a weekend counts from the Friday before."""
    left = working_days
    while left > 0:
        day += timedelta(days=1)
        left -= is_working_day(day)
    while not is_working_day(day):
        day += timedelta(days=1)
    return day
