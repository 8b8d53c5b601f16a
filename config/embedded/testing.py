"""`./chartroom test`: a throwaway database and broker, pytest, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from config.embedded import browser
from config.embedded.children import Bell, dies_with_parent
from config.embedded.environment import ROOT
from config.embedded.folder import Folder
from config.embedded.instance import Instance, Stopped, say


def run(pytest_arguments: list[str], *, no_browser: bool) -> int:
    """Run pytest and return its exit code."""
    arguments, left_out = list(pytest_arguments), ""
    wants_journeys = (
        not arguments or any("journeys" in word for word in arguments) or not _names_a_path(arguments)
    )
    chromium = (browser.find() or browser.install()) if wants_journeys and not no_browser else None
    if wants_journeys and chromium is None and not no_browser:
        say(browser.MISSING)
        return 1
    if no_browser:
        arguments += ["-m", "not journey"]
        left_out = (
            "THE BROWSER JOURNEYS WERE LEFT OUT (--no-browser): this run does not show that the screens work."
        )
    if not _names_a_path(arguments) and not _says_how_many(arguments):
        arguments = ["-n", "2", "--dist", "loadgroup", *arguments]

    bell = Bell()
    home = Path(tempfile.mkdtemp(prefix="chartroom-test-"))
    folder = Folder(home / "data")
    instance = Instance(folder, bell, throwaway=True)
    try:
        folder.open()
        instance.prepare()
        instance.start_postgres()
        instance.start_valkey()
        variables = instance.environment()
        if chromium:
            variables["CHARTROOM_CHROMIUM"] = str(chromium)
        code = _pytest(arguments, variables, bell)
    except Stopped:
        code = 130
    finally:
        instance.stop()
        folder.close()
        shutil.rmtree(home, ignore_errors=True)
    if left_out:
        say(left_out)
    return code


def _pytest(arguments: list[str], variables: dict[str, str], bell: Bell) -> int:
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=ROOT,
        env=variables,
        stdin=subprocess.DEVNULL,
        preexec_fn=dies_with_parent(signal.SIGKILL),
    )
    told = 0
    while process.poll() is None:
        bell.wait(0.5)
        if bell.stop_asked > told:
            told = bell.stop_asked
            # Ctrl-C at the terminal has reached pytest as well; a signal to us alone has not.
            process.send_signal(signal.SIGINT if told == 1 else signal.SIGKILL)
    return process.returncode


def _names_a_path(arguments: list[str]) -> bool:
    return any(not word.startswith("-") and (ROOT / word.split("::")[0]).exists() for word in arguments)


def _says_how_many(arguments: list[str]) -> bool:
    return any(
        word.startswith(("-n", "--numprocesses", "--dist")) or word == "--pdb" for word in arguments
    ) or ("no:xdist" in os.environ.get("PYTEST_ADDOPTS", ""))
