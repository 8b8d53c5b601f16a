"""The technical log: one object a line when asked for, and never the words of an exception."""

import json
import logging
import sys
from typing import Any

import pytest

from audit import context
from config.logs import Json, Line

NAME = "Qwxyzzy"


def record_of(message: str, *args: object, fault: bool = False) -> logging.LogRecord:
    """A record, with an exception whose words and whose cause's words name somebody."""
    info = None
    if fault:
        try:
            try:
                raise KeyError(f"Key (family)=({NAME}) already exists.")
            except KeyError as cause:
                raise ValueError(f"cannot read {NAME}") from cause
        except ValueError:
            info = sys.exc_info()
    return logging.LogRecord("chartroom.test", logging.ERROR, __file__, 1, message, args, info)


@pytest.mark.parametrize("formatter", [Line(), Json()])
def test_a_fault_is_told_by_type_and_place(formatter: logging.Formatter) -> None:
    text = formatter.format(record_of("It broke", fault=True))
    assert NAME not in text
    assert "builtins.ValueError" in text
    assert "builtins.KeyError" in text
    assert "test_logs.py" in text


def test_what_another_handler_made_of_it_is_not_taken_over() -> None:
    record = record_of("It broke", fault=True)
    logging.Formatter().format(record)
    assert NAME not in Line().format(record)


def test_a_developer_sees_the_words(settings: Any) -> None:
    settings.DEBUG = True
    assert NAME in Line().format(record_of("It broke", fault=True))


def test_a_json_line_is_one_line_with_the_request_s_reference() -> None:
    with context.use(request_id="abc-123"):
        text = Json().format(record_of("two\nlines of %s", "text"))
    assert "\n" not in text
    told = json.loads(text)
    assert told["message"] == "two\nlines of text"
    assert (told["level"], told["logger"], told["request_id"]) == ("ERROR", "chartroom.test", "abc-123")
    assert told["at"].endswith("+00:00")
