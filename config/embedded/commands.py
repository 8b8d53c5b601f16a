"""`./chartroom manage` and `./chartroom bench`."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from config.embedded import sockets
from config.embedded.children import Bell, dies_with_parent
from config.embedded.environment import ROOT, for_python
from config.embedded.folder import Folder
from config.embedded.instance import Instance, Stopped, django_variables, manage_py, say
from config.embedded.migrations import forget_fingerprint
from config.embedded.refusal import Refusal

CHANGES_SCHEMA = {"migrate", "flush", "dbshell", "sqlflush"}


def manage(data: str, arguments: list[str]) -> int:
    """Run a management command on a data folder, whether its Chartroom runs or not. Returns its exit code.

    Where it does not run, PostgreSQL is started for as long as the command takes.
    """
    folder = Folder(data)
    if not os.environ.get("DATABASE_URL") and not folder.postgres.is_dir():
        raise Refusal(f"There is no Chartroom in {folder.path} yet; make it with './chartroom up' first.")
    if CHANGES_SCHEMA & set(arguments):
        forget_fingerprint(folder)
    if folder.in_use():
        variables = for_python() | _running_variables(folder) | _demonstration(folder)
        return _run(manage_py(*arguments), variables, Bell())
    bell = Bell()
    instance = Instance(folder, bell)
    folder.open()
    try:
        instance.prepare()
        instance.start_postgres()
        return _run(manage_py(*arguments), instance.environment() | _demonstration(folder), bell)
    except Stopped:
        return 130
    finally:
        instance.stop()
        folder.close()


def _demonstration(folder: Folder) -> dict[str, str]:
    """Commands on the demonstration's folder know that it is one, unless the caller says otherwise."""
    known = "CHARTROOM_DEMO" in os.environ or not folder.demo_state
    return {} if known else {"CHARTROOM_DEMO": "1"}


def _running_variables(folder: Folder) -> dict[str, str]:
    places = sockets.noted(folder.run / "sockets")
    if places is None:
        raise Refusal(
            f"The Chartroom on {folder.path} is only just starting or stopping; try again in a moment."
        )
    own = django_variables(
        folder,
        places,
        own_database=not os.environ.get("DATABASE_URL"),
        own_valkey=not os.environ.get("REDIS_URL"),
    )
    return {name: value for name, value in own.items() if name not in os.environ or name == "CHARTROOM_DATA"}


def _run(command: list[str], variables: dict[str, str], bell: Bell) -> int:
    """Run it at our terminal, pass our signals on, and return its exit code."""
    process = subprocess.Popen(command, env=variables, preexec_fn=dies_with_parent(signal.SIGTERM))
    told = 0
    while process.poll() is None:
        bell.wait(0.5)
        if bell.stop_asked > told:
            told = bell.stop_asked
            process.send_signal(signal.SIGTERM if told == 1 else signal.SIGKILL)
    return process.returncode if process.returncode >= 0 else 128 - process.returncode


def bench(arguments: list[str]) -> int:
    """Run bench/NAME.py, or each of them, against an instance of its own. Returns the worst exit code."""
    home = ROOT / "bench"
    known = sorted(path.stem for path in home.glob("*.py") if not path.stem.startswith("_"))
    names = [arguments[0]] if arguments and not arguments[0].startswith("-") else known
    rest = arguments[1:] if names != known else arguments
    if unknown := [name for name in names if name not in known]:
        raise Refusal(f"There is no benchmark {unknown[0]!r}; there are: {', '.join(known) or 'none yet'}.")
    worst = 0
    for name in names:
        say(f"== bench {name}")
        worst = max(worst, _bench_one(home / f"{name}.py", rest))
    return worst


def _bench_one(script: Path, arguments: list[str]) -> int:
    from config.embedded.supervisor import Supervisor

    with Supervisor.throwaway() as running:
        variables = running.variables | {"CHARTROOM_DEMO": "1"}  # its data are invented
        return _run([sys.executable, str(script), *arguments], variables, running.bell)
