"""The data folder: what lies in it, who may use it, and the keys made for it once.

postgres/ valkey/ files/ keys/ logs/ run/   all closed to other accounts (0700)
VERSION   the Chartroom that last migrated it; an older program refuses it
lock      held by the one supervisor (or `manage`) that works on it
demo      only where the demonstration hospital lives: 'wanted', then 'loaded'
"""

import base64
import errno
import fcntl
import os
import pwd
import secrets
import shutil
from pathlib import Path
from typing import IO

from config.embedded.environment import program_version
from config.embedded.refusal import Refusal

ROOMS = ("keys", "logs", "run")
LEAST_FREE_MB = 500
KEYS = ("secret_key", "master_keys", "seal_keys", "postgres_owner", "postgres_app")


class Folder:
    """One data folder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()
        self.postgres = self.path / "postgres"
        self.valkey = self.path / "valkey"
        self.files = self.path / "files"
        self.keys = self.path / "keys"
        self.logs = self.path / "logs"
        self.run = self.path / "run"
        self.version = self.path / "VERSION"
        self.demo = self.path / "demo"
        self._lock: IO[str] | None = None

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever kept in it."""
        return not (self.version.exists() or self.postgres.exists() or self.keys.exists())

    def open(self) -> None:
        """Make what is missing of the folder, take its lock and check that this program may use it.

        Raises Refusal: not ours, not writable, no space, in use, or written by a newer Chartroom.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._check_owner()
            self._take_lock()
            self._check_content()
            self._check_space()
            self._check_version()
            self.path.chmod(0o700)
            for room in ROOMS:
                (self.path / room).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise self.trouble(error) from error

    def trouble(self, error: OSError) -> Refusal:
        """The sentence for an error of the operating system on this folder."""
        where = error.filename or self.path
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return Refusal(f"There is no space left on the disk of {self.path}; free some and start again.")
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            return Refusal(f"Chartroom may not write {where}; choose another data folder with --data.")
        if error.errno in {errno.ENOTDIR, errno.EEXIST}:
            return Refusal(f"{where} is not a folder; choose another data folder with --data.")
        return Refusal(f"The data folder {self.path} cannot be used: {error.strerror or error}.")

    def _check_owner(self) -> None:
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise Refusal(
                f"The data folder {self.path} belongs to {_name(owner)}, and you are {_name(os.geteuid())}; "
                "start Chartroom as its owner or choose another with --data."
            )

    def _check_content(self) -> None:
        """Refuse to settle in a folder that holds somebody's other files."""
        known = {"postgres", "valkey", "files", "VERSION", "lock", "demo", "lost+found", *ROOMS}
        strangers = [
            entry.name
            for entry in self.path.iterdir()
            if entry.name not in known and not entry.name.startswith((".", "valkey.", "postgres."))
        ]
        if self.is_new and strangers:
            raise Refusal(
                f"The folder {self.path} holds other files ({sorted(strangers)[0]!r}); give Chartroom an empty or "
                "a new one with --data."
            )

    def _check_space(self) -> None:
        free = shutil.disk_usage(self.path).free // 1_000_000
        if free < LEAST_FREE_MB:
            raise Refusal(
                f"The disk of {self.path} has {free} MB free, and Chartroom wants {LEAST_FREE_MB} MB to start safely; "
                "free some space."
            )

    def _check_version(self) -> None:
        """Raise when a newer Chartroom wrote this folder: an older one could damage it."""
        if not self.version.exists():
            return
        written, ours = self.version.read_text().strip(), program_version()
        if _parts(written) > _parts(ours):
            raise Refusal(
                f"The data folder {self.path} was written by Chartroom {written}, and this is the older {ours}; "
                "start the newer program."
            )

    def _take_lock(self) -> None:
        self._lock = (self.path / "lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(
                f"Another Chartroom is using the data folder {self.path}; stop it, or choose another with --data."
            ) from error

    def in_use(self) -> bool:
        """Whether another process holds the lock of this folder."""
        try:
            with (self.path / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False

    def close(self) -> None:
        """Let go of the lock."""
        if self._lock:
            self._lock.close()
            self._lock = None

    def write_version(self) -> None:
        """Say that this program's data is in it from now on."""
        self._write(self.version, program_version() + "\n")

    # -- Keys -------------------------------------------------------------------------------------------------

    def key(self, name: str) -> str:
        """One secret of this folder."""
        return (self.keys / name).read_text().strip()

    def make_keys(self) -> None:
        """Make the folder's secrets, at its first start only.

        Raises Refusal when the folder holds data and lacks a key: a new one could not open the old files.
        """
        missing = [name for name in KEYS if not (self.keys / name).exists()]
        if missing and self._has_data():
            raise Refusal(
                f"The data folder {self.path} holds data, but its key {self.keys / missing[0]} is gone; put the key "
                "back from your backup, for without it the files cannot be opened."
            )
        for name in missing:
            self._write(self.keys / name, _new_key(name) + "\n")

    def _has_data(self) -> bool:
        return (
            self.version.exists()
            or self.postgres.exists()
            or (self.files.is_dir() and any(self.files.iterdir()))
        )

    def _write(self, path: Path, text: str) -> None:
        """Write all of it or nothing, for its owner alone, and onto the disk before we go on."""
        scratch = path.with_name(f".{path.name}.new")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)

    def mark_demo(self, state: str) -> None:
        """Remember that the demonstration hospital belongs in here ('wanted') or is in ('loaded')."""
        self._write(self.demo, state + "\n")

    @property
    def demo_state(self) -> str:
        """'wanted', 'loaded', or '' where there is no demonstration."""
        return self.demo.read_text().strip() if self.demo.exists() else ""


def _new_key(name: str) -> str:
    if name in {"master_keys", "seal_keys"}:
        return f"{name[0]}{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"
    return secrets.token_urlsafe(48)


def _parts(text: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdecimal() else 0 for part in text.split("."))


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user number {uid}"
