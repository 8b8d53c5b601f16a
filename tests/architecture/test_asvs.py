"""docs/reference/asvs.md: each row has an honest status, and each test it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
PAGE = (ROOT / "docs" / "reference" / "asvs.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.splitlines()
    if re.match(r"\| \d+\.", line)
]
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")


@cache
def _tests_in(path: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_item_stands_there_once_in_order() -> None:
    items = [tuple(int(part) for part in row[0].split(".")) for row in ROWS]
    assert len(items) > 100
    assert items == sorted(set(items))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_what_is_said_is_shown(row: tuple[str, ...]) -> None:
    _, what, status, shown = row
    named = NAMED.findall(shown)
    assert what
    assert status in {"yes", "partly", "not yet"}
    assert named or status != "yes", "name the test that shows it"
    assert NAMED.sub("", shown).strip() or status == "yes", "say what is missing"
    for path, name in named:
        assert name in _tests_in(path), f"{path} has no {name}"
