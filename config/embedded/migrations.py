"""Whether the database needs migrating, answered without loading Django.

The fingerprint covers every migration file of ours and the versions of all packages. It lies inside the database's
own folder, so a restored or replaced database never meets the fingerprint of another.
"""

import contextlib
import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from config.embedded.environment import ROOT
from config.embedded.folder import Folder
from config.embedded.refusal import Refusal

ROOMS = ("common", "audit", "accounts", "patients", "records", "interop", "demo")


def fingerprint() -> str:
    """A hash that changes whenever `migrate` might have something to do."""
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    # The guards and roles that migrations call upon, and the list of apps, count as well.
    files = [ROOT / "config" / "settings.py", ROOT / "audit" / "guards.py"]
    for room in ROOMS:
        files += (ROOT / room).rglob("migrations/*.py")
        files += (ROOT / room).rglob("apps.py")
    for path in sorted(path for path in files if path.exists()):
        digest.update(str(path.relative_to(ROOT)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _note(folder: Folder) -> Path:
    return folder.postgres / "chartroom.migrated"


def is_migrated(folder: Folder) -> bool:
    """Whether this very set of migrations has run on this very database."""
    try:
        return _note(folder).read_text() == fingerprint()
    except OSError:
        return False


def forget_fingerprint(folder: Folder) -> None:
    """Somebody may change the tables by hand: look again at the next start."""
    with contextlib.suppress(OSError):
        _note(folder).unlink(missing_ok=True)


def migrate(command: list[str], variables: dict[str, str], log: Path, pause: Callable[[float], None]) -> None:
    """Run the migrations as the owner of the tables. Raises Refusal with their last words when they fail.

    `pause` waits a little and raises when somebody asked us to stop: the migration then rolls back.
    """
    with log.open("ab") as output:
        start = output.tell()
        process = subprocess.Popen(
            command,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            while process.poll() is None:
                pause(0.2)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode:
        with log.open("rb") as written:
            written.seek(start)
            lines = [line for line in written.read().decode(errors="replace").splitlines() if line.strip()]
        last = re.sub(r"\s+", " ", lines[-1]) if lines else "it gave no reason"
        raise Refusal(f"The database could not be brought up to date: {last} ({log})")


def remember(folder: Folder) -> None:
    """Note that the migrations have run."""
    _note(folder).write_text(fingerprint())
