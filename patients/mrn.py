"""Medical record numbers: seven digits and a check digit, shown in pairs."""

import re

DIGITS = 8


def check_digit(body: str) -> str:
    """The Luhn (mod 10) check digit of a string of digits: finds each wrong digit and most swaps."""
    total = 0
    for position, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


def make(number: int) -> str:
    """The MRN of a sequence number: 1 → '00000018'."""
    body = f"{number:0{DIGITS - 1}d}"
    return body + check_digit(body)


def is_valid(mrn: str) -> bool:
    """Whether `mrn` is eight digits (or more) that end in their check digit."""
    return re.fullmatch(r"[0-9]{8,12}", mrn) is not None and check_digit(mrn[:-1]) == mrn[-1]


def normal(text: str) -> str:
    """What was typed, without grouping: '12-34-56 78' → '12345678'."""
    return re.sub(r"[\s.-]", "", text)


def grouped(mrn: str) -> str:
    """For people: '12345678' → '12-34-56-78'."""
    return "-".join(mrn[start : start + 2] for start in range(0, len(mrn), 2))
