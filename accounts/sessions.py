"""Sessions that know whose they are (SESSION_ENGINE)."""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.http import HttpRequest

from audit import context
from common.ids import uuid7

SITTING = "sitting"
SEEN_AT = "seen_at"
CONFIRMED_AT = "confirmed_at"
DRAFTS = "drafts"  # the pages for which something typed is kept, with its id

# What a browser calls itself, and what people call it; the first that fits.
_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def device_of(agent: str) -> str:
    """What somebody sits at, in words: "Firefox on Windows"."""
    browser = next((words for mark, words in _BROWSERS if mark in agent), "")
    system = next((words for mark, words in _SYSTEMS if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or "Another program"


def begin(request: HttpRequest, *, at: int) -> None:
    """Note in a session that has just been signed in who sits there since when."""
    request.session[SITTING] = {
        "number": str(uuid7()),
        "address": context.current().ip,
        "device": device_of(request.headers.get("User-Agent", "")),
        "at": at,
    }
    request.session[CONFIRMED_AT] = request.session[SEEN_AT] = at


def _instant(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


class SessionStore(DatabaseStore):
    """Django's sessions in the database, with the columns that people are shown."""

    @classmethod
    def get_model_class(cls) -> Any:
        """The table of our own."""
        from accounts.models import BrowserSession

        return BrowserSession

    def create_model_instance(self, data: Any) -> Any:
        """The row, its columns filled from what the session holds; a stranger's has none."""
        row: Any = super().create_model_instance(data)
        sitting = data.get(SITTING) or {}
        row.user_id = data.get(SESSION_KEY)
        row.number = sitting.get("number")
        row.address = sitting.get("address")
        row.device = sitting.get("device", "")
        row.started_at = _instant(sitting.get("at"))
        row.seen_at = _instant(data.get(SEEN_AT))
        return row
