"""The technical log: one object a line when asked for, and never the words of an exception."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from audit import context
from config.celery import app
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


@app.task(name="tests.fails")
def fails(name: str, *, other: str) -> None:
    raise ValueError(f"cannot read {name}")


@app.task(name="tests.tries", bind=True, max_retries=1)
def tries(self: Any, name: str) -> str:
    if not self.request.retries:
        raise self.retry(exc=ValueError(f"cannot read {name}"), countdown=0)
    return name


@pytest.fixture(params=[Line, Json])
def celery_lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Everything that Celery's loggers write from INFO on, as the handler of the settings would."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(request.param())
    logger = logging.getLogger("celery")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield lines
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_celery_tells_no_words_of_a_task_that_fails(celery_lines: io.StringIO) -> None:
    fails.apply(args=[NAME], kwargs={"other": NAME})
    said = celery_lines.getvalue()
    assert NAME not in said
    assert "tests.fails" in said
    assert "ValueError" in said
    assert "test_logs.py" in said


def test_nor_of_one_that_is_tried_again_or_succeeds(celery_lines: io.StringIO) -> None:
    tries.apply(args=[NAME])
    said = celery_lines.getvalue()
    assert "tests.tries" in said
    assert "retry" in said
    assert "succeeded" in said
    assert NAME not in said


def test_nor_where_a_line_is_given_the_exception_itself() -> None:
    record = record_of("Task handler raised error: %r", ValueError(f"cannot read {NAME}"))
    record.name = "celery.worker.request"
    assert NAME not in Line().format(record)
    assert "ValueError" in Json().format(record)


def test_celery_adds_no_handler_of_its_own() -> None:
    """A handler of Celery's would have a formatter of Celery's."""
    app.log.already_setup = False
    before = {name: list(logging.getLogger(name).handlers) for name in ("", "celery", "celery.task")}
    app.log.setup_logging_subsystem(loglevel="INFO")
    assert before == {name: list(logging.getLogger(name).handlers) for name in before}
