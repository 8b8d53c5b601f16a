"""Time-stamps of an outside authority: asked for, kept, checked; and authorities that lie, refuse or hang."""

import datetime as dt
import hashlib
import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import CheckpointDelivery, Event
from audit.proof import bundle, checkpoints, epochs, stamps, verifying
from audit.proof.epochs import Epoch
from audit.proof.stamps import NotStamped, Stamp, WrongStamp
from audit.review.feeds import alarms
from common import calling
from config import env
from tests.audit.proof.authority import Authority, der, issue, number, openssl, pem
from tests.audit.proof.test_proof_page import officer, signed_in  # noqa: F401  (a fixture)
from tests.audit.proof.waiting import seal_everything, write_events

EPOCH = Epoch(
    n=7, from_xid=10, to_xid=20, row_count=3, total=30, root=b"r" * 32, previous=b"p" * 32, first_at=None,
    last_at=None, cluster="1", sealed_at=timezone.now(), key_id="new", note="", signature=b"s" * 64,
)  # fmt: skip
ANOTHER = b"something else"


@pytest.fixture
def authority(tmp_path: Path, settings: LazySettings) -> Iterator[Authority]:
    server = Authority(tmp_path)
    settings.TSA_URL, settings.TSA_CA_FILE = server.url, str(server.trust())
    settings.TSA_LOGIN, settings.TSA_MINUTES = "", 60
    yield server
    server.shutdown()
    server.server_close()


def _ask() -> Stamp:
    return stamps.ask(EPOCH)


def _trust() -> stamps.Trust:
    trust = stamps.trusted()
    assert trust
    return trust


def test_an_authority_stamps_the_epoch_and_openssl_agrees(authority: Authority, tmp_path: Path) -> None:
    stamp = _ask()
    assert stamp.at
    assert abs(timezone.now() - stamp.at) < dt.timedelta(seconds=60)
    stamps.check(stamp, EPOCH, _trust(), None)
    (tmp_path / "answer.tsr").write_bytes(stamp.response)
    (tmp_path / "epoch.txt").write_bytes(stamps.data(EPOCH))
    done = openssl(
        "ts", "-verify", "-in", tmp_path / "answer.tsr", "-data", tmp_path / "epoch.txt",
        "-CAfile", tmp_path / "trusted.pem",
    )  # fmt: skip
    assert "Verification: OK" in done.stdout, done.stderr
    (tmp_path / "epoch.txt").write_bytes(stamps.data(EPOCH) + b" ")
    done = openssl(
        "ts", "-verify", "-in", tmp_path / "answer.tsr", "-data", tmp_path / "epoch.txt",
        "-CAfile", tmp_path / "trusted.pem",
    )  # fmt: skip
    assert done.returncode != 0


def test_a_chain_that_comes_along_or_stands_in_the_file(authority: Authority) -> None:
    """OpenSSL writes the certificates in the order it was given them, not in DER's: both orders are taken."""
    between = issue("Between", authority.root, is_authority=True)
    authority.signer = issue("Authority", between)
    with pytest.raises(NotStamped, match="nobody we trust"):
        _ask()
    for _ in range(6):  # by chance in order or not
        between = issue("Between", authority.root, is_authority=True)
        authority.signer, authority.between = issue("Authority", between), (between[0],)
        _ask()
    authority.between = ()
    (authority.folder / "trusted.pem").write_bytes(pem(authority.root[0], between[0]))
    _ask()
    (authority.folder / "trusted.pem").write_bytes(pem(between[0]))
    with pytest.raises(NotStamped, match="holds no root"):
        _ask()


def _other_root(authority: Authority) -> None:
    authority.signer = issue("Authority", issue("Authority's root", is_authority=True))


def _by_a_signer(authority: Authority) -> None:
    """Whoever may sign stamps may not make others who do."""
    authority.between = (authority.signer[0],)
    authority.signer = issue("Friend", authority.signer)


