"""A time-stamp authority on the loopback: OpenSSL's own, over HTTP, which can be told to misbehave."""

import datetime as dt
import hashlib
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

MISSING = "These tests need the program openssl (Debian: apt install openssl)."
CONFIGURATION = """
[tsa]
default_tsa = ours
[ours]
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4
digests = {digests}
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
Pair = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]
DAY = dt.timedelta(days=1)


def openssl(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """The program, as anybody would call it."""
    assert shutil.which("openssl"), MISSING
    command = ["openssl", *(str(argument) for argument in arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def issue(
    name: str,
    by: Pair | None = None,
    *,
    is_authority: bool = False,
    usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.TIME_STAMPING,
    is_critical: bool = True,
    days: tuple[int, int] = (-400, 400),
) -> Pair:
    """A certificate with its key, by whom it is issued; a root where nobody is named."""
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by[0].subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if usage and not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=is_critical)
    return builder.sign(by[1] if by else key, hashes.SHA256()), key


def pem(*certificates: x509.Certificate) -> bytes:
    """They, one after the other."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def der(tag: int, *parts: bytes) -> bytes:
    """One element of DER."""
    body = b"".join(parts)
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (size if len(body) < 128 else bytes([0x80 | len(size)]) + size) + body


def number(value: int) -> bytes:
    """A whole number, not negative, in DER."""
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


class Authority(ThreadingHTTPServer):
    """Answers with `openssl ts -reply`, as its fields say; `mood` is what it does instead."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.root = issue("Authority's root", is_authority=True)
        self.signer = issue("Authority", self.root)
        self.between: tuple[x509.Certificate, ...] = ()
        self.digests = "sha256"
        self.mood = "well"
        self.twist: Callable[[bytes], bytes] = lambda query: (
            query
        )  # what it answers instead of what it was asked
        self.requests: list[dict[str, str]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}/tsr"

    def trust(self) -> Path:
        """The file with its root."""
        path = self.folder / "trusted.pem"
        path.write_bytes(pem(self.root[0]))
        return path

    def reply(self, query: bytes) -> bytes:
        """OpenSSL's answer."""
        files = self._files()
        (self.folder / "query").write_bytes(self.twist(query))
        (self.folder / "configuration").write_text(
            CONFIGURATION.format(folder=self.folder, digests=self.digests)
        )
        chain = ["-chain", self.folder / "between.pem"] if self.between else []
        done = openssl(
            "ts", "-reply", "-config", self.folder / "configuration", "-queryfile", self.folder / "query",
            "-signer", files[0], "-inkey", files[1], *chain, "-out", self.folder / "reply",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return (self.folder / "reply").read_bytes()

    def forged(self, imprint: bytes, nonce: int, at: dt.datetime) -> bytes:
        """An answer that says what we like, signed by the signer as OpenSSL signs any CMS."""
        sha256 = der(0x30, bytes.fromhex("0609608648016503040201"), der(5))
        said = der(
            0x30,
            number(1),
            bytes.fromhex("06032a0304"),
            der(0x30, sha256, der(4, imprint)),
            number(7),
            der(0x18, f"{at.astimezone(dt.UTC):%Y%m%d%H%M%S}Z".encode()),
            number(nonce),
        )
        files = self._files()
        (self.folder / "said").write_bytes(said)
        done = openssl(
            "cms", "-sign", "-binary", "-nodetach", "-cades", "-md", "sha256", "-outform", "DER",
            "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", self.folder / "said",
            "-signer", files[0], "-inkey", files[1], "-out", self.folder / "token",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return der(0x30, der(0x30, number(0)), (self.folder / "token").read_bytes())

    def _files(self) -> tuple[Path, Path]:
        certificate, key = self.folder / "signer.pem", self.folder / "signer.key"
        certificate.write_bytes(pem(self.signer[0]))
        (self.folder / "between.pem").write_bytes(pem(*self.between))
        form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        key.write_bytes(self.signer[1].private_bytes(serialization.Encoding.PEM, *form))
        return certificate, key


class _Handler(BaseHTTPRequestHandler):
    server: Authority
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append(dict(self.headers))
        mood = self.server.mood
        if mood == "hangs":
            time.sleep(2)
            self.close_connection = True
        elif mood == "drips":
            with suppress(OSError):
                for _ in range(60):
                    self.wfile.write(b"H")
                    time.sleep(0.05)
            self.close_connection = True
        elif mood == "no HTTP":
            self.wfile.write(b"220 mail.example ESMTP\r\n")
            self.close_connection = True
        elif mood == "garbage":
            self._answer(200, hashlib.sha256(query).digest() * 20)
        elif mood == "nothing":
            self._answer(200, b"")
        elif mood == "huge":
            self._answer(200, b"\x30" * 5_000_000)
        elif mood.isdigit():
            self._answer(int(mood), b"no")
        else:
            self._answer(200, self.server.reply(query))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(OSError):  # nobody may want to hear all of it
            self.wfile.write(body)
