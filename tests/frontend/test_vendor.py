"""What is vendored is exactly what the lock says, and needs nothing from outside."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "static"
VENDOR = STATIC / "vendor"
ENTRIES = json.loads((VENDOR / "VENDOR.lock.json").read_text())["files"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_each_vendored_file_has_the_locked_hash(entry):
    assert hashlib.sha256((VENDOR / entry["file"]).read_bytes()).hexdigest() == entry["sha256"]
    assert re.fullmatch(r"[\w.@/-]+@\d+\.\d+\.\d+", entry["package"])


def test_nothing_is_vendored_beside_the_lock_and_each_package_brings_its_licence():
    on_disk = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*") if path.is_file()}
    assert on_disk - {"VENDOR.lock.json"} == {entry["file"] for entry in ENTRIES}
    folders = {entry["file"].partition("/")[0] for entry in ENTRIES}
    assert all((VENDOR / folder / "LICENSE").is_file() for folder in folders)


@pytest.mark.parametrize(
    "path", [p for p in STATIC.rglob("*") if p.suffix in {".js", ".css"}], ids=lambda p: p.name
)
def test_no_static_file_names_a_source_map_or_loads_from_another_host(path):
    text = path.read_text(encoding="utf-8")
    assert "sourceMappingURL" not in text
    assert not re.search(r"""(?:url\(|@import|import\s|from\s|fetch\()\s*["']?(?:https?:)?//""", text)


def test_every_module_that_a_script_imports_exists():
    for script in (STATIC / "js").glob("*.js"):
        for name in re.findall(
            r"""^(?:import|export)\b[^;]*?["']\./([\w.-]+)["']""", script.read_text(), re.M
        ):
            assert (STATIC / "js" / name).is_file(), f"{script.name} imports {name}"
