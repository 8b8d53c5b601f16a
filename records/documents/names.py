"""File names that came from outside: shown to people, never used as a path."""

import unicodedata

MAX_LENGTH = 120
NAMELESS = "unnamed file"
# What a file system or a header takes for something else.
NOT_IN_A_FILE_NAME = '<>:"/\\|?*;'
ENDINGS = {
    "application/pdf": ("pdf",),
    "image/tiff": ("tif", "tiff"),
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
}
# Controls, invisible format characters (direction marks among them), surrogates, private and unassigned ones.
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def display_name(given: str | None) -> str:
    """A name that is safe to show on one line: the last part of a path, no unseen characters, not too long.

    A long name keeps its ending, because the ending says what the file is.
    """
    text = unicodedata.normalize("NFC", given or "")
    text = text.replace("\\", "/").rstrip("/").rpartition("/")[2]
    text = "".join(" " if letter in "\t\r\n" else letter for letter in text)
    text = "".join(letter for letter in text if unicodedata.category(letter) not in UNSEEN)
    text = " ".join(text.split()).strip(". ")
    if len(text) > MAX_LENGTH:
        stem, dot, ending = text.rpartition(".")
        tail = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
        text = text[: MAX_LENGTH - len(tail) - 1].rstrip() + "…" + tail
    return text or NAMELESS


def download_name(given: str, media_type: str) -> str:
    """The name under which a file is saved: its ending says what was found in it, never what somebody claimed."""
    text = display_name(given)
    text = "".join("_" if letter in NOT_IN_A_FILE_NAME else letter for letter in text)
    endings = ENDINGS.get(media_type, ("bin",))
    _, _, ending = text.rpartition(".")
    return text if ending.lower() in endings and text != ending else f"{text}.{endings[0]}"
