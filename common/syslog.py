"""Messages to a syslog server: RFC 5424 form, over TLS (RFC 5425) or plain TCP, each with its length in front."""

import contextlib
import os
import selectors
import socket
import ssl
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import urlsplit

SECONDS = 10
FIRST_WORD_SECONDS = 2
FACILITY_AUDIT = 10  # "security/authorization messages", private; ATNA's choice
NOTICE = 5
TLS_PORT, TCP_PORT = 6514, 601


def one_line(text: str) -> str:
    """The text with every control character and line or paragraph separator as a space."""
    return "".join(" " if unicodedata.category(letter) in {"Cc", "Zl", "Zp"} else letter for letter in text)


def message(text: str, *, at: datetime, kind: str, structured: str = "-") -> bytes:
    """One RFC 5424 message. Line breaks and control characters in `text` become spaces: one event, one message."""
    host = socket.gethostname() or "-"
    head = f"<{FACILITY_AUDIT * 8 + NOTICE}>1 {at.isoformat()} {host} chartroom {os.getpid()} {kind} {structured}"
    return f"{head} \ufeff{one_line(text)}".encode()


def send(
    url: str,
    messages: Iterable[bytes],
    *,
    ca_file: str = "",
    certificate: str = "",
    key: str = "",
    must_take_leave: bool = False,
) -> None:
    """Send all of them over one connection to `syslog+tls://host:port` or `syslog://host:port`.

    `certificate` and `key` (files) show the server who we are. Returns when the server's machine has taken them; syslog
    itself acknowledges nothing. With `must_take_leave` a server that refuses our certificate, or resets the connection
    while we send, is an error: it may not have read everything. Raises OSError, also for TLS.
    """
    parts = urlsplit(url)
    is_tls = parts.scheme == "syslog+tls"
    host = parts.hostname or ""
    address = (host, parts.port or (TLS_PORT if is_tls else TCP_PORT))
    with socket.create_connection(address, timeout=SECONDS) as plain:
        if not is_tls:
            _write(plain, messages)
            return
        trusted = ssl.create_default_context(cafile=ca_file or None)
        if certificate:
            trusted.load_cert_chain(certificate, key or None)
        with trusted.wrap_socket(plain, server_hostname=host) as secret:
            if must_take_leave:
                _check_let_in(secret)
            _write(secret, messages)
            # The server's close_notify comes after it has read everything.
            harmless = (ssl.SSLEOFError, ssl.SSLZeroReturnError) if must_take_leave else (OSError,)
            with contextlib.suppress(*harmless):  # some servers just close
                secret.unwrap()


def _write(connection: socket.socket, messages: Iterable[bytes]) -> None:
    for each in messages:
        connection.sendall(str(len(each)).encode() + b" " + each)


def _check_let_in(secret: ssl.SSLSocket) -> None:
    """Hear whether the server takes our certificate. Raises OSError when it does not.

    With TLS 1.3 it judges only when the handshake is over for us: its first word is then a ticket for the next session,
    or an alert, and an alert that comes after we have sent may get lost. A server that gives no tickets says nothing.
    """
    if secret.version() != "TLSv1.3":
        return
    with selectors.DefaultSelector() as waiting:
        waiting.register(secret, selectors.EVENT_READ)
        if not waiting.select(FIRST_WORD_SECONDS):
            return
    secret.setblocking(False)
    try:
        if not secret.recv(1):
            raise ConnectionResetError("The server closed the connection instead of letting us in.")
    except ssl.SSLWantReadError:
        pass  # a ticket
    finally:
        secret.settimeout(SECONDS)
