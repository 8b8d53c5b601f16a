"""The virtual environment beside the launcher, made from the hash-locked requirements.

A stamp in it holds the hash of what was installed. No stamp means a half-made environment, which is made anew;
another hash means changed locks, which are installed on top. A file lock lets two launchers start at once.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded.environment import ROOT
from config.embedded.refusal import Refusal

VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".chartroom-stamp"
LOCKS = {"run": ROOT / "requirements.lock", "tests": ROOT / "requirements-test.lock"}


def ensure(*, with_tests: bool) -> Path:
    """The path of the environment's Python, after making or renewing the environment where needed.

    Raises Refusal with one sentence when it cannot be made.
    """
    if _is_current(with_tests):
        return PYTHON
    try:
        with _one_at_a_time():
            if not _is_current(with_tests):
                _make(with_tests or "tests" in _installed())
    except PermissionError as error:
        raise Refusal(
            f"Chartroom must write {error.filename or VENV} to install itself, and may not; let the folder's owner "
            "run './chartroom setup' once."
        ) from error
    except OSError as error:
        raise Refusal(f"Chartroom could not prepare {VENV}: {error.strerror or error}.") from error
    return PYTHON


def _installed() -> dict[str, str]:
    """What the stamp says is installed: lock name to hash, or nothing."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _wanted(with_tests: bool) -> dict[str, str]:
    names = ["run", "tests"] if with_tests else ["run"]
    return {name: hashlib.sha256(LOCKS[name].read_bytes()).hexdigest() for name in names}


def _is_current(with_tests: bool) -> bool:
    installed = _installed()
    wanted = _wanted(with_tests)
    return PYTHON.exists() and all(installed.get(name) == digest for name, digest in wanted.items())


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with (ROOT / ".venv.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another Chartroom is preparing .venv; waiting for it …", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(with_tests: bool) -> None:
    fresh = not _installed() or not PYTHON.exists()
    wanted = _wanted(with_tests)
    print(
        "Preparing .venv from the locked requirements (first start, up to a minute) …"
        if fresh
        else "The locked requirements changed; renewing .venv …",
        file=sys.stderr,
        flush=True,
    )
    STAMP.unlink(missing_ok=True)
    if fresh and VENV.exists():
        shutil.rmtree(VENV)
    lock = LOCKS["tests" if with_tests else "run"]
    uv = shutil.which("uv")
    if not (uv and _with_uv(uv, lock, fresh)):
        _with_pip(lock)
    STAMP.write_text(json.dumps(wanted))


def _with_uv(uv: str, lock: Path, fresh: bool) -> bool:
    """Install with uv. False, and a line on the terminal, when uv could not: pip may know another index."""
    steps = [[uv, "pip", "install", "--quiet", "--python", str(PYTHON), "--require-hashes", "-r", str(lock)]]
    if fresh:
        steps.insert(0, [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)])
    for step in steps:
        if subprocess.run(step, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode:
            print("uv could not do it; trying pip …", file=sys.stderr, flush=True)
            shutil.rmtree(VENV, ignore_errors=True)
            return False
    return True


def _with_pip(lock: Path) -> None:
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # An environment that uv made holds no pip.
    if (
        not PYTHON.exists()
        or subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode
    ):
        _make_venv()
    command = [*pip, "install", "--quiet", "--require-hashes", "-r", str(lock)]
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Refusal(
            f"pip could not install {lock.name} (its reason stands above); check the connection to your package "
            "index and start again."
        )


def _make_venv() -> None:
    """`python -m venv`, with pip in it."""
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Refusal(
            f"This Python cannot make virtual environments: install the package python{version}-venv "
            f"(on Debian and Ubuntu: apt install python{version}-venv), or uv, and start again."
        )
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={name: value for name, value in os.environ.items() if name not in {"PYTHONHOME", "PYTHONPATH"}},
        check=False,
    )
    if done.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        last = done.stdout.strip().splitlines()[-1:] or ["no reason given"]
        raise Refusal(f"Python could not make the virtual environment {VENV}: {last[0]}")
