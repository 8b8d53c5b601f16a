"""A reason that somebody types has to tell something to whoever reads it later: junk is sent back kindly."""

import re

from common.errors import RuleBroken
from common.web import clean

LEAST_CHARACTERS = 10
LEAST_LETTERS = 5  # different ones
LONGEST = 400
_ROWS = re.compile(r"qwert|asdf|zxcv|yxcv|abcde|lorem ipsum", re.IGNORECASE)


def said(text: str, *, field: str = "reason") -> str:
    """The reason, its spaces tidied. Raises RuleBroken(`reason_unclear`) for one that says nothing."""
    text = " ".join(clean(text).split())[:LONGEST]
    letters = [character for character in text.casefold() if character.isalpha()]
    words = {word.strip(".,;:!?-") for word in text.casefold().split()}
    is_alphabet = all(character < "\u2e80" for character in letters)  # else a word is a sign or two
    if not is_alphabet and len(letters) >= LEAST_LETTERS:
        return text
    if (
        len(text) < LEAST_CHARACTERS
        or len(set(letters)) < LEAST_LETTERS
        or len(words) < 2
        or _ROWS.search(text)
    ):
        raise RuleBroken(
            "reason_unclear",
            "Say in a few words why, so that whoever reads it later understands: “called to bed 12, chest pain”.",
            field=field,
        )
    return text