def _expired(authority: Authority) -> None:
    authority.signer = issue("Authority", authority.root, days=(-30, -1))


def _not_yet(authority: Authority) -> None:
    authority.signer = issue("Authority", authority.root, days=(1, 30))


def _expired_root(authority: Authority) -> None:
    authority.root = issue("Authority's root", is_authority=True, days=(-30, -1))
    authority.trust()
    authority.signer = issue("Authority", authority.root)


UNTRUSTED = [_other_root, _by_a_signer, _expired, _not_yet, _expired_root]


@pytest.mark.parametrize("change", UNTRUSTED)
def test_whom_nobody_vouches_for_is_not_believed(
    change: Callable[[Authority], None], authority: Authority
) -> None:
    change(authority)
    with pytest.raises(NotStamped, match="signed by nobody we trust"):
        _ask()


@pytest.mark.parametrize(("offset", "length"), [(0, 8), (None, None)])
def test_an_answer_to_another_question(
    offset: int | None, length: int | None, authority: Authority, tmp_path: Path
) -> None:
    """Another nonce, and none at all."""
    digest = hashlib.sha256(stamps.data(EPOCH)).hexdigest()
    nonce = [] if offset is not None else ["-no_nonce"]

    def asked(query: bytes) -> bytes:
        path = tmp_path / "other"
        done = openssl("ts", "-query", "-digest", digest, "-sha256", "-cert", *nonce, "-out", path)
        assert done.returncode == 0, done.stderr
        return path.read_bytes()

    authority.twist = asked
    with pytest.raises(NotStamped, match="answers another question"):
        _ask()


def test_a_stamp_of_something_else(authority: Authority) -> None:
    right, wrong = (hashlib.sha256(text).digest() for text in (stamps.data(EPOCH), ANOTHER))
    authority.twist = lambda query: query.replace(right, wrong)
    with pytest.raises(NotStamped, match="is about something else"):
        _ask()


def test_a_refusal_is_told_in_the_authoritys_words(authority: Authority) -> None:
    authority.digests = "sha512"
    with pytest.raises(NotStamped, match=r"the authority refused it \(status 2: .*digest"):
        _ask()


MOODS = [
    ("garbage", "cannot be read"),
    ("nothing", "cannot be read"),
    ("huge", "The answer is too long"),
    ("no HTTP", "The answer was no HTTP"),
    ("500", "answered 500"),
    ("302", "answered 302"),
    ("401", "answered 401"),
]


@pytest.mark.parametrize(("mood", "said"), MOODS)
def test_an_answer_that_is_none(mood: str, said: str, authority: Authority) -> None:
    authority.mood = mood
    with pytest.raises(NotStamped, match=said):
        _ask()
    assert len(authority.requests) == 1  # nobody is sent on


@pytest.mark.parametrize("mood", ["hangs", "drips"])
def test_an_authority_that_hangs(mood: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calling, "ANSWER_SECONDS", 0.4)
    authority.mood = mood
    began = dt.datetime.now(dt.UTC)
    with pytest.raises(TimeoutError):
        _ask()
    assert dt.datetime.now(dt.UTC) - began < dt.timedelta(seconds=1.5)


def test_an_authority_that_is_not_there(authority: Authority, settings: LazySettings) -> None:
    settings.TSA_URL = "http://127.0.0.1:1/"
    with pytest.raises(ConnectionRefusedError):
        _ask()


def _forged(authority: Authority, at: dt.datetime, nonce: int = 99) -> Stamp:
    imprint = hashlib.sha256(stamps.data(EPOCH)).digest()
    return Stamp(EPOCH.n, "forged", nonce, authority.forged(imprint, nonce, at), timezone.now())


def test_what_is_forged_here_would_be_believed_but_for_its_fault(authority: Authority) -> None:
    stamps.check(_forged(authority, EPOCH.sealed_at), EPOCH, _trust(), None)


