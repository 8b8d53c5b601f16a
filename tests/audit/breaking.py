"""Explainers that really fail."""

from dataclasses import replace
from typing import Any

import pytest

from audit import explaining
from audit.explaining import ask

VICTIM = "consult"
WORDS = "Some explanations could not be had: Consult."


def raises(accesses: Any) -> Any:
    """A room's Python that fails."""
    raise KeyError("some row")


BROKEN = {
    "no such column": ask("select event_id, consult.nothing, '' from access"),
    "division by zero in one row": ask(
        "select event_id, (1 / (case when event_id = (select max(event_id) from access) then 0 else 1 end))::text, ''"
        " from access"
    ),
    "too slow": ask("select event_id, (pg_sleep(3))::text, '' from access"),
    "another shape": ask("select event_id from access"),
    "Python": raises,
}


def break_explainer(monkeypatch: pytest.MonkeyPatch, how: str = "no such column", kind: str = VICTIM) -> None:
    """Have one explainer fail in one of the ways of BROKEN."""
    found = explaining._explainers[kind]
    monkeypatch.setitem(explaining._explainers, kind, replace(found, answer=BROKEN[how]))
