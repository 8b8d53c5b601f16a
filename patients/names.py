"""Names as they are typed, stored and compared."""

import re
import unicodedata

_SPECIAL = str.maketrans(
    {"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "\u0131": "i"}
)


def tidy(text: str) -> str:
    """What was typed without control characters, direction marks and doubled spaces, composed (NFC)."""
    kept = "".join(
        character if unicodedata.category(character)[0] != "C" else " "
        for character in unicodedata.normalize("NFC", text)
    )
    return re.sub(r"\s+", " ", kept).strip()


def key(text: str) -> str:
    """For comparing and sorting: no accents, no case, no punctuation: "O'Brien-Łukasz" → "obrien lukasz"."""
    folded = text
    for _ in range(3):  # folding case may compose what decomposing then takes apart, and the other way round
        folded = unicodedata.normalize("NFKD", folded).casefold()
    folded = folded.translate(_SPECIAL)
    plain = "".join(character for character in folded if not unicodedata.combining(character))
    plain = re.sub(r"['\u2019`.]", "", plain)
    return re.sub(r"[^\w]+", " ", plain).strip()
