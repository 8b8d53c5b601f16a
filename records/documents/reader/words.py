"""What is known of a page's text: the text, where each word stands, how sure we are."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

SCALE = 10_000  # word boxes are in ten-thousandths of the picture's width and height
MAX_CHARACTERS = 100_000
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


class Word(NamedTuple):
    """A word and its box: left, top, right, bottom, in ten-thousandths of the picture."""

    text: str
    left: int
    top: int
    right: int
    bottom: int


@dataclass
class PageText:
    """Text of one page. `source` is "layer", "ocr" or "blank"; `confidence` 0 to 100, None when not guessed."""

    source: str
    text: str = ""
    words: list[Word] = field(default_factory=list)
    confidence: float | None = None


def storable(text: str) -> str:
    """Text that a database can hold and a page can show, cut to a length no true page has."""
    return _UNSTORABLE.sub("", text)[:MAX_CHARACTERS]


def letters(text: str) -> int:
    """How many letters and digits there are."""
    return sum(letter.isalnum() for letter in text)


def looks_like_language(text: str) -> bool:
    """Whether a text layer can be believed: fonts without a code table give private or replacement signs."""
    visible = [letter for letter in text if not letter.isspace()]
    if not visible:
        return False
    strange = sum(letter == "\ufffd" or "\ue000" <= letter <= "\uf8ff" or letter < " " for letter in visible)
    return strange * 10 < len(visible) and letters(text) * 3 > len(visible)


def box(left: float, top: float, right: float, bottom: float) -> tuple[int, int, int, int]:
    """Fractions of the picture as whole ten-thousandths inside it."""
    return (
        min(max(round(left * SCALE), 0), SCALE),
        min(max(round(top * SCALE), 0), SCALE),
        min(max(round(right * SCALE), 0), SCALE),
        min(max(round(bottom * SCALE), 0), SCALE),
    )
