"""One running set of servers on one data folder: what `up`, `manage` and `test` have in common."""

import contextlib
import os
import time
from pathlib import Path

from config.embedded import environment, sockets, valkey
from config.embedded.children import Bell, Child, describe_exit
from config.embedded.environment import ROOT
from config.embedded.folder import Folder
from config.embedded.postgres import Postgres, explain
from config.embedded.refusal import Refusal


def say(text: str) -> None:
    """A line on the terminal, at once. A terminal that is gone stops nothing."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


class Stopped(Exception):
    """Somebody asked us to stop while we were still starting."""


class Instance:
    """The servers of a data folder, and the environment in which Django finds them.

    `DATABASE_URL` and `REDIS_URL` of the caller, where `outside_servers` allows, take the place of our own.
    """

    def __init__(self, folder: Folder, bell: Bell, *, throwaway: bool = False) -> None:
        self.folder = folder
        self.bell = bell
        self.throwaway = throwaway
        self.own_database = throwaway or not os.environ.get("DATABASE_URL")
        self.own_valkey = throwaway or not os.environ.get("REDIS_URL")
        self.postgres: Postgres | None = None
        self.children: list[Child] = []
        self.sockets: sockets.Sockets | None = None
        self.note = folder.run / "sockets"

    # -- Starting ---------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make keys, database cluster and socket folder where they are missing."""
        if not os.environ.get("CHARTROOM_STORAGE") or self.throwaway:
            self.folder.files.mkdir(mode=0o700, exist_ok=True)
        self.folder.make_keys()
        if self.own_database:
            self.postgres = Postgres(self.folder.postgres, self.folder.logs, throwaway=self.throwaway)
            self.postgres.make(
                owner_password=self.folder.key("postgres_owner"), app_password=self.folder.key("postgres_app")
            )
        self.sockets = sockets.make(self.note, self.postgres.account if self.postgres else None)

    def start_postgres(self) -> None:
        """Start our PostgreSQL and wait until it accepts connections, however long its recovery takes."""
        if self.postgres is None or self.sockets is None:
            return
        self._wait_for_left_over(self.postgres)
        child = self.postgres.child(self.sockets.postgres)
        self._start(child)
        told = time.monotonic() + 5
        while not self.postgres.is_ready(child):
            self.pause(0.05)
            if not child.alive:
                raise Refusal(explain(tail(child.log), self.postgres.log))
            if time.monotonic() > told:
                say("PostgreSQL is recovering from an unorderly end; this can take a while …")
                told = time.monotonic() + 30

    def start_valkey(self) -> None:
        """Start our Valkey and wait until it answers."""
        if not self.own_valkey or self.sockets is None:
            return
        child = valkey.child(self.folder.valkey, self.folder.logs, self.sockets.valkey)
        self._start(child)
        renewed = False
        while not valkey.is_ready(self.sockets.valkey):
            self.pause(0.02)
            if child.alive:
                continue
            last = tail(child.log)
            if renewed or ("AOF" not in last and "append only file" not in last.lower()):
                raise Refusal(
                    f"Valkey did not start ({describe_exit_of(child)}): {last_line(last)} ({child.log})"
                )
            aside = valkey.set_aside(self.folder.valkey)
            say(
                f"Valkey's queue could not be read and lies in {aside} now; the jobs themselves are in the database."
            )
            renewed = True
            child.start()

    def _start(self, child: Child) -> None:
        child.start()
        self.children.append(child)

    def _wait_for_left_over(self, postgres: Postgres) -> None:
        """A server whose supervisor was killed is still shutting down: two on one folder would ruin it."""
        deadline = time.monotonic() + 90
        while (pid := postgres.server_left_over()) is not None:
            if time.monotonic() > deadline:
                raise Refusal(
                    f"A PostgreSQL of an earlier start (process {pid}) still runs on {postgres.database}; "
                    f"end it with 'kill -INT {pid}' and start again."
                )
            self.pause(0.1)

    def pause(self, seconds: float) -> None:
        """Wait a little. Raises Stopped when somebody pressed Ctrl-C meanwhile."""
        self.bell.wait(seconds)
        if self.bell.stop_asked:
            raise Stopped

    # -- What Django sees -------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """The environment for Django's processes, for our own servers or those the caller named."""
        variables = environment.for_python()
        own = django_variables(
            self.folder, self.sockets, own_database=self.own_database, own_valkey=self.own_valkey
        )
        if self.throwaway:
            for name in [name for name in variables if name.startswith("CHARTROOM_")]:
                if name not in {"CHARTROOM_SHOTS", "CHARTROOM_CHROMIUM"}:
                    del variables[name]
            variables |= own
        else:
            for name, value in own.items():
                if name not in variables or name == "CHARTROOM_DATA":
                    variables[name] = value
        return variables

    # -- Stopping ---------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop in the opposite order of starting."""
        for child in reversed(self.children):
            child.stop(self.bell)
        self.children.clear()
        if self.sockets:  # those in the note are ours only when we made them
            sockets.forget(self.note)


def django_variables(
    folder: Folder, places: sockets.Sockets | None, *, own_database: bool, own_valkey: bool
) -> dict[str, str]:
    """The variables that config/settings.py reads, for a data folder and its own servers."""
    variables = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "CHARTROOM_DATA": str(folder.path),
        "CHARTROOM_STORAGE": str(folder.files),
        "CHARTROOM_SECURE": "0",
    }
    if not os.environ.get("CHARTROOM_SECRET_KEY"):
        variables["CHARTROOM_SECRET_KEY_FILE"] = str(folder.keys / "secret_key")
    if not os.environ.get("CHARTROOM_MASTER_KEYS"):
        variables["CHARTROOM_MASTER_KEYS_FILE"] = str(folder.keys / "master_keys")
    if not os.environ.get("CHARTROOM_SEAL_KEYS"):
        variables["CHARTROOM_SEAL_KEYS_FILE"] = str(folder.keys / "seal_keys")
    if own_database and places:
        for name, role in (("DATABASE_URL", "app"), ("DATABASE_OWNER_URL", "owner")):
            password = folder.key(f"postgres_{role}")
            variables[name] = environment.postgres_url(f"chartroom_{role}", password, places.postgres)
    if own_valkey and places:
        variables["REDIS_URL"] = environment.valkey_url(places.valkey)
    return variables


def manage_py(*arguments: str) -> list[str]:
    """The command line of a management command."""
    return [str(ROOT / ".venv" / "bin" / "python"), str(ROOT / "manage.py"), *arguments]


def tail(log: Path | None, size: int = 4000) -> str:
    """The end of a log."""
    if log is None or not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode(errors="replace")


def last_line(text: str) -> str:
    """The last line that says anything."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it gave no reason"


def describe_exit_of(child: Child) -> str:
    """How a child ended, in words."""
    return describe_exit(child.process.returncode if child.process else None)
