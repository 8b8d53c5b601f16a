"""The demonstration hospital: whether it belongs here, its accounts, and loading it; else the first administrator."""

import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from config.embedded.children import Child, describe_exit
from config.embedded.environment import LOOPBACK
from config.embedded.folder import Folder
from config.embedded.instance import describe_exit_of, manage_py, say
from config.embedded.refusal import Refusal

if TYPE_CHECKING:
    from config.embedded.supervisor import Supervisor

PASSWORD = "chartroom-demo"  # noqa: S105  (public by design: printed, and only served on this machine)
ACCOUNTS = (
    ("clerk", "records clerk"),
    ("roi", "release-of-information specialist"),
    ("supervisor", "records supervisor"),
    ("clinician", "physician of 4 West"),
    ("clinician2", "physician of Emergency"),
    ("compliance", "compliance officer"),
    ("administrator", "system administrator, sees no charts"),
)


def wanted(folder: Folder, *, no_demo: bool, host: str) -> bool:
    """Whether this start has the demonstration in it. It never shares a folder or a network with real patients.

    Raises Refusal where the wish and the folder, or the wish and the address, do not go together.
    """
    if os.environ.get("DATABASE_URL"):
        return False
    if folder.demo_state:
        if no_demo:
            raise Refusal(
                f"The data folder {folder.path} holds the demonstration hospital; "
                "give --no-demo a folder of its own with --data."
            )
    elif no_demo or not folder.is_new:
        return False
    if host not in LOOPBACK:
        raise Refusal(
            f"The demonstration hospital has public passwords and is served on 127.0.0.1 only, not on {host}; "
            "use --no-demo with a data folder of its own."
        )
    return True


def settle(folder: Folder, *, wanted: bool) -> None:
    """Remember at the first start that the demonstration belongs in this folder."""
    if wanted and not folder.demo_state:
        folder.mark_demo("wanted")


def make_accounts(running: "Supervisor") -> None:
    """Make the demonstration's accounts, before anybody can try to sign in. They stay as they are afterwards."""
    if running.folder.demo_state == "loaded":
        return
    done = subprocess.run(
        manage_py("seed_demo", "--accounts-only"),
        env=running.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = done.stdout.strip().splitlines()[-1:] or ["no reason given"]
        raise Refusal(
            f"The demonstration's accounts could not be made ({describe_exit(done.returncode)}): {last[0]}"
        )


def print_accounts() -> None:
    """The table of accounts."""
    say("")
    say(f"Demonstration accounts, password {PASSWORD}:")
    for name, who in ACCOUNTS:
        say(f"  {name:<15}{who}")
    say("")


def load(running: "Supervisor") -> None:
    """Load patients and documents beside the running site; it prints its progress. A killed load goes on next time."""
    if running.folder.demo_state == "loaded":
        return
    seeder = Child(
        name="The demonstration's loading",
        command=manage_py("seed_demo", "--if-empty"),
        environment=running.variables,
        folder=running.folder.path,
        log=None,
    )
    seeder.start()
    running.helpers.append(seeder)


def has_ended(seeder: Child, running: "Supervisor") -> bool:
    """Whether the loading is over; remembers and tells how it went."""
    if seeder.alive:
        return False
    if seeder.process is not None and seeder.process.returncode == 0:
        running.folder.mark_demo("loaded")
        say("The demonstration hospital is loaded.")
    else:
        say(f"{seeder.name} failed ({describe_exit_of(seeder)}); the next start tries again.")
    return True


def ask_for_administrator(running: "Supervisor") -> None:
    """The first account of an empty Chartroom: asked for at a terminal, else the command is printed."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        say("Chartroom is empty. Make the first administrator now (or press Enter to do it later).")
        name = _answer("Username: ")
        if name:
            command = manage_py("create_user", name, "--role", "administrator")
            if subprocess.run(command, env=running.variables, check=False).returncode == 0:
                return
    say("Chartroom is empty and nobody can sign in yet. Make the first administrator with:")
    data = shlex.quote(str(running.folder.path))
    say(f"  ./chartroom manage --data {data} create_user NAME --role administrator")


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""
