"""The Chromium that the journeys run in: found, or installed where we may."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "No Chromium was found and none could be installed, so the browser journeys cannot run: install Chromium "
    "(Debian: apt install chromium), or leave the journeys out with ./chartroom test --no-browser."
)


def find() -> Path | None:
    """CHARTROOM_CHROMIUM, else a Chromium on PATH, else one that Playwright has downloaded before."""
    named = os.environ.get("CHARTROOM_CHROMIUM")
    if named and Path(named).is_file():
        return Path(named)
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return Path(path)
    return _playwrights_own()


def install() -> Path | None:
    """Install one: from Debian's packages as root, else by Playwright's own download. None where neither works."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser journeys (apt-get) …", flush=True)
        quiet = {"env": os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, "stdin": subprocess.DEVNULL}
        get = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
        _run([*get, "update"], **quiet)
        if _run([*get, "install", "-y", "--no-install-recommends", "chromium"], **quiet) and (
            found := find()
        ):
            return found
    print("Downloading Chromium for the browser journeys (playwright install) …", flush=True)
    _run([sys.executable, "-m", "playwright", "install", "chromium"], stdin=subprocess.DEVNULL)
    return _playwrights_own()


def _run(command: list[str], **options: object) -> bool:
    """Run it, its output kept for the case that it fails."""
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
            **options,  # type: ignore[call-overload]
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{command[0]}: {error}", flush=True)
        return False
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-5:]), flush=True)
    return bool(done.returncode == 0)


def _playwrights_own() -> Path | None:
    home = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    found = sorted(home.glob("chromium-*/chrome-linux*/chrome"))
    return found[-1] if found else None
