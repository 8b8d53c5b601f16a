"""What the frame of every page needs. No queries here."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from common.ids import uuid7


def frame(request: HttpRequest) -> dict[str, Any]:
    """Settings the frame shows, and a fresh token for forms that must not be sent twice."""
    return {
        "idle_seconds": settings.IDLE_MINUTES * 60,
        "is_demo": settings.DEMO,
        "once_token": uuid7(),
        "request_reference": getattr(request, "reference", ""),
    }
