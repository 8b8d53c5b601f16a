"""One HTTP call to a server of somebody else's: how long it may take and how much it may answer is bounded."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from common.syslog import one_line

CONNECT_SECONDS = 5
ANSWER_SECONDS = 20
MOST_ANSWER_BYTES = 4_000_000


class NoAnswer(Exception):
    """The server gave no answer that can be read; the sentence says why."""


@dataclass(frozen=True)
class Answer:
    """What the server said. A redirect is an answer like any other: nobody follows it."""

    status: int
    reason: str  # one line, short
    body: bytes

    @property
    def is_success(self) -> bool:
        """It was done."""
        return 200 <= self.status < 300


def call(
    url: str,
    method: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    tls: ssl.SSLContext | None = None,
    most_bytes: int = MOST_ANSWER_BYTES,
) -> Answer:
    """Call `https://` (trusting whom `tls` trusts) or `http://` once. Raises NoAnswer, OSError."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=CONNECT_SECONDS, context=tls)
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=CONNECT_SECONDS)
    try:
        connection.connect()
        with _ended_after(connection.sock, ANSWER_SECONDS) as is_over:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            try:
                connection.request(method, target, body, dict(headers))
                answer = connection.getresponse()
                data = answer.read(most_bytes + 1)
            except (http.client.HTTPException, OSError) as error:
                if is_over.is_set():
                    raise TimeoutError("The answer took too long.") from error
                raise
        if is_over.is_set():
            raise TimeoutError("The answer took too long.")
    except http.client.HTTPException as error:
        raise NoAnswer(f"The answer was no HTTP ({type(error).__name__}).") from error
    finally:
        connection.close()
    if len(data) > most_bytes:
        raise NoAnswer("The answer is too long.")
    return Answer(answer.status, one_line(answer.reason or "")[:60], data)


@contextmanager
def _ended_after(sock: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Whatever the server does, a byte now and then included, the connection ends after so many seconds."""
    sock.settimeout(seconds)
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        with suppress(OSError):  # the server may have gone first
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    clock = threading.Timer(seconds, end)
    clock.daemon = True
    clock.start()
    try:
        yield is_over
    finally:
        clock.cancel()
