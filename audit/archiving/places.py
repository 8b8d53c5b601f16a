"""Where archived months lie. The room that keeps files says how a place is opened; this floor only uses it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from django.conf import settings


class Stored(Protocol):
    """A kept file."""

    size_bytes: int

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, some at a time."""


class Place(Protocol):
    """Files by the SHA-256 of their content, encrypted at rest; the same content is kept once."""

    def receive(self) -> AbstractContextManager[Any]:
        """A file on its way in: `write`, then `finish`."""

    def keep(self, staged: Any) -> str:
        """Make it part of the place; its address."""

    def open(self, sha256: str) -> Any:
        """A kept file for reading, as a context manager that gives `Stored`."""


Opener = Callable[[str], Place]
_openers: list[Opener] = []
_errors: list[type[Exception]] = []


class NoPlace(Exception):
    """Archived months cannot be kept: nothing was set up for it, or it was set up wrongly."""


def opened_by(opener: Opener, *, errors: type[Exception]) -> None:
    """Have places opened by this function: it takes a folder's or a bucket's address. `errors` are a place's own."""
    _openers[:], _errors[:] = [opener], [errors]


def errors() -> tuple[type[Exception], ...]:
    """What a place raises when it cannot keep or read a file."""
    return tuple(_errors)


def archive() -> Place:
    """The place for archived months. Raises NoPlace."""
    if not _openers:
        raise NoPlace("No room of the house keeps files.")
    if str(settings.LOG_ARCHIVE).rstrip("/") == str(settings.STORAGE).rstrip("/"):
        raise NoPlace(
            "CHARTROOM_LOG_ARCHIVE must not be CHARTROOM_STORAGE: what belongs to no document is swept from there."
        )
    return _openers[0](str(settings.LOG_ARCHIVE))
