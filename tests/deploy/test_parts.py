"""deploy/parts.py: the list of parts is CycloneDX, and nothing locked or vendored is missing (ASVS 14.2.5)."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import parts

ROOT = Path(__file__).resolve().parent.parent.parent
SERIAL = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
PURL = re.compile(r"pkg:(pypi|npm|docker)/[\w./%-]+@[\w.%-]+")


def _all(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for part in found:
        yield part
        yield from _all(part.get("components", []))


def _pinned(name: str) -> dict[str, set[str]]:
    """`name==version` and its hashes, read by another way than the program's: word by word."""
    found: dict[str, set[str]] = {}
    last = ""
    for word in (ROOT / name).read_text().split():
        if "==" in word and not word.startswith("--") and word[0].isalnum():
            last = word
            found[last] = set()
        elif word.startswith("--hash=sha256:"):
            found[last].add(word.removeprefix("--hash=sha256:"))
    return found


def _listed(document: dict[str, Any], kind: str) -> dict[str, set[str]]:
    return {
        f"{part['name']}=={part['version']}": {each["content"] for each in part.get("hashes", [])}
        for part in document["components"]
        if part.get("purl", "").startswith(f"pkg:{kind}/")
    }


@pytest.mark.parametrize("with_tests", [False, True])
def test_it_has_the_shape_that_cyclonedx_asks_for(with_tests: bool) -> None:
    """What bom-1.6.schema.json requires of what is used of it; each part has one name of its own."""
    document = json.loads(json.dumps(parts.bill(with_tests=with_tests)))
    assert (document["bomFormat"], document["specVersion"], document["version"]) == ("CycloneDX", "1.6", 1)
    assert SERIAL.fullmatch(document["serialNumber"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["metadata"]["timestamp"])
    every = [document["metadata"]["component"], *_all(document["components"])]
    refs = [part["bom-ref"] for part in every]
    assert len(refs) == len(set(refs))
    for part in every:
        assert part["type"] in {"application", "library", "container", "file"}
        assert part["name"]
        assert part.get("scope", "required") in {"required", "optional", "excluded"}
        assert "purl" not in part or PURL.fullmatch(part["purl"])
        assert part["type"] in {"file", "application"} or part["version"]
        for each in part.get("hashes", []):
            assert each["alg"] == "SHA-256"
            assert re.fullmatch(r"[0-9a-f]{64}", each["content"])


def test_each_locked_package_is_listed_with_its_version_and_hashes() -> None:
    needed, tests = _pinned("requirements.lock"), _pinned("requirements-test.lock")
    assert len(needed) > 50
    assert all(needed.values())
    assert _listed(parts.bill(), "pypi") == needed
    whole = parts.bill(with_tests=True)
    assert _listed(whole, "pypi") == tests | needed
    excluded = {
        f"{part['name']}=={part['version']}" for part in whole["components"] if part["scope"] == "excluded"
    }
    assert excluded == set(tests) - set(needed)


def test_each_vendored_file_is_listed_with_its_hash() -> None:
    listed = {
        part["name"]: part["hashes"][0]["content"]
        for part in _all(parts.bill()["components"])
        if part["type"] == "file"
    }
    entries = json.loads((ROOT / "static/vendor/VENDOR.lock.json").read_text())["files"]
    assert listed == {f"static/vendor/{entry['file']}": entry["sha256"] for entry in entries}
    assert set(_listed(parts.bill(), "npm")) == {entry["package"].replace("@", "==") for entry in entries}


def test_each_image_that_is_started_from_is_listed() -> None:
    named = (ROOT / "docker-compose.yml").read_text() + (ROOT / "Dockerfile").read_text()
    started = {
        words[1] for line in named.splitlines() if (words := line.split())[:1] in (["image:"], ["FROM"])
    }
    foreign = {name.replace(":", "==") for name in started if not name.startswith("chartroom:")}
    assert len(foreign) >= 4
    assert set(_listed(parts.bill(), "docker")) == foreign


def test_the_same_files_give_the_same_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1790000000")
    assert parts.bill() == parts.bill()
    assert parts.bill()["serialNumber"] != parts.bill(with_tests=True)["serialNumber"]


@pytest.mark.parametrize(
    "line",
    [
        "celery>=5 --hash=sha256:" + "a" * 64,
        "celery==5.7.0",
        "celery==5.7.0 --hash=md5:" + "a" * 32,
        "celery @ https://example.org/celery.whl --hash=sha256:" + "a" * 64,
        "-e ./elsewhere",
        "-r other.lock",
    ],
)
def test_a_lock_that_is_not_understood_gives_no_list(line: str, tmp_path: Path) -> None:
    with pytest.raises(parts.Unreadable):
        list(parts.locked(line + "\n", scope="required"))


def test_it_runs_on_a_bare_python(tmp_path: Path) -> None:
    """Standard library only, from a folder of its own, as it would in an image."""
    names = (
        "requirements.lock",
        "requirements-test.lock",
        "pyproject.toml",
        "docker-compose.yml",
        "Dockerfile",
    )
    for name in (*names, "deploy/parts.py", "static/vendor/VENDOR.lock.json"):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    command = [sys.executable, "-I", "-S", "deploy/parts.py"]
    done = subprocess.run([*command, "list.json", "--tests"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert json.loads((tmp_path / "list.json").read_text())["components"] == parts.parts_of(
        ROOT, with_tests=True
    )
    (tmp_path / "requirements.lock").write_text("celery==5.7.0\n")
    done = subprocess.run([*command, "second.json"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "No list was written" in done.stderr
    assert not (tmp_path / "second.json").exists()
