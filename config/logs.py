"""How a line of the technical log looks: plain, or one JSON object a line for a collector.

Neither tells an exception's message: a database names the row that broke a constraint, a parser the text it choked on,
a template its whole context, and any of them may be a patient's. Its type and where it was raised are told; with
CHARTROOM_DEBUG the rest too.
"""

import json
import logging
import traceback
from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from django.conf import settings

from audit import context

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
MOST_FRAMES = 40


def fault_text(error: BaseException) -> str:
    """An exception without its words: each frame's place, then the types, causes last."""
    lines = []
    seen: BaseException | None = error
    while seen is not None:
        frames = traceback.extract_tb(seen.__traceback__)[-MOST_FRAMES:]
        lines += [f"  {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return "\n".join(lines)


OF_QUEUES = ("celery", "kombu", "billiard")
NOT_TOLD = "[not told]"


def without_words(record: logging.LogRecord) -> logging.LogRecord:
    """The queue's own lines write out an exception, a task's arguments and its result: a copy that does not."""
    if settings.DEBUG or not record.name.startswith(OF_QUEUES):
        return record
    told, given = copy(record), record.args
    if isinstance(given, Mapping):
        fault = record.exc_info[1] if record.exc_info else None
        hidden = dict.fromkeys(("args", "kwargs", "return_value", "traceback"), NOT_TOLD)
        hidden["exc"] = type(fault).__qualname__ if fault is not None else NOT_TOLD
        told.args = {**given, **{name: words for name, words in hidden.items() if name in given}}
    elif given:
        told.args = tuple(
            type(each).__qualname__ if isinstance(each, BaseException) else each for each in given
        )
    return told


class Line(logging.Formatter):
    """`time LEVEL logger message`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatException(self, ei: ExcInfo) -> str:
        """The types and places, not the words."""
        if settings.DEBUG or ei[1] is None:
            return super().formatException(ei)
        return fault_text(ei[1])

    def format(self, record: logging.LogRecord) -> str:
        """The line. Text that another handler has already made of the exception is not taken over."""
        record.exc_text = None
        text = super().format(without_words(record))
        record.exc_text = None
        return text


class Json(Line):
    """One JSON object a line, with the reference that the event in the access log and the error page have."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; line breaks in a message are escaped, so nobody can write a second one."""
        told: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": without_words(record).getMessage(),
        }
        reference = context.current().request_id
        if reference:
            told["request_id"] = reference
        if record.exc_info:
            told["fault"] = self.formatException(record.exc_info)
        return json.dumps(told)
