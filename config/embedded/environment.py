"""The environment variables that the programs we start see."""

import os
import tomllib
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent.parent
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def program_version() -> str:
    """The version that pyproject.toml states."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def for_python() -> dict[str, str]:
    """Our own environment, with this checkout and nothing else of the user's on Python's path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    environment["PYTHONPATH"] = str(ROOT)
    return environment


def postgres_url(role: str, password: str, sockets: Path) -> str:
    """The URL of our own database over its Unix socket."""
    return f"postgresql://{role}:{quote(password, safe='')}@/chartroom?host={quote(str(sockets), safe='/')}"


def valkey_url(socket: Path) -> str:
    """The URL of our own Valkey over its Unix socket."""
    return f"unix://{quote(str(socket), safe='/')}?db=0"
