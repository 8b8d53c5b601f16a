"""Other systems are told of every sealed event, in order, at least once: with servers that fail, hang and come back."""

import json
import os
import signal
import ssl
import threading
import time
import xml.etree.ElementTree as Tree
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from audit.feeds import delivering, fhir
from audit.models import FeedDelivery
from audit.proof import epochs, sealing
from common import calling, syslog
from config import env
from tests.audit.proof.test_destinations import Listener, certificate  # noqa: F401  (a fixture)
from tests.audit.proof.waiting import seal_everything, write_events
from tests.launcher.waiting import until
from tests.support import events

pytestmark = pytest.mark.committed


class Repository(ThreadingHTTPServer):
    """A FHIR server on the loopback that keeps what it is sent, and can be told to misbehave."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, str, dict[str, Any], dict[str, str]]] = []
        self.taken: list[str] = []
        self.mood = "well"
        self.refuses = ""
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/fhir"


class _Handler(BaseHTTPRequestHandler):
    server: Repository
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        mood = self.server.mood
        self.server.calls.append((self.command, self.path, body, dict(self.headers)))
        if mood == "hangs":
            time.sleep(1.5)
            self.close_connection = True
            return
        if mood == "drips":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(20):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.1)
            return
        if mood == "no HTTP":
            self.wfile.write(b"220 mail.example ESMTP\r\n")
            self.close_connection = True
            return
        if mood.isdigit():
            self._answer(int(mood), {})
            return
        resources = [entry["resource"] for entry in body["entry"]] if "entry" in body else [body]
        answers = []
        for one in resources:
            is_refused = one["id"] == self.server.refuses
            if not is_refused:
                self.server.taken.append(one["id"])
            answers.append({"response": {"status": "422 Unprocessable" if is_refused else "201 Created"}})
        if mood == "takes and dies":
            self.server.mood = "well"
            self.close_connection = True
            return
        self._answer(200, {"resourceType": "Bundle", "entry": answers})

    do_PUT = do_POST

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def repository(committed: None, settings: LazySettings) -> Iterator[Repository]:
    settings.SEAL_KEYS = {"new": b"2" * 32, "old": b"1" * 32}
    settings.FEED_FORM = "transaction"
    write_events(1)
    seal_everything()
    server = Repository()
    settings.FEEDS = [server.url]
    delivering.deliver()  # known from now on
    yield server
    server.shutdown()
    server.server_close()
    FeedDelivery.objects.all().delete()


def _row() -> FeedDelivery:
    return FeedDelivery.objects.get()


def _try_again() -> None:
    FeedDelivery.objects.update(next_try_at=None)
    delivering.deliver()


def _sealed(count: int) -> list[str]:
    """So many events more, sealed; the ids of the resources of all that was sealed since, in order."""
    newest = epochs.last()
    write_events(count)
    seal_everything()
    return [
        fhir.resource_id(pk)
        for epoch in epochs.every(newest.n + 1 if newest else 1)
        for pk, _ in epochs.kept_leaves(epoch.n)
    ]


def test_a_new_place_is_told_of_what_is_sealed_from_then_on(repository: Repository) -> None:
    assert repository.taken == []
    [started] = events("log.feed_started", detail__destination=repository.url)
    assert started.action == "config-change"
    expected = _sealed(7)
    delivering.deliver()
    delivering.deliver()
    assert repository.taken == expected
    row = _row()
    assert (row.delivered, row.error, row.place) == (len(expected), "", 0)
    [(method, path, bundle, _)] = repository.calls
    assert (method, path, bundle["type"]) == ("POST", "/fhir", "transaction")
    assert bundle["entry"][0]["request"] == {"method": "PUT", "url": f"AuditEvent/{expected[0]}"}


@pytest.mark.parametrize("form", ["transaction", "batch", "single"])
def test_batches_cut_epochs_and_lose_nothing(
    form: str, repository: Repository, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FEED_FORM = form
    monkeypatch.setattr(delivering, "BATCH", 4)
    expected = _sealed(5) + _sealed(1) + _sealed(9)
    delivering.deliver()
    assert repository.taken == expected
    if form == "single":
        assert {(method, path) for method, path, *_ in repository.calls} == {
            ("PUT", f"/fhir/AuditEvent/{one}") for one in expected
        }


@pytest.mark.parametrize("mood", ["500", "503", "401", "302", "hangs", "drips", "no HTTP", "away"])
def test_a_place_in_trouble_is_told_all_of_it_later(
    mood: str, repository: Repository, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(delivering, "BATCH", 3)
    expected = _sealed(5)
    if mood == "away":
        settings.FEEDS = ["http://127.0.0.1:1/fhir"]
        FeedDelivery.objects.update(destination=settings.FEEDS[0])
    repository.mood = mood
    began = time.monotonic()
    delivering.deliver()
    assert time.monotonic() - began < 10
    row = _row()
    assert row.error
    assert row.failing_since
    assert row.next_try_at
    assert row.next_try_at > timezone.now()
    asked = len(repository.calls)
    delivering.deliver()  # too early: nobody is bothered
    assert len(repository.calls) == asked
    repository.mood = "well"
    settings.FEEDS = [repository.url]
    FeedDelivery.objects.update(destination=repository.url)
    _try_again()
    assert repository.taken == expected
    assert (_row().error, _row().failing_since, _row().attempts) == ("", None, 0)


def test_waits_grow_to_a_quarter_of_an_hour_and_the_trouble_keeps_its_first_time(
    repository: Repository,
) -> None:
    _sealed(1)
    repository.mood = "500"
    waits, since = [], set()
    for _ in range(12):
        _try_again()
        row = _row()
        assert row.next_try_at is not None
        waits.append((row.next_try_at - timezone.now()).total_seconds())
        since.add(row.failing_since)
    assert waits[0] == pytest.approx(5, abs=2)
    assert waits[1] == pytest.approx(10, abs=2)
    assert waits[-1] == pytest.approx(900, abs=5)
    assert len(since) == 1


def test_an_answer_that_was_lost_brings_the_same_ids_again(repository: Repository) -> None:
    """Taken, but the answer never came: at least once, under ids that the place knows."""
    expected = _sealed(3)
    repository.mood = "takes and dies"
    delivering.deliver()
    assert _row().error
    _try_again()
    assert repository.taken == expected + expected


def test_one_refused_event_of_a_batch_is_named_and_nothing_goes_past_it(
    repository: Repository, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.FEED_FORM = "batch"
    monkeypatch.setattr(delivering, "BATCH", 3)
    expected = _sealed(7)
    repository.refuses = expected[1]
    delivering.deliver()
    assert f"{expected[1]} was refused: 422" in _row().error
    assert not set(expected[3:]) & set(repository.taken)
    repository.refuses = ""
    _try_again()
    assert list(dict.fromkeys(one for one in repository.taken if one != expected[1])) == [
        one for one in expected if one != expected[1]
    ]
    assert set(repository.taken) == set(expected)


def test_a_worker_killed_between_sending_and_remembering_sends_again(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = _sealed(5)
    monkeypatch.setattr(delivering, "BATCH", 2)
    for each in connections.all():
        each.close()
    child = os.fork()
    if child == 0:  # pragma: no cover
        try:
            honest = FeedDelivery.save

            def dies(self: FeedDelivery, *args: Any, **kwargs: Any) -> None:
                if self.delivered >= 4:
                    os.kill(os.getpid(), signal.SIGKILL)
                honest(self, *args, **kwargs)

            FeedDelivery.save = dies  # type: ignore[method-assign]
            delivering.deliver()
        finally:
            os._exit(3)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert _row().delivered == 2
    delivering.deliver()
    assert repository.taken == expected[:4] + expected[2:]


def test_two_workers_at_once_tell_each_event_once(repository: Repository) -> None:
    expected = _sealed(30)

    def run() -> None:
        delivering.deliver()
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert repository.taken == expected


def test_a_hanging_place_holds_back_no_seal(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "ANSWER_SECONDS", 3)
    _sealed(1)
    repository.mood = "hangs"

    def run() -> None:
        delivering.deliver()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: repository.calls, seconds=20, what="the repository was called")
    write_events(1)
    newest = epochs.last()
    sealed = sealing.seal()
    assert sealed is not None
    assert newest is not None
    assert sealed.n > newest.n
    assert thread.is_alive()
    thread.join()


def test_a_place_can_be_told_again_from_a_day_on(repository: Repository) -> None:
    expected = _sealed(3)
    delivering.deliver()
    with pytest.raises(CommandError, match="no day"):
        call_command("audit_feed", repository.url, since="yesterday")
    with pytest.raises(CommandError, match="Name one"):
        call_command("audit_feed", "https://elsewhere.example/", since="2026-01-01")
    call_command("audit_feed", repository.url, since=f"{timezone.now() - timedelta(days=30):%Y-%m-%d}")
    delivering.deliver()
    assert repository.taken[: len(expected)] == expected
    assert repository.taken[-len(expected) :] == expected
    assert events("log.feed_set", detail__destination=repository.url)


def test_who_we_are_goes_along(repository: Repository, settings: LazySettings) -> None:
    settings.FEED_TOKEN = "secret-token"
    _sealed(1)
    delivering.deliver()
    headers = repository.calls[0][3]
    assert headers["Authorization"] == "Bearer secret-token"
    assert headers["Content-Type"] == "application/fhir+json"


@pytest.mark.parametrize(
    ("text", "is_taken"),
    [
        ("https://repo.example/fhir, syslog+tls://arr.example:6514", True),
        ("http://127.0.0.1:9/fhir,syslog://[::1]:601", True),
        ("http://repo.example/fhir", False),
        ("syslog://arr.example", False),
        ("https://me:secret@repo.example/", False),
        ("ftp://repo.example/", False),
        ("repo.example", False),
        ("", True),
    ],
)
def test_the_log_never_travels_in_the_clear(
    text: str, is_taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARTROOM_FEEDS", text)
    if is_taken:
        assert len(env.feeds("CHARTROOM_FEEDS")) == (2 if text else 0)
        return
    with pytest.raises(ImproperlyConfigured) as refused:
        env.feeds("CHARTROOM_FEEDS")
    assert "secret" not in str(refused.value)


# -- ATNA: syslog over TLS, both sides with a certificate --------------------------------------------------------


@pytest.fixture
def ours(tmp_path: Path) -> tuple[Path, Path]:
    """A key and a certificate of ours, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "chartroom")])
    now = timezone.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(8)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = tmp_path / "our-key.pem", tmp_path / "our-cert.pem"
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[0].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    files[1].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return files


