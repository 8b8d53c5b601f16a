"""`./chartroom up`: everything started in order, watched, and stopped in order."""

import argparse
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from config.embedded import demonstration, elastic, listening, migrations
from config.embedded.children import Bell, Child
from config.embedded.environment import LOOPBACK, ROOT
from config.embedded.folder import Folder
from config.embedded.instance import Instance, Stopped, describe_exit_of, last_line, manage_py, say, tail
from config.embedded.refusal import Refusal

READY_SECONDS = 120
LARGEST_LOG = 20_000_000


def up(options: argparse.Namespace) -> int:
    """Start Chartroom and stay until somebody stops it. Returns the exit code; raises Refusal."""
    started = time.monotonic()
    bell = Bell()
    with listening.on(options.host, options.port) as listener:
        folder = Folder(options.data)
        demo = demonstration.wanted(folder, no_demo=options.no_demo, host=options.host)
        is_new = folder.is_new
        running = Supervisor(folder, bell, listener, host=options.host, demo=demo)
        try:
            folder.open()
            demonstration.settle(folder, wanted=demo)
            running.start()
            running.announce(time.monotonic() - started)
            if demo:
                demonstration.load(running)
            elif is_new and running.instance.own_database:
                demonstration.ask_for_administrator(running)
            running.watch()
        except Stopped:
            pass
        except OSError as error:
            raise folder.trouble(error) from error
        finally:
            running.stop()
            folder.close()
    return 0


