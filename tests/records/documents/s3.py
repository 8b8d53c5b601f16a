"""A real S3 server on this machine (moto's), for tests of the vault."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.documents.bucket import BucketShelf, Server


@dataclass(frozen=True)
class Bucket:
    """A bucket of its own for one test."""

    endpoint: str
    name: str

    def server(self, **changed: str) -> Server:
        """How to reach it, and with which keys."""
        given = {
            "bucket": self.name,
            "prefix": "chartroom/files",
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "access_key": "AKIATEST",
            "secret_key": "secret",
        }
        return Server(**{**given, **changed})

    def shelf(self, incoming: Path, **changed: str) -> BucketShelf:
        """A shelf there."""
        return BucketShelf(self.server(**changed), incoming)

    @property
    def client(self) -> Any:
        """For looking at the bucket from outside."""
        return self.server().client(patience=(2, 10, 1))


SERVE = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.disable(logging.CRITICAL)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(*server.get_host_and_port(), flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def running(**variables: str) -> Iterator[str]:
    """The address of a server in a process of its own, which ends with us, whatever becomes of us."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **variables},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        host, port = process.stdout.readline().split()
        yield f"http://{host}:{port}"
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
