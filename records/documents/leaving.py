"""What upper rooms say of a document that is on its way out of the house: each registers a read."""

from collections.abc import Callable

from records.documents.models import Document

_reads: list[Callable[[Document], str]] = []


def register(read: Callable[[Document], str]) -> None:
    """Add a room's answer: a sentence, or nothing when the document is not on its way by its doing."""
    if read not in _reads:
        _reads.append(read)


def how(document: Document) -> str:
    """The first sentence that a room has to say, or nothing."""
    return next((said for said in (read(document) for read in _reads) if said), "")