class Supervisor:
    """The servers of an instance, and web and worker on top of them."""

    def __init__(self, folder: Folder, bell: Bell, listener: socket.socket, *, host: str, demo: bool) -> None:
        self.folder = folder
        self.bell = bell
        self.listener = listener
        self.host = host
        self.demo = demo
        self.instance = Instance(folder, bell)
        self.variables: dict[str, str] = {}
        self.helpers: list[Child] = []
        self.elastic: elastic.Elastic | None = None
        self.started = False

    @classmethod
    @contextmanager
    def throwaway(cls) -> Iterator[Self]:
        """A whole instance of its own, empty, on a free port, for a benchmark; gone afterwards."""
        bell = Bell()
        with (
            tempfile.TemporaryDirectory(prefix="chartroom-bench-") as home,
            listening.on("127.0.0.1", 0) as listener,
        ):
            folder = Folder(Path(home) / "data")
            running = cls(folder, bell, listener, host="127.0.0.1", demo=True)
            try:
                folder.open()
                running.start()
                yield running
            finally:
                running.stop()
                folder.close()

    @property
    def address(self) -> str:
        """Where the browser finds us."""
        return listening.address(self.listener, self.host)

    # -- Starting ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Servers, migrations, web and worker, in this order; returns when /readyz says yes."""
        if self.instance.own_database and not self.folder.postgres.exists():
            say("Making a new data folder …")
        self.instance.prepare()
        self.instance.start_postgres()
        self.instance.start_valkey()
        self.variables = self.instance.environment()
        self.variables |= {
            "CHARTROOM_DEMO": "1" if self.demo else "0",
            "CHARTROOM_RUN": str(self.folder.run),
            "CHARTROOM_URL": self.address,
        }
        if self.host not in LOOPBACK:
            self.variables["CHARTROOM_SECURE"] = os.environ.get("CHARTROOM_SECURE", "1")
        self.variables.setdefault("CHARTROOM_ALLOWED_HOSTS", " ".join(listening.names(self.host)))
        self._migrate()
        if not elastic.fixed_by_operator():
            self.variables["CHARTROOM_WEB_WORKERS"] = "1"
        if self.demo:
            demonstration.make_accounts(self)
        web, worker = self._web(), self._worker()
        if not elastic.fixed_by_operator():
            self.elastic = elastic.Elastic(web, most=elastic.most_workers())
        for child in (worker, web):
            child.start()
            self.instance.children.append(child)
        self._wait_until_ready(web, worker)
        self.started = True

    def _migrate(self) -> None:
        own = self.instance.own_database
        if own and migrations.is_migrated(self.folder):
            return
        say("Bringing the database up to date …")
        command = manage_py("migrate", "--database", "owner", "--no-input", "--verbosity", "1")
        migrations.migrate(command, self.variables, self.folder.logs / "migrate.log", self.instance.pause)
        if own:
            migrations.remember(self.folder)
        self.folder.write_version()

    def _web(self) -> Child:
        python = str(ROOT / ".venv" / "bin" / "python")
        settings = ["--config", str(ROOT / "deploy" / "gunicorn.conf.py"), "--chdir", str(ROOT)]
        bind = ["--bind", f"fd://{self.listener.fileno()}"]
        return Child(
            name="Web",
            command=[python, "-m", "gunicorn", *settings, *bind, "config.wsgi:application"],
            environment=self.variables,
            folder=ROOT,
            log=self.folder.logs / "web.log",
            stop_seconds=25,
            death_signal=signal.SIGTERM,
            pass_fds=(self.listener.fileno(),),
        )

    def _worker(self) -> Child:
        python = str(ROOT / ".venv" / "bin" / "python")
        pool = ["-P", "threads", "-c", "4", "--loglevel", "WARNING"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        return Child(
            name="Worker",
            command=[python, "-m", "celery", "-A", "config.embedded.worker", "worker", *pool, *quiet],
            environment=self.variables,
            folder=ROOT,
            log=self.folder.logs / "worker.log",
            stop_seconds=60,
        )

    def _wait_until_ready(self, web: Child, worker: Child) -> None:
        deadline = time.monotonic() + READY_SECONDS
        answer = ""
        while True:
            ready, answer = self._ask_ready()
            if ready:
                return
            self.instance.pause(0.1)
            for child in (web, worker):
                if not child.alive:
                    words = last_line(tail(child.log))
                    raise Refusal(
                        f"{child.name} did not start ({describe_exit_of(child)}): {words} ({child.log})"
                    )
            if time.monotonic() > deadline:
                raise Refusal(
                    f"Chartroom was not ready after {READY_SECONDS} s: {answer} ({self.folder.logs})"
                )

    def _ask_ready(self) -> tuple[bool, str]:
        """What /readyz says: whether it is 200, and its words."""
        names = self.variables["CHARTROOM_ALLOWED_HOSTS"].replace(",", " ").split()
        name = "127.0.0.1" if "127.0.0.1" in names or "*" in names else names[0].lstrip(".")
        status, text = listening.get(self.listener, "/readyz", host=name)
        if status is None:
            return False, f"/readyz does not answer ({text})"
        return status == 200, f"/readyz answers {status} {last_line(text)}"

    def announce(self, seconds: float) -> None:
        """Print the address and what to do next."""
        (self.folder.run / "address").write_text(self.address + "\n")
        say("")
        say(f"Chartroom is ready at {self.address}   (after {seconds:.1f} s)")
        say(f"Data folder: {self.folder.path}")
        if os.geteuid() == 0:
            say("You are root: for a hospital's real data, run Chartroom as an account of its own.")
        if self.demo:
            demonstration.print_accounts()
        say("Ctrl-C stops it.")

    # -- Running and stopping ---------------------------------------------------------------------------------

    def watch(self) -> None:
        """Start again what ends, keep the logs small, until somebody asks us to stop."""
        logs_at = time.monotonic() + 60
        while not self.bell.stop_asked:
            self.bell.wait(1.0)
            if self.bell.stop_asked:
                return
            for child in self.instance.children:
                if told := child.keep_up():
                    say(told)
            if self.elastic:
                self.elastic.look()
            self.helpers = [helper for helper in self.helpers if not demonstration.has_ended(helper, self)]
            if time.monotonic() > logs_at:
                logs_at = time.monotonic() + 60
                self._trim_logs()

    def _trim_logs(self) -> None:
        """Keep the last log and one before it. The children append, so a log cut to nothing goes on growing well."""
        for log in self.folder.logs.glob("*.log"):
            if log.stat().st_size > LARGEST_LOG:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def stop(self) -> None:
        """Stop in order: web, worker, Valkey, PostgreSQL."""
        if self.started:
            say("Stopping …")
        self.listener.close()
        for helper in self.helpers:
            helper.stop(self.bell, seconds=5)
        self.instance.stop()
        if self.started:
            (self.folder.run / "address").unlink(missing_ok=True)
            say("Chartroom has stopped.")
