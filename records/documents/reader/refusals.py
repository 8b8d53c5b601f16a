"""What the reader cannot read, in sentences for the person who sent it."""


class Unreadable(Exception):
    """A file or page that cannot be read. The message tells a clerk what to do."""


LOCKED = (
    "This PDF is locked with a password, so its pages cannot be shown or searched. "
    "Ask the sender for an open copy, or print it to PDF, and file that."
)
DAMAGED = "This PDF is damaged or cut off: no page of it can be opened. Ask the sender for it again."
EMPTY = "This PDF has no pages. Ask the sender for it again."
FORM = (
    "This PDF is a dynamic form (XFA), which shows its contents only in Adobe's own programs. "
    "Open it there, print it to PDF, and file that."
)
TOO_MUCH_MEMORY = "This page needs more memory than Chartroom gives a page. Download the original to see it."
TOO_SLOW = "This page took too long to read. Download the original to see it."
BROKEN_PAGE = "This page is damaged and cannot be shown. Download the original to see what remains of it."


def too_many(pages: int, limit: int) -> str:
    """The sentence for a file with more pages than the limit."""
    return (
        f"This file has {pages:,} pages, more than the {limit:,} that Chartroom reads in one document. "
        "Split it and file the parts."
    )
