"""Checkpoints leave the machine: each place is told all of it in order, and again after it was away."""

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import LazySettings
from django.core import mail
from django.core.management import CommandError, call_command
from moto.server import ThreadedMotoServer

from audit.models import CheckpointDelivery
from audit.proof import checkpoints, destinations, epochs, sealing, verifying
from tests.audit.proof.waiting import seal_everything, write_events

pytestmark = pytest.mark.committed


@pytest.fixture(autouse=True)
def seal_keys(settings: LazySettings) -> None:
    settings.SEAL_KEYS = {"new": b"2" * 32, "old": b"1" * 32}


@pytest.fixture
def sealed(committed: None) -> Iterator[int]:
    """The number of the newest seal."""
    write_events(3)
    yield seal_everything().n
    CheckpointDelivery.objects.all().delete()


def _one_more() -> int:
    write_events(1)
    return seal_everything().n


def _delivery() -> CheckpointDelivery:
    return CheckpointDelivery.objects.get()


def test_a_folder_gets_a_line_for_each_seal_and_the_check_takes_them(
    sealed: int, tmp_path: Path, settings: LazySettings
) -> None:
    settings.CHECKPOINTS = [str(tmp_path / "a folder")]
    destinations.deliver()
    destinations.deliver()
    last = [_one_more(), _one_more()][-1]
    destinations.deliver()
    file = tmp_path / "a folder" / destinations.FILE
    kept = verifying.read_checkpoints(file.read_text())
    assert [one["n"] for one in kept] == list(range(sealed, last + 1))
    assert verifying.verify(checkpoints=kept).ok
    assert (_delivery().last_n, _delivery().error) == (last, "")
    call_command("audit_verify", checkpoints=str(file))


def test_a_place_that_is_away_holds_up_nothing_and_is_told_later(
    sealed: int, tmp_path: Path, settings: LazySettings
) -> None:
    (tmp_path / "away").write_text("a file where the folder should be")
    settings.CHECKPOINTS = [str(tmp_path / "away"), str(tmp_path / "there")]
    destinations.deliver()
    away = CheckpointDelivery.objects.get(destination=str(tmp_path / "away"))
    assert away.error
    assert away.failing_since
    assert (tmp_path / "there" / destinations.FILE).exists()
    _one_more()
    destinations.deliver()
    again = CheckpointDelivery.objects.get(pk=away.pk)
    assert again.failing_since == away.failing_since
    (tmp_path / "away").unlink()
    destinations.deliver()
    again.refresh_from_db()
    assert (again.error, again.failing_since) == ("", None)
    assert (tmp_path / "away" / destinations.FILE).exists()


def test_mail_brings_the_newest_once_a_day_as_text_to_print(sealed: int, settings: LazySettings) -> None:
    settings.CHECKPOINTS = ["mailto:compliance@hospital.invalid"]
    destinations.deliver()
    _one_more()
    destinations.deliver()
    (message,) = mail.outbox
    assert message.to == ["compliance@hospital.invalid"]
    epoch = next(epochs.every(sealed))
    assert checkpoints.fingerprint(epoch) in message.body
    call_command("audit_verify", known=f"{epoch.n} {checkpoints.fingerprint(epoch).upper()}")
    with pytest.raises(CommandError, match="chain_replaced"):
        call_command("audit_verify", known=f"{epoch.n} {'0' * 32}")
    with pytest.raises(CommandError, match="fingerprint of 32"):
        call_command("audit_verify", known="12")


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a certificate of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "syslog")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "key.pem", tmp_path / "cert.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    files[1].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return files


class Listener(threading.Thread):
    """A syslog server on the loopback that keeps what it was sent over one connection."""

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        super().__init__(daemon=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate[1], certificate[0])
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.context = context
        self.received = b""
        self.start()

    @property
    def url(self) -> str:
        return f"syslog+tls://127.0.0.1:{self.socket.getsockname()[1]}"

    def run(self) -> None:
        plain, _ = self.socket.accept()
        try:
            with self.context.wrap_socket(plain, server_side=True) as secret:
                while piece := secret.recv(65536):
                    self.received += piece
        except OSError:
            pass
        self.socket.close()

    def messages(self) -> list[str]:
        """The messages, by the lengths in front of them."""
        self.join(10)
        rest, found = self.received, []
        while rest:
            length, _, rest = rest.partition(b" ")
            found.append(rest[: int(length)].decode())
            rest = rest[int(length) :]
        return found


def test_a_syslog_server_is_told_over_tls(
    sealed: int, certificate: tuple[Path, Path], settings: LazySettings
) -> None:
    listener = Listener(certificate)
    settings.SYSLOG_CA_FILE = str(certificate[1])
    settings.CHECKPOINTS = [listener.url]
    destinations.deliver()
    (message,) = listener.messages()
    head, _, body = message.partition("\ufeff")
    assert head.startswith("<85>1 20")
    assert json.loads(body)["n"] == sealed
    assert _delivery().last_n == sealed


def test_a_syslog_server_that_nobody_vouches_for_is_told_nothing(
    sealed: int, certificate: tuple[Path, Path], settings: LazySettings
) -> None:
    listener = Listener(certificate)
    settings.CHECKPOINTS = [listener.url]
    destinations.deliver()
    assert listener.messages() == []
    assert "certificate" in _delivery().error.lower()


@pytest.fixture
def bucket(settings: LazySettings) -> Iterator[object]:
    """A bucket with object lock on a server of our own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings.S3_ENDPOINT, settings.S3_REGION = f"http://{host}:{port}", "us-east-1"
    settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = "somebody", "secret"
    client = boto3.client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT,
        region_name="us-east-1",
        aws_access_key_id="somebody",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket="proofs", ObjectLockEnabledForBucket=True)
    yield client
    server.stop()


def test_a_bucket_gets_locked_objects(sealed: int, bucket: object, settings: LazySettings) -> None:
    settings.CHECKPOINTS, settings.CHECKPOINT_LOCK_YEARS = ["s3://proofs/hospital"], 10
    destinations.deliver()
    key = f"hospital/checkpoint-{sealed:012d}.json"
    stored = bucket.get_object(Bucket="proofs", Key=key)  # type: ignore[attr-defined]
    assert json.loads(stored["Body"].read())["n"] == sealed
    assert stored["ObjectLockMode"] == "COMPLIANCE"
    assert stored["ObjectLockRetainUntilDate"] > dt.datetime.now(dt.UTC) + dt.timedelta(days=3600)


def test_a_bucket_that_is_not_there_is_said(sealed: int, bucket: object, settings: LazySettings) -> None:
    settings.CHECKPOINTS = ["s3://nothing"]
    destinations.deliver()
    assert "bucket" in _delivery().error.lower()
    assert sealing.seal() is None
