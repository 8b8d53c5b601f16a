"""Rules of the house that reading the source can hold (docs/contributing/house.md)."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
ROOMS = ["common", "audit", "accounts", "patients", "records"]
SOURCES = sorted(
    path
    for room in [*ROOMS, "config", "demo"]
    for path in (ROOT / room).rglob("*.py")
    if "migrations" not in path.parts
)

# Model.objects in these is the read or the write itself, explained there.
QUERIES_OUTSIDE = {
    "common/jobs/api.py": "the one function that decides whose job one may see stands there",
}
# Verbs that change nothing of the record and show nothing of it.
NO_EVENT = {
    "patients.services.parts.add_identifiers": "a part of registering and correcting, which write the event",
    "accounts.services.tokens.usable_token": "looks a token up; the call it belongs to writes its own event",
    "accounts.services.tokens.note_token_use": "the minute of the last use",
}


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _is_web(path: Path) -> bool:
    """Whether a file answers HTTP: views and API modules."""
    return path.stem.startswith(("views", "api")) or "views" in path.parts or "api" in path.parts


WEB = [path for path in SOURCES if _is_web(path)]


def test_there_is_something_to_read() -> None:
    assert len(SOURCES) > 100
    assert len(WEB) >= 10


@pytest.mark.parametrize("path", WEB, ids=_name)
def test_pages_and_api_reach_rows_through_access_and_queries(path: Path) -> None:
    """`Model.objects.none()` is fine: it tells the REST framework what a list is of, and reads nothing."""
    attributes = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Attribute)]
    empty = {id(node.value) for node in attributes if node.attr == "none"}
    found = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in attributes
        if node.attr in {"objects", "_default_manager", "_base_manager"} and id(node) not in empty
    ]
    assert not found or _name(path) in QUERIES_OUTSIDE, found


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_nobody_is_above_the_rules(path: Path) -> None:
    """No superuser shortcut; a task acts as a service account with a role."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"is_superuser", "is_staff"}, f"line {node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_text_becomes_code(path: Path) -> None:
    """Nor is anything read back that could bring code along (ASVS 5.2.4, 5.5.3)."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile", "__import__"}, f"line {node.lineno}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
            assert not names & {"pickle", "marshal", "shelve", "dill"}, f"line {node.lineno}"


def _services() -> Iterator[tuple[str, Path]]:
    for path in SOURCES:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "services" in parts and parts[0] in set(ROOMS) - {"common"}:  # which keeps nothing of a chart
            yield ".".join(parts), path


def _calls(function: ast.FunctionDef) -> set[str]:
    """Last names of everything the function calls."""
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            target = node.func
            names.add(target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", ""))
            names |= {word.id for word in node.args if isinstance(word, ast.Name)}
    return names


def _is_atomic(function: ast.FunctionDef) -> bool:
    decorated = any("atomic" in ast.unparse(decorator) for decorator in function.decorator_list)
    return decorated or "transaction.atomic" in ast.unparse(function)


def _functions() -> dict[str, ast.FunctionDef]:
    return {
        f"{module}.{node.name}": node
        for module, path in _services()
        for node in _tree(path).body
        if isinstance(node, ast.FunctionDef)
    }


FUNCTIONS = _functions()
VERBS = sorted(name for name, node in FUNCTIONS.items() if not node.name.startswith("_") and _is_atomic(node))


def _recording() -> set[str]:
    """Last names of functions in services that write an event, themselves or through another."""
    writing = {"record"}
    while True:
        more = {node.name for node in FUNCTIONS.values() if _calls(node) & writing} - writing
        if not more:
            return writing
        writing |= more


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_writes_an_event(verb: str) -> None:
    """Invariant 1: a public function that opens a transaction calls `record`, or a function that does."""
    assert FUNCTIONS[verb].name in _recording() or verb in NO_EVENT, verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_docstring_and_types(verb: str) -> None:
    node = FUNCTIONS[verb]
    assert ast.get_docstring(node)
    assert node.returns is not None
    for argument in [*node.args.args, *node.args.kwonlyargs]:
        assert argument.annotation is not None, argument.arg


@pytest.mark.parametrize("module", [name for name, _ in _services()])
def test_a_verb_never_sees_the_web(module: str) -> None:
    """No request, form or serializer below a view. accounts.services.signing_in makes and ends sessions."""
    if module == "accounts.services.signing_in":
        return
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    for node in ast.walk(_tree(path)):
        names = []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            assert not name.startswith(
                ("django.http", "django.forms", "django.shortcuts", "rest_framework")
            ), name
            assert not name.endswith((".views", ".forms", ".api")), name


def test_floors_are_kept() -> None:
    """pyproject.toml, [tool.importlinter]."""
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_every_room_stands_on_a_floor() -> None:
    """A new app that no contract knows would be free to import anything."""
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    floors = {
        word
        for contract in linter["contracts"]
        for layer in contract.get("layers", [])
        for word in re.split(r"[\s:|]+", layer)
    }
    names = [config.name for config in apps.get_app_configs()]
    ours = [name for name in names if name.split(".")[0] in {*ROOMS, "demo"}]
    assert len(ours) >= 8
    for name in ours:
        above = {name, name.split(".")[0]} & floors
        within = [floor for floor in floors if floor.startswith(f"{name}.")]
        assert above or within, name


def test_settings_turn_no_check_off() -> None:
    assert not settings.DEBUG
    assert settings.AUTHENTICATION_BACKENDS == ["accounts.backends.RoleBackend"]
    assert "accounts.middleware.SignInRequiredMiddleware" in settings.MIDDLEWARE
    assert settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"] == [
        "rest_framework.permissions.IsAuthenticated"
    ]
