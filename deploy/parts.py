#!/usr/bin/env python3
"""Write the list of parts (SBOM) as CycloneDX 1.6 JSON: python3 deploy/parts.py [OUT.json] [--tests].

Standard library only, and nothing is asked over the network: it is made from requirements.lock, from
static/vendor/VENDOR.lock.json and from the images that Dockerfile and docker-compose.yml name; with --tests from
requirements-test.lock as well. The same files give the same list (set SOURCE_DATE_EPOCH for the same time in it). Which
part needs which is not said: the locks do not tell.
"""

import argparse
import json
import os
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SPEC = "1.6"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "chartroom.parts")
PINNED = re.compile(
    r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?==(?P<version>[^\s;]+)(?:\s*;\s*(?P<marker>.+?))?\s+--hash="
)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
IMAGE = re.compile(r"^(?:FROM|\s+image:)\s+(?P<name>[\w./-]+):(?P<tag>[\w.-]+)", re.MULTILINE)
Part = dict[str, Any]


class Unreadable(ValueError):
    """A lock says something that this program does not understand: better no list than one with a gap."""


def _hashes(digests: list[str]) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": digest} for digest in digests]


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"chartroom:{name}", "value": value}


def locked(text: str, *, scope: str) -> Iterator[Part]:
    """The packages of a lock: versions, and the hashes of all files that may stand for each. Raises Unreadable."""
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        found, digests = PINNED.match(line), HASH.findall(line)
        if found is None or len(digests) != line.count("--hash="):
            raise Unreadable(f"No version or no hash: {line[:80]}")
        name = re.sub(r"[-_.]+", "-", found["name"]).lower()
        purl = f"pkg:pypi/{name}@{found['version'].replace('+', '%2B')}"
        part: Part = {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": found["version"],
            "scope": scope,
            "purl": purl,
            "hashes": _hashes(digests),
        }
        if found["marker"]:
            part["properties"] = [_property("only-where", found["marker"])]
        yield part


def vendored(entries: list[dict[str, str]]) -> Iterator[Part]:
    """What lies in static/vendor: each package with its files and their hashes."""
    packages: dict[str, list[dict[str, str]]] = {}
    for entry in entries:
        packages.setdefault(entry["package"], []).append(entry)
    for package, files in sorted(packages.items()):
        name, _, version = package.rpartition("@")
        purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
        yield {
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "scope": "required",
            "purl": purl,
            "licenses": [
                {"license": {"id": licence}} for licence in sorted({file["licence"] for file in files})
            ],
            "components": [
                {
                    "type": "file",
                    "bom-ref": f"static/vendor/{file['file']}",
                    "name": f"static/vendor/{file['file']}",
                    "hashes": _hashes([file["sha256"]]),
                    "properties": [_property("made-from", file["from"])],
                }
                for file in files
            ],
        }


def images(*texts: str) -> Iterator[Part]:
    """The images that Dockerfile and docker-compose.yml start from; a tag moves, so they have no hash."""
    found = {(each["name"], each["tag"]) for text in texts for each in IMAGE.finditer(text)}
    for name, tag in sorted(found):
        purl = f"pkg:docker/{name}@{tag}"
        yield {
            "type": "container",
            "bom-ref": purl,
            "name": name,
            "version": tag,
            "scope": "optional",
            "purl": purl,
            "properties": [_property("used-by", "docker-compose.yml and Dockerfile only")],
        }


def parts_of(root: Path, *, with_tests: bool) -> list[Part]:
    """Every part, by name; what the program needs counts as needed though the tests do too. Raises Unreadable."""
    found: dict[str, Part] = {}
    if with_tests:
        for part in locked((root / "requirements-test.lock").read_text(), scope="excluded"):
            found[part["bom-ref"]] = part
    for part in locked((root / "requirements.lock").read_text(), scope="required"):
        found[part["bom-ref"]] = part
    entries = json.loads((root / "static/vendor/VENDOR.lock.json").read_text())["files"]
    compose, dockerfile = ((root / name).read_text() for name in ("docker-compose.yml", "Dockerfile"))
    for part in (*vendored(entries), *images(compose, dockerfile)):
        found[part["bom-ref"]] = part
    return sorted(found.values(), key=lambda part: (part["type"], part["name"], part["version"]))


def bill(root: Path = ROOT, *, with_tests: bool = False) -> dict[str, Any]:
    """The whole document. Raises Unreadable."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    parts = parts_of(root, with_tests=with_tests)
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH") or datetime.now(UTC).timestamp())
    serial = uuid.uuid5(NAMESPACE, json.dumps([project["version"], parts], sort_keys=True))
    return {
        "$schema": f"http://cyclonedx.org/schema/bom-{SPEC}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": SPEC,
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {"components": [{"type": "application", "name": "deploy/parts.py"}]},
            "component": {
                "type": "application",
                "bom-ref": "chartroom",
                "name": project["name"],
                "version": project["version"],
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
            "properties": [
                _property("hashes", "of the files of which the lock accepts any one for a package"),
                _property("tests", "their packages are listed, excluded" if with_tests else "not listed"),
            ],
        },
        "components": parts,
    }


def main(arguments: list[str] | None = None) -> int:
    """Write it to the file named, or to standard output."""
    parser = argparse.ArgumentParser(description="Write the list of parts (SBOM) as CycloneDX JSON.")
    parser.add_argument("out", nargs="?", type=Path, help="standard output when left out")
    parser.add_argument("--tests", action="store_true", help="list the packages of the tests too")
    given = parser.parse_args(arguments)
    try:
        text = json.dumps(bill(with_tests=given.tests), indent=2, ensure_ascii=False) + "\n"
    except (OSError, Unreadable, KeyError, ValueError) as wrong:
        sys.stderr.write(f"No list was written: {wrong}\n")
        return 1
    if given.out:
        given.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
