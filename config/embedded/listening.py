"""The address we listen on. The supervisor holds the socket, so that a restart of the web server refuses nobody."""

import errno
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from config.embedded.environment import LOOPBACK
from config.embedded.refusal import Refusal

ANY = {"0.0.0.0", "::"}  # noqa: S104  (compared with, not listened on)


@contextmanager
def on(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises Refusal: the port is in use, the address is not ours, the port needs root."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise Refusal(
            f"'{host}' is no address of this machine; give --host an address to listen on."
        ) from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(512)
        yield listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Refusal(
                f"Port {port} on {host} is in use by another program; choose another with --port."
            ) from error
        if error.errno == errno.EADDRNOTAVAIL:
            raise Refusal(f"'{host}' is no address of this machine; give --host one that is.") from error
        if error.errno == errno.EACCES:
            raise Refusal(
                f"Port {port} may only be used by root; choose one above 1023 with --port."
            ) from error
        raise
    finally:
        listener.close()


def address(listener: socket.socket, host: str) -> str:
    """The URL to print."""
    port = listener.getsockname()[1]
    name = socket.gethostname() if host in ANY else host
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def reachable(listener: socket.socket) -> tuple[str, int]:
    """Where we ourselves reach the web server."""
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104


def get(listener: socket.socket, path: str, *, host: str) -> tuple[int | None, str]:
    """Status and body of a GET from the web server on `listener`; None and the trouble when it does not answer.

    By hand, because http.client would bring 6 MB of TLS into a process that stays.
    """
    question = f"GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    answer = b""
    try:
        with socket.create_connection(reachable(listener), timeout=3) as line:
            line.sendall(question.encode())
            while len(answer) < 100_000 and (part := line.recv(8192)):
                answer += part
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body.decode(errors="replace")
    except OSError as error:
        return None, str(error)
    except (IndexError, ValueError):
        return None, "it answered nothing that is HTTP"


def names(host: str) -> list[str]:
    """The host names that requests may carry: CHARTROOM_ALLOWED_HOSTS, where it is not set."""
    own = ["127.0.0.1", "localhost", "[::1]"]
    if host in LOOPBACK:
        return own
    if host in ANY:
        return [*own, socket.gethostname(), socket.getfqdn()]
    return [*own, f"[{host}]" if ":" in host else host]
