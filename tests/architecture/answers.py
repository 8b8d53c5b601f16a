"""What every answer's head must say, and a technical log to look into."""

import io
import logging
from collections.abc import Iterator
from typing import Any

from config.logs import Json, Line

KEPT_OUT = "default-src 'none'"
STRICT = ("frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'")
EXACT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def loose_headers(answer: Any) -> Iterator[str]:
    """What a browser would be allowed that it should not be."""
    policy = answer.headers.get("Content-Security-Policy", "")
    if KEPT_OUT not in policy or "unsafe" in policy or "*" in policy:
        yield f"policy {policy!r}"
    if not policy.startswith("sandbox") and any(part not in policy for part in STRICT):
        yield f"policy {policy!r}"
    for name, value in EXACT.items():
        if answer.headers.get(name) != value:
            yield f"{name} is {answer.headers.get(name)!r}"
    if "camera=()" not in answer.headers.get("Permissions-Policy", ""):
        yield "no Permissions-Policy"
    if "no-store" not in answer.headers.get("Cache-Control", ""):
        yield f"may be kept: {answer.headers.get('Cache-Control')!r}"
    if "Access-Control-Allow-Origin" in answer.headers:
        yield "may be read by another site"
    if "Server" in answer.headers or "X-Powered-By" in answer.headers:
        yield "says what runs here"


class TechnicalLog:
    """Everything that would go to the technical log with CHARTROOM_LOG_LEVEL=DEBUG, in both of its forms."""

    def __init__(self) -> None:
        self._out = io.StringIO()
        self._handlers = [logging.StreamHandler(self._out) for _ in range(2)]
        for handler, formatter in zip(self._handlers, (Line(), Json()), strict=True):
            handler.setFormatter(formatter)

    def __enter__(self) -> "TechnicalLog":
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(logging.DEBUG)
        for handler in self._handlers:
            root.addHandler(handler)
        return self

    def __exit__(self, *args: Any) -> None:
        root = logging.getLogger()
        root.setLevel(self._level)
        for handler in self._handlers:
            root.removeHandler(handler)

    @property
    def text(self) -> str:
        """Every line."""
        return self._out.getvalue()

    def lines_with(self, *words: str) -> list[str]:
        """Lines that tell what they should not."""
        return [line for line in self.text.splitlines() if any(word in line for word in words)]