@pytest.mark.parametrize(
    "how",
    [{"usage": None}, {"usage": ExtendedKeyUsageOID.CODE_SIGNING}, {"is_critical": False}],
)
def test_a_certificate_that_is_not_for_time_stamps(how: dict[str, Any], authority: Authority) -> None:
    authority.signer = issue("Web server", authority.root, **how)
    with pytest.raises(WrongStamp, match="not for time-stamps") as wrong:
        stamps.check(_forged(authority, EPOCH.sealed_at), EPOCH, _trust(), None)
    assert wrong.value.kind == "stamp_untrusted"


HOUR = dt.timedelta(hours=1)


@pytest.mark.parametrize(
    ("after", "next_after", "said"),
    [
        (-365 * 24 * HOUR, None, "before the epoch was sealed"),
        (-HOUR, HOUR, "before the epoch was sealed"),
        (365 * 24 * HOUR, None, "later than it is now"),
        (HOUR, HOUR / 2, "later than the next epoch was sealed"),
        (HOUR, -HOUR, "later than the next epoch was sealed"),
        (HOUR / 60, HOUR, ""),
        (HOUR / 60, -HOUR, ""),  # the clock was set back meanwhile: that is an event of its own
        (-HOUR / 12, None, ""),
    ],
)
def test_the_time_must_fit(
    after: dt.timedelta, next_after: dt.timedelta | None, said: str, authority: Authority
) -> None:
    authority.signer = issue("Authority", authority.root, days=(-399, 399))
    stamp = _forged(authority, EPOCH.sealed_at + after)
    following = EPOCH.sealed_at + next_after if next_after else None
    if not said:
        stamps.check(stamp, EPOCH, _trust(), following)
        return
    with pytest.raises(WrongStamp, match=said) as wrong:
        stamps.check(stamp, EPOCH, _trust(), following)
    assert wrong.value.kind == "stamp_time"


def test_every_changed_byte_is_refused_or_no_matter(authority: Authority) -> None:
    """What is no part of what was signed may differ (a version, the name of a hash); nothing else passes."""
    stamp = _ask()
    signed = stamp.response.index(hashlib.sha256(stamps.data(EPOCH)).digest())
    for place in [*range(signed, signed + 80), *range(len(stamp.response) - 64, len(stamp.response)), 0, 9]:
        changed = bytearray(stamp.response)
        changed[place] ^= 1
        with pytest.raises(WrongStamp):
            stamps.check(Stamp(7, "x", stamp.nonce, bytes(changed), stamp.received_at), EPOCH, _trust(), None)


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\x30",
        b"\x30\x80\x00\x00",
        b"\x30\x84\xff\xff\xff\xff",
        der(0x30, der(0x30, number(0))),
        b"\x30\x03\x02\x01\x02",
    ],
)
def test_junk_is_named_and_never_an_error(junk: bytes, authority: Authority) -> None:
    stamp = Stamp(7, "x", 1, junk, timezone.now())
    assert stamp.at is None
    with pytest.raises(WrongStamp):
        stamps.check(stamp, EPOCH, _trust(), None)


def test_who_we_are_goes_along(authority: Authority, settings: LazySettings) -> None:
    settings.TSA_LOGIN = "hospital:se:cret"
    _ask()
    (headers,) = authority.requests
    assert headers["Authorization"] == "Basic aG9zcGl0YWw6c2U6Y3JldA=="
    assert headers["Content-Type"] == "application/timestamp-query"


