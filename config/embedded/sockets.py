"""The short folder for Unix sockets.

A socket's path may have 107 bytes at most, and a data folder's path may be longer: so the sockets lie in a folder
with a random name in a place with a short one, and the data folder remembers which.
"""

import os
import shutil
import tempfile
from pathlib import Path

from config.embedded.account import Account
from config.embedded.refusal import Refusal

PREFIX = "chartroom-"
LONGEST_PARENT = 60


class Sockets:
    """`postgres/` is the database server's own; `valkey/` is ours. Nobody else may enter either."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.postgres = home / "postgres"
        self.valkey = home / "valkey" / "valkey.sock"


def make(note: Path, account: Account | None) -> Sockets:
    """A new socket folder, noted in the file `note`; what an earlier run left behind is removed."""
    forget(note)
    for parent in _places():
        try:
            home = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        except OSError:
            continue
        note.write_text(f"{home}\n")
        sockets = Sockets(home)
        sockets.postgres.mkdir(mode=0o700)
        sockets.valkey.parent.mkdir(mode=0o700)
        if account:
            home.chmod(0o711)
            os.chown(sockets.postgres, account.uid, account.gid)
        return sockets
    raise Refusal(
        "Chartroom found no place for its sockets: neither XDG_RUNTIME_DIR, /run nor /tmp can be written."
    )


def noted(note: Path) -> Sockets | None:
    """The socket folder of the instance that runs now."""
    try:
        return Sockets(Path(note.read_text().strip()))
    except OSError:
        return None


def forget(note: Path) -> None:
    """Remove the noted socket folder, if it is one and ours."""
    sockets = noted(note)
    if sockets and _is_ours(sockets.home):
        shutil.rmtree(sockets.home, ignore_errors=True)
    note.unlink(missing_ok=True)


def _is_ours(home: Path) -> bool:
    return (
        home.name.startswith(PREFIX)
        and home.is_dir()
        and not home.is_symlink()
        and home.stat().st_uid == os.geteuid()
    )


def _places() -> list[Path]:
    places = [Path(os.environ["XDG_RUNTIME_DIR"])] if os.environ.get("XDG_RUNTIME_DIR") else []
    if os.geteuid() == 0:
        places.append(Path("/run"))
    places += [Path("/tmp"), Path("/var/tmp")]  # noqa: S108  (mkdtemp makes a closed folder of our own in it)
    return [place for place in places if place.is_dir() and len(os.fsencode(place)) <= LONGEST_PARENT]
