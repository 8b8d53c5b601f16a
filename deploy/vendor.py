"""Re-make static/vendor from its npm packages: `python deploy/vendor.py`.

Needs npm and a registry (whichever npm is set up for); nobody who runs or tests Chartroom needs either, because
the copies are committed. The packages, their versions and the files taken are listed here; what came out, with
hashes, is written to static/vendor/VENDOR.lock.json, and tests/frontend compares the two.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
LOCK = VENDOR / "VENDOR.lock.json"
SPRITE = "bootstrap-icons/icons.svg"

# package@version → files taken from it, as "path inside the package": "path under static/vendor".
PACKAGES: dict[str, dict[str, str]] = {
    "bootstrap@5.3.9": {
        "dist/css/bootstrap.min.css": "bootstrap/bootstrap.min.css",
        "LICENSE": "bootstrap/LICENSE",
    },
    "htmx.org@4.0.1": {
        "dist/htmx.min.js": "htmx/htmx.min.js",
        "LICENSE": "htmx/LICENSE",
    },
    "bootstrap-icons@1.13.2": {
        "LICENSE": "bootstrap-icons/LICENSE",
    },
}
LICENCES = {"bootstrap": "MIT", "htmx.org": "0BSD", "bootstrap-icons": "MIT"}
ICON_PACKAGE = "bootstrap-icons@1.13.2"
ICONS = (
    "arrow-clockwise arrow-counterclockwise arrow-left arrow-right arrow-repeat arrows-expand-vertical "
    "arrows-fullscreen bell box-arrow-right box-seam calendar3 card-list chat-left-text check-circle check2 "
    "chevron-down chevron-left chevron-right circle circle-half clipboard2-pulse clock clock-history cloud-upload "
    "dash-lg download exclamation-circle exclamation-octagon exclamation-triangle eye file-earmark-text "
    "file-earmark-image file-earmark-lock files filter folder2-open funnel gear grid-3x3-gap hand-index heart-pulse "
    "hospital hourglass-split house inbox info-circle journal-text key keyboard layout-text-sidebar list lock moon "
    "pause-circle pencil people person person-badge person-check person-gear person-plus person-vcard "
    "person-x plus-lg printer question-circle search send shield-check shield-exclamation shield-lock sliders "
    "speedometer2 stopwatch sun tag trash upc-scan x-circle x-lg x-octagon zoom-in zoom-out"
).split()
SVG = "{http://www.w3.org/2000/svg}"


def main() -> int:
    """Fetch every package into a temporary folder, then replace static/vendor by what was picked from them."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "vendor"
        entries = []
        for package, files in PACKAGES.items():
            unpacked = fetch(package, Path(scratch))
            for source, target in files.items():
                copy(unpacked / source, fresh / target)
                entries.append(entry(package, source, fresh, target))
            if package == ICON_PACKAGE:
                (fresh / SPRITE).write_bytes(sprite(unpacked / "icons"))
                entries.append(entry(package, "icons/*.svg", fresh, SPRITE))
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(fresh, VENDOR)
    LOCK.write_text(json.dumps({"files": entries}, indent=2) + "\n")
    return 0


def fetch(package: str, scratch: Path) -> Path:
    """Download one package with npm and unpack it. Returns the folder that holds its files."""
    packed = subprocess.run(
        ["npm", "pack", "--ignore-scripts", "--silent", package],
        cwd=scratch, check=True, capture_output=True, text=True,
    )  # fmt: skip
    archive = scratch / packed.stdout.split()[-1]
    target = scratch / re.sub(r"\W+", "-", package)
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    return target / "package"


def copy(source: Path, target: Path) -> None:
    """Copy a file without its sourceMappingURL: the maps are not shipped, and hashed static storage looks for them."""
    text = source.read_text(encoding="utf-8")
    text = re.sub(r"\n?/\*[#@]\s*sourceMappingURL=.*?\*/|\n?//[#@]\s*sourceMappingURL=\S*", "", text)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text.rstrip("\n") + "\n", encoding="utf-8")


def sprite(icons: Path) -> bytes:
    """One SVG file with a <symbol> for each icon we use, so that a page fetches one file, once."""
    ElementTree.register_namespace("", SVG.strip("{}"))
    root = ElementTree.Element(f"{SVG}svg")
    for name in sorted(ICONS):
        drawing = ElementTree.parse(icons / f"{name}.svg").getroot()  # noqa: S314  (files of a pinned package)
        symbol = ElementTree.SubElement(
            root, f"{SVG}symbol", id=name, viewBox=drawing.get("viewBox", "0 0 16 16")
        )
        symbol.extend(list(drawing))
        for element in symbol.iter():
            element.tail = element.text = None
    ElementTree.indent(root, space="", level=0)
    return ElementTree.tostring(root, encoding="utf-8") + b"\n"


def entry(package: str, source: str, folder: Path, target: str) -> dict[str, str]:
    """One line of the lock file."""
    name = package.rpartition("@")[0]
    digest = hashlib.sha256((folder / target).read_bytes()).hexdigest()
    return {"file": target, "package": package, "from": source, "licence": LICENCES[name], "sha256": digest}


if __name__ == "__main__":
    sys.exit(main())
