"""The provider of `oidc_provider`, started as a process of its own."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class Theirs:
    """The provider, from outside."""

    def __init__(self, process: Any) -> None:
        self.process = process
        self.issuer = process.stdout.readline().strip()

    def tell(self, **told: Any) -> None:
        """How it answers from now on."""
        body = json.dumps({"sub": "s-1", **told}).encode()
        request = urllib.request.Request(self.issuer, body, method="PUT")  # noqa: S310  (our own process)
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


@contextmanager
def running_provider() -> Iterator[Theirs]:
    """It answers until the block ends."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.accounts.oidc_provider"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        yield Theirs(running)
        running.communicate()
