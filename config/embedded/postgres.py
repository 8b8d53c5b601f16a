"""Our own PostgreSQL: made once, started as a child, reached over a Unix socket by two roles.

`chartroom_owner` owns the tables and migrates; `chartroom_app` is what the application runs as. The superuser is
used once, offline, to make them, and cannot sign in. The server is told that its data is `/proc/self/cwd`, the
folder it is started in: so the path to it may be long, hold spaces, or be closed to the server's account.
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from config.embedded.account import Account, for_postgres, postgres_programs
from config.embedded.children import Child
from config.embedded.refusal import Refusal

HERE = "/proc/self/cwd"
# DETAIL and CONTEXT lines, and statements, can hold a patient's data: none of them reaches the log.
QUIET_LOG = {
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "48MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "io_method": "sync",
    "jit": "off",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "autovacuum_max_workers": "2",
    "autovacuum_worker_slots": "2",
    "max_wal_size": "512MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    **QUIET_LOG,
}
# A database that is thrown away needs no protection from a power cut.
THROWAWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "150",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
}
HBA = "# Written by Chartroom: nobody but its two roles, over the Unix socket, with a password.\n" + "".join(
    f"local all {role} scram-sha-256\n" for role in ("chartroom_owner", "chartroom_app")
)


class Postgres:
    """The database server of one data folder."""

    def __init__(self, database: Path, logs: Path, *, throwaway: bool = False) -> None:
        self.database = database
        self.log = logs / "postgres.log"
        self.throwaway = throwaway
        self.account: Account | None = for_postgres(database)
        self.programs = postgres_programs(self.account)

    # -- Making it --------------------------------------------------------------------------------------------

    def make(self, *, owner_password: str, app_password: str) -> None:
        """Make the database cluster, its roles and the database `chartroom`, where there is none.

        All of it happens in a folder beside, renamed at the end: a kill in the middle leaves nothing half-made.
        """
        if self.database.exists():
            return
        scratch = self.database.with_name(self.database.name + ".new")
        if scratch.exists():
            shutil.rmtree(scratch)
        scratch.mkdir(mode=0o700)
        if self.account:
            os.chown(scratch, self.account.uid, self.account.gid)
        initdb = [
            *(str(self.programs / "initdb"), "-D", HERE, "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions", "--set=jit=off"),
        ]
        if self.throwaway:
            initdb.append("--no-sync")
        self._run(initdb, scratch, "")
        createdb = "CREATEDB" if self.throwaway else "NOCREATEDB"
        single = [str(self.programs / "postgres"), "--single", "-D", HERE, "postgres"]
        self._run(
            single,
            scratch,
            f"CREATE ROLE chartroom_owner LOGIN {createdb} PASSWORD '{owner_password}'\n"
            f"CREATE ROLE chartroom_app LOGIN PASSWORD '{app_password}'\n"
            "CREATE DATABASE chartroom OWNER chartroom_owner\n"
            "REVOKE ALL ON DATABASE chartroom FROM PUBLIC\n"
            "GRANT CONNECT ON DATABASE chartroom TO chartroom_app\n"
            "ALTER ROLE postgres NOLOGIN\n",
        )
        (scratch / "pg_hba.conf").write_text(HBA)
        scratch.rename(self.database)

    def _run(self, command: list[str], folder: Path, text_in: str) -> None:
        done = subprocess.run(
            command,
            input=text_in,
            cwd=folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=self.account.uid if self.account else None,
            group=self.account.gid if self.account else None,
            extra_groups=[] if self.account else None,
            check=False,
        )
        trouble = [
            line
            for line in done.stdout.splitlines()
            if "ERROR:" in line or "FATAL:" in line or "rror:" in line
        ]
        if done.returncode or trouble:
            with self.log.open("a") as log:
                log.write(done.stdout)
            shutil.rmtree(folder, ignore_errors=True)
            raise Refusal(explain(done.stdout, self.log))

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}

    # -- Running it -------------------------------------------------------------------------------------------

    def child(self, sockets: Path) -> Child:
        """The server as a child to start: SIGINT is PostgreSQL's fast, orderly shutdown."""
        settings = (
            SETTINGS | {"unix_socket_directories": str(sockets)} | (THROWAWAY if self.throwaway else {})
        )
        command = [str(self.programs / "postgres"), "-D", HERE]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return Child(
            name="PostgreSQL",
            command=command,
            environment=self._environment(),
            folder=self.database,
            log=self.log,
            stop_signal=signal.SIGINT,
            stop_seconds=60,
            death_signal=signal.SIGINT,
            account=self.account,
        )

    def is_ready(self, child: Child) -> bool:
        """Whether `child` accepts connections: it writes so into line 8 of its pid file."""
        try:
            lines = (self.database / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return (
            child.process is not None
            and len(lines) >= 8
            and lines[0] == str(child.process.pid)
            and lines[7].strip() == "ready"
        )

    def server_left_over(self) -> int | None:
        """The process number of a server that still runs on this database, left by a supervisor that was killed.

        A pid file whose number belongs to somebody else by now is removed: PostgreSQL would believe it.
        """
        pid_file = self.database / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        try:
            same = Path(f"/proc/{pid}/cwd").samefile(self.database)
        except OSError:
            same = False
        if same:
            return pid
        pid_file.unlink(missing_ok=True)
        return None


def explain(output: str, log: Path) -> str:
    """One sentence for what PostgreSQL or initdb wrote when it failed."""
    if "No space left on device" in output:
        return "There is no space left on the disk of the data folder; free some and start again."
    lines = [line for line in output.splitlines() if "FATAL" in line or "PANIC" in line or "rror:" in line]
    last = lines[-1].strip() if lines else "no reason given"
    return f"PostgreSQL did not start: {last} ({log})"