@pytest.mark.parametrize(
    "address",
    [
        "ftp://tsa.example",
        "https://",
        "tsa.example",
        "https://user:secret@tsa.example",
        "https://" + "a" * 300,
    ],
)
def test_an_address_that_is_none_stops_the_start(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T_URL", address)
    with pytest.raises(ImproperlyConfigured, match="T_URL") as refused:
        env.web_address("T_URL")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("login", "address", "is_fine"),
    [
        ("u:p", "https://tsa.example", True),
        ("u:p", "http://127.0.0.1:3161", True),
        ("", "http://tsa.example", True),
        ("u:p", "http://tsa.example", False),
        ("secret", "https://tsa.example", False),
        ("u:p", "", False),
    ],
)
def test_a_password_does_not_travel_in_the_clear(
    login: str, address: str, is_fine: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T_LOGIN", login)
    if is_fine:
        assert env.login("T_LOGIN", address) == login
        return
    with pytest.raises(ImproperlyConfigured):
        env.login("T_LOGIN", address)


# -- The job, the check, the page ---------------------------------------------------------------------------------


@pytest.fixture
def sealed(committed: None, authority: Authority, settings: LazySettings) -> Iterator[Epoch]:
    """The newest epoch."""
    settings.SEAL_KEYS = {"new": b"2" * 32, "old": b"1" * 32}
    write_events(2)
    yield seal_everything()
    CheckpointDelivery.objects.all().delete()
    with _as_owner() as cursor:
        cursor.execute("delete from audit_stamp")


@contextmanager
def _as_owner(table: str = "audit_stamp") -> Iterator[CursorWrapper]:
    """A cursor of the tables' owner with this table's triggers switched off: the attacker."""
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(f"alter table {table} disable trigger user")
        yield cursor
        cursor.execute(f"alter table {table} enable trigger user")


def _more() -> Epoch:
    write_events(1)
    return seal_everything()


@pytest.mark.committed
def test_the_newest_seal_is_stamped_once_and_again_when_it_is_time(
    sealed: Epoch, authority: Authority, settings: LazySettings
) -> None:
    stamp = stamps.stamp_newest()
    assert stamp
    assert stamp.n == sealed.n
    assert stamps.stamp_newest() is None  # nothing new
    newer = _more()
    assert stamps.stamp_newest() is None  # not yet
    settings.TSA_MINUTES = 0
    again = stamps.stamp_newest()
    assert again
    assert again.n == newer.n
    assert len(authority.requests) == 2
    place = stamps.delivery()
    assert place
    assert (place.last_n, place.error) == (newer.n, "")
    result = verifying.verify()
    assert (result.ok, result.stamps, result.stamps_unchecked) == (True, 2, 0)
    call_command("audit_verify")


@pytest.mark.committed
def test_an_authority_in_trouble_holds_up_no_seal_and_is_asked_again(
    sealed: Epoch, authority: Authority, settings: LazySettings
) -> None:
    authority.mood = "500"
    assert stamps.stamp_newest() is None
    place = stamps.delivery()
    assert place
    assert "answered 500" in place.error
    assert stamps.last() is None
    CheckpointDelivery.objects.update(failing_since=timezone.now() - HOUR)
    texts = [alarm.text for alarm in alarms.alarms()]
    assert any("get no time-stamp from" in text for text in texts)
    newer = _more()
    authority.mood = "well"
    stamp = stamps.stamp_newest()
    assert stamp
    assert stamp.n == newer.n
    place.refresh_from_db()
    assert (place.error, place.failing_since) == ("", None)
    assert not [alarm for alarm in alarms.alarms() if "time-stamp" in alarm.text]


@pytest.mark.committed
def test_a_seal_is_made_while_the_authority_hangs(
    sealed: Epoch, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Epoch] = []
    real = calling.call

    def slow(*arguments: object, **more: object) -> calling.Answer:
        made.append(_more())  # waits for every open transaction: ours would hold it up for ever
        return real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(calling, "call", slow)
    stamp = stamps.stamp_newest()
    assert stamp
    assert stamp.n == sealed.n
    assert made[0].n > sealed.n
    assert verifying.verify().ok


@pytest.mark.committed
def test_nobody_changes_a_stamp(sealed: Epoch) -> None:
    stamps.stamp_newest()
    for using, words in (("default", "permission denied"), ("owner", "append-only")):
        for statement in (
            "update audit_stamp set nonce = '1'",
            "delete from audit_stamp",
            "truncate audit_stamp",
        ):
            with (
                pytest.raises(Exception, match=words),
                transaction.atomic(using=using),
                connections[using].cursor() as cursor,
            ):
                cursor.execute(statement)


TAMPERING = [
    ("update audit_stamp set nonce = '12345'", "stamp_wrong"),
    ("update audit_stamp set response = '\\x3003020102'", "stamp_wrong"),
    ("update audit_stamp set n = n - 1", "stamp_wrong"),
    ("update audit_stamp set n = n + 1", "tail_cut"),
]


@pytest.mark.committed
@pytest.mark.parametrize(("statement", "kind"), TAMPERING)
def test_a_stamp_that_was_tampered_with_is_named_apart(statement: str, kind: str, sealed: Epoch) -> None:
    stamps.stamp_newest()
    with _as_owner() as cursor:
        cursor.execute(statement)
    bad = verifying.verify().first_bad
    assert bad
    assert bad.kind == kind
    assert str(sealed.n) in bad.text or str(sealed.n - 1) in bad.text
    with pytest.raises(CommandError, match=kind):
        call_command("audit_verify")


@pytest.mark.committed
def test_a_wrong_stamp_does_not_hide_a_tampered_event(sealed: Epoch) -> None:
    stamps.stamp_newest()
    newer = _more()
    (changed, _), *_ = epochs.kept_leaves(newer.n)
    with _as_owner() as cursor:
        cursor.execute("update audit_stamp set nonce = '12345'")
    with _as_owner("audit_event") as cursor:
        cursor.execute("update audit_event set reason = reason || 'x' where id = %s", [changed])
    try:
        bad = verifying.verify().first_bad
        assert bad
        assert (bad.kind, bad.event) == ("altered", changed)
    finally:
        with _as_owner("audit_event") as cursor:
            cursor.execute("update audit_event set reason = left(reason, -1) where id = %s", [changed])


@pytest.mark.committed
def test_another_root_is_told_and_no_root_is_told_as_unchecked(
    sealed: Epoch, authority: Authority, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    stamps.stamp_newest()
    authority.root = issue("Authority's root", is_authority=True)
    authority.trust()
    bad = verifying.verify().first_bad
    assert bad
    assert bad.kind == "stamp_untrusted"
    assert "The events and seals are as they were sealed." in bad.text
    for file in ("", "/nowhere.pem"):
        settings.TSA_CA_FILE = file
        result = verifying.verify()
        assert (result.ok, result.stamps, result.stamps_unchecked) == (True, 0, 1)
    assert "cannot be read" in caplog.text


@pytest.mark.committed
def test_a_part_of_the_chain_is_checked_with_its_stamps(sealed: Epoch, settings: LazySettings) -> None:
    settings.TSA_MINUTES = 0
    stamps.stamp_newest()
    newer = _more()
    stamps.stamp_newest()
    assert verifying.verify(first=sealed.n, last=sealed.n).stamps == 1
    assert verifying.verify(first=newer.n).stamps == 1
    assert verifying.verify(first=1, last=sealed.n - 1).stamps == 0


@pytest.mark.committed
def test_the_page_and_the_api_tell_of_it(
    officer: User,  # noqa: F811
    sealed: Epoch,
    authority: Authority,
    client: Client,
    settings: LazySettings,
) -> None:
    signed_in(client, officer)
    page = client.get("/log/proof/").content.decode()
    assert "None yet" in page
    authority.mood = "500"
    stamps.stamp_newest()
    page = client.get("/log/proof/").content.decode()
    assert "None to be had" in page
    assert "answered 500" in page
    assert "None to be had since" in client.get("/").content.decode()
    authority.mood = "well"
    assert stamps.stamp_newest()
    page = client.get("/log/proof/").content.decode()
    assert "Stamped</span>" in page
    assert f"seals 1 to {stamps.last().n}" in " ".join(page.split())  # type: ignore[union-attr]
    assert "Time-stamped" in client.get("/").content.decode()
    answer = client.get("/api/v1/audit/checkpoints/").json()["results"]
    assert answer[0]["stamp"]["authority"] == authority.url.split("/")[2]
    found = client.get("/api/v1/audit/verify/").json()
    assert (found["ok"], found["stamps"], found["stamps_unchecked"]) == (True, 1, 0)
    assert (answer[0]["stamp"]["holds"], answer[0]["stamp"]["problem"]) == (True, "")
    with _as_owner() as cursor:
        cursor.execute("update audit_stamp set nonce = '12345'")
    assert "Does not hold" in client.get("/log/proof/").content.decode()
    assert "Does not hold" in client.get("/").content.decode()
    answer = client.get("/api/v1/audit/checkpoints/").json()["results"]
    assert answer[0]["stamp"]["holds"] is False
    assert "answers another question" in answer[0]["stamp"]["problem"]
    settings.TSA_CA_FILE = ""
    assert "Not checked</span>" in client.get("/log/proof/").content.decode()
    settings.TSA_URL = ""
    assert "No longer asked for" in client.get("/log/proof/").content.decode()


@pytest.mark.committed
def test_a_bundle_brings_along_the_stamps_that_cover_it(
    sealed: Epoch, tmp_path: Path, settings: LazySettings
) -> None:
    """Events of two epochs, a third epoch stamped: the chain between goes along, and OpenSSL says the rest."""
    ids = list(Event.objects.order_by("-id").values_list("id", flat=True)[:1])
    _more()
    stamped = _more()
    stamps.stamp_newest()
    _more()
    folder = tmp_path / "bundle"
    data, unsealed = bundle.build(ids)
    assert unsealed == 0
    zipfile.ZipFile(io.BytesIO(data)).extractall(folder)

    def run() -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-I", "-S", str(folder / "verify.py")]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    covered = f"stamps/epoch-{stamped.n}.tsr covers the events of epochs {sealed.n} to {sealed.n}."
    assert covered in done.stdout
    command = next(
        line.split()[1:] for line in (folder / "README.txt").read_text().splitlines() if "ts -verify" in line
    )
    files = [str(folder / word.replace("-N.", f"-{stamped.n}.")) if "/" in word else word for word in command]
    assert "Verification: OK" in openssl(*files).stdout
    text = folder / "stamps" / f"epoch-{stamped.n}.txt"
    kept = text.read_text()
    text.write_text(kept.replace("chartroom", "Chartroom"))
    assert run().returncode == 1
    assert openssl(*files).returncode != 0
    text.write_text(kept)
    whole = (folder / "bundle.json").read_text()
    (folder / "bundle.json").write_text(whole.replace(f'"n": {stamped.n - 1},', f'"n": {10**6},'))
    assert covered not in run().stdout


@pytest.mark.committed
def test_a_bundle_whose_stamp_is_far_away_comes_without(
    sealed: Epoch, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = list(Event.objects.order_by("-id").values_list("id", flat=True)[:1])
    _more()
    _more()
    stamps.stamp_newest()
    monkeypatch.setattr(bundle, "MOST_LINKS", 1)
    names = zipfile.ZipFile(io.BytesIO(bundle.build(ids)[0])).namelist()
    assert not [name for name in names if name.startswith("stamps/")]


@pytest.mark.committed
def test_checkpoints_name_the_stamp(sealed: Epoch) -> None:
    assert checkpoints.newest(1)[0]["stamp"] is None
    stamp = stamps.stamp_newest()
    assert stamp
    assert checkpoints.newest(1)[0]["stamp"] == stamp.as_dict()