def _listening(theirs: tuple[Path, Path], ours: tuple[Path, Path], settings: LazySettings) -> Listener:
    """A repository that lets in only who shows our certificate."""
    listener = Listener(theirs)
    listener.context.verify_mode = ssl.CERT_REQUIRED
    listener.context.load_verify_locations(str(ours[1]))
    settings.FEED_CA_FILE = str(theirs[1])
    settings.FEEDS = [listener.url]
    FeedDelivery.objects.update(destination=listener.url)
    return listener


def test_an_audit_repository_is_told_over_tls_with_both_certificates(
    repository: Repository,
    certificate: tuple[Path, Path],  # noqa: F811
    ours: tuple[Path, Path],
    settings: LazySettings,
) -> None:
    listener = _listening(certificate, ours, settings)
    settings.FEED_CERTIFICATE, settings.FEED_CERTIFICATE_KEY = str(ours[1]), str(ours[0])
    expected = _sealed(4)
    delivering.deliver()
    messages = listener.messages()
    assert _row().error == ""
    told = []
    for message in messages:
        head, _, body = message.partition("\ufeff")
        assert head.startswith("<85>1 20")
        assert " chartroom " in head
        assert " DICOM+RFC3881 - " in head
        root = Tree.fromstring(body)  # noqa: S314  (our own)
        told.append(str(root.findall("ParticipantObjectIdentification")[-1].get("ParticipantObjectID")))
    assert told == [f"urn:chartroom:event:{one}" for one in expected]


def test_a_repository_that_does_not_know_us_is_not_counted_as_told(
    repository: Repository,
    certificate: tuple[Path, Path],  # noqa: F811
    ours: tuple[Path, Path],
    settings: LazySettings,
) -> None:
    """With TLS 1.3 its refusal comes after we have sent: it must not pass for a leave-taking."""
    listener = _listening(certificate, ours, settings)
    before = _row().last_n
    _sealed(2)
    delivering.deliver()
    assert listener.messages() == []
    assert _row().error
    assert _row().last_n == before


def test_a_refusal_is_heard_each_time(
    certificate: tuple[Path, Path],  # noqa: F811
    ours: tuple[Path, Path],
) -> None:
    """An alert that came after we had sent was lost now and then, and what was never read counted as told."""
    for _ in range(20):
        listener = Listener(certificate)
        listener.context.verify_mode = ssl.CERT_REQUIRED
        listener.context.load_verify_locations(str(ours[1]))
        with pytest.raises(OSError, match=r"(?i)certificate|closed"):
            syslog.send(listener.url, [b"one", b"two"], ca_file=str(certificate[1]), must_take_leave=True)
        assert listener.messages() == []
