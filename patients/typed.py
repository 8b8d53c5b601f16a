"""What somebody typed into the one search box, taken apart: days, numbers, name words."""

import re
from dataclasses import dataclass
from datetime import date

from patients import dates, names

MAX_TEXT = 200
LIMIT = 50  # never more hits than this
LIMIT_OUTSIDE = 10  # of people outside one's care
MAX_WORDS = 5
SHORTEST_NUMBER = 3
_ONE_NUMBER = re.compile(r"[+(]*\d[\d\s().-]*")


@dataclass(frozen=True)
class Typed:
    """The parts. `days` are readings of one birth date; `maybe_days` those of digits that may also be a number.

    `is_family_first` says that a comma stood after the family name, whose words are the first `family_words`.
    """

    days: tuple[date, ...] = ()
    maybe_days: tuple[date, ...] = ()
    numbers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    family_words: int = 0

    @property
    def is_empty(self) -> bool:
        """Nothing to look for."""
        return not (self.days or self.numbers or self.words)


def number_key(text: str) -> str:
    """Letters and digits only, in capitals: how numbers are compared, `chr-12 34` → `CHR1234`."""
    return re.sub(r"[^A-Z0-9]", "", text.upper())


def _is_number(part: str) -> bool:
    key = number_key(part)
    return len(key) >= SHORTEST_NUMBER and any(character.isdigit() for character in key)


def take_apart(text: str) -> Typed:
    """`lovelace, ada 12/10/1815` → words, a day; `00-00-00-18` → a number; `AB-1234` → a number."""
    text = names.tidy(text[:MAX_TEXT])
    whole = dates.readings(text)
    if whole:
        return Typed(days=tuple(whole))
    if _ONE_NUMBER.fullmatch(text) and not dates.ANYWHERE.search(text):
        key = number_key(text)
        if len(key) < SHORTEST_NUMBER:
            return Typed()
        return Typed(maybe_days=tuple(dates.run_together(key)), numbers=(key,))
    days: list[date] = []
    for found in dates.ANYWHERE.finditer(text):
        days.extend(day for day in dates.readings(found.group()) if day not in days)
    rest = dates.ANYWHERE.sub(" ", text)
    before, comma, after = rest.partition(",")
    numbers: list[str] = []
    words: list[str] = []
    family_words = 0
    for side in (before, after):
        for part in re.split(r"[,;\s]+", side):
            if _is_number(part):
                numbers.append(number_key(part))
            else:
                words.extend(names.key(part).split())
        if side is before and comma:
            family_words = len(words)
    if len(words) > MAX_WORDS:
        words = [*words[: MAX_WORDS - 1], " ".join(words[MAX_WORDS - 1 :])]
    return Typed(
        days=tuple(days),
        numbers=tuple(numbers),
        words=tuple(words),
        family_words=family_words if 0 < family_words < len(words) else 0,
    )


def _written(words: list[str]) -> str:
    """Words as a name is written: left alone unless all small or all capital."""
    text = " ".join(words)
    return text.title() if text in {text.lower(), text.upper()} else text


def as_identity(text: str) -> dict[str, object]:
    """What a search that found nobody says about the person to register: family, given, birth_date."""
    text = names.tidy(text[:MAX_TEXT])
    found = [day for match in dates.ANYWHERE.finditer(text) for day in dates.readings(match.group())]
    rest = dates.ANYWHERE.sub(" ", text)
    before, comma, after = rest.partition(",")
    sides = [[word for word in side.split() if not _is_number(word)] for side in (before, after)]
    if comma:
        family, given = sides
    else:
        given, family = sides[0][:-1], sides[0][-1:]
    start: dict[str, object] = {"family": _written(family), "given": _written(given)}
    if len(found) == 1:
        start["birth_date"] = found[0]
    return {name: value for name, value in start.items() if value}
