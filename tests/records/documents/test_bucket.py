"""What only a bucket can do to us: servers that are away, slow, full or in trouble, and transfers cut off half way."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from common.errors import Unavailable
from common.jobs.models import Heartbeat
from common.jobs.services import WORKER
from common.keyring import Keyring
from patients.models import Patient
from records.documents import bucket as bucket_module
from records.documents import files, held
from records.documents.bucket import PART_BYTES, BucketShelf
from records.documents.models import Blob, Document, Page
from records.documents.storage import vault as vault_of_settings
from records.documents.vault import Damaged, Missing, Staged, Vault, VaultError, VaultFull
from tests.records.documents import s3, samples
from tests.records.documents.conftest import file, work
from tests.records.documents.lying import fill_the_disk_of, leftovers, raw

KEYS = Keyring({"old": bytes([1]) * 32})
LARGE = 2 * PART_BYTES + 5
ANY = "ab" * 32
USES_A_FOLDER = """
import sys
import django
django.setup()
from records.documents.storage import vault
vault().put(b"x")
print("boto3" in sys.modules)
"""


@pytest.fixture
def vault(bucket: s3.Bucket, tmp_path: Path) -> Vault:
    return Vault(bucket.shelf(tmp_path / "staging"), KEYS)


def received(vault: Vault, data: bytes) -> Staged:
    with vault.receive() as incoming:
        incoming.write(data)
        return incoming.finish()


def objects(bucket: s3.Bucket) -> list[str]:
    return [found["Key"] for found in bucket.client.list_objects_v2(Bucket=bucket.name).get("Contents", ())]


def unfinished(bucket: s3.Bucket) -> list[str]:
    found = bucket.client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", ())
    return [upload["UploadId"] for upload in found]


def client_of(vault: Vault) -> Any:
    shelf = vault.shelf
    assert isinstance(shelf, BucketShelf)
    return shelf._client()


# -- Transfers ---------------------------------------------------------------------------------------------------


def test_names_are_those_of_the_folder_under_the_prefix(vault: Vault, bucket: s3.Bucket) -> None:
    address = vault.put(b"letter")
    assert objects(bucket) == [f"chartroom/files/objects/{address[:2]}/{address[2:4]}/{address}"]


def test_a_large_file_goes_up_in_parts_and_comes_down_whole(vault: Vault, bucket: s3.Bucket) -> None:
    data = os.urandom(LARGE)
    sizes: list[int] = []
    client = client_of(vault)
    send = client.upload_part
    with patch.object(
        client, "upload_part", side_effect=lambda **call: sizes.append(len(call["Body"])) or send(**call)
    ):
        address = vault.put(data)
    assert sizes[:2] == [PART_BYTES, PART_BYTES]
    assert len(sizes) == 3
    with vault.open(address) as stored:
        assert stored.read() == data
    assert unfinished(bucket) == []
    assert leftovers(vault) == []


@pytest.mark.parametrize(("asked", "is_summed"), [("when_supported", True), ("when_required", False)])
def test_parts_have_the_checksum_that_was_announced(
    asked: str, is_summed: bool, bucket: s3.Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS refuses parts with a sum that their beginning did not name; older servers know no such sums."""
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", asked)
    vault = Vault(bucket.shelf(tmp_path / "staging"), KEYS)
    client, sent = client_of(vault), []
    client.meta.events.register(
        "before-send.s3",
        lambda request, **_: sent.append(
            (request.method, sorted(name for name in request.headers if name.startswith("x-amz-checksum")))
        ),
    )
    data = os.urandom(LARGE)
    assert vault.verify(vault.put(data)) == LARGE
    begun = ["x-amz-checksum-algorithm"] if is_summed else []
    part = ["x-amz-checksum-crc32"] if is_summed else []
    assert [names for method, names in sent if method == "PUT"] == [part] * 3
    assert [names for method, names in sent if method == "POST"] == [begun, []]


def test_a_small_file_is_opened_and_read_with_one_request(vault: Vault) -> None:
    address = vault.put(os.urandom(300_000))
    client = client_of(vault)
    with patch.object(client, "get_object", side_effect=client.get_object) as asked:
        with vault.open(address) as stored:
            stored.read()
        assert asked.call_count == 1


@pytest.mark.parametrize("size", [100, LARGE])
def test_what_is_there_is_never_overwritten(size: int, vault: Vault, bucket: s3.Bucket) -> None:
    data = os.urandom(size)
    address = vault.put(data)
    before = raw(vault, address)
    client = client_of(vault)
    with patch.object(client, "head_object", side_effect=client.head_object):
        vault.put(data)
    assert raw(vault, address) == before
    assert unfinished(bucket) == []


@pytest.mark.parametrize("size", [100, LARGE])
def test_two_who_store_the_same_at_once_store_it_once(size: int, bucket: s3.Bucket, tmp_path: Path) -> None:
    data = os.urandom(size)
    barrier = Barrier(2)
    addresses: list[str] = []

    def store(number: int) -> None:
        own = Vault(bucket.shelf(tmp_path / str(number)), KEYS)
        staged = received(own, data)
        barrier.wait()
        addresses.append(own.keep(staged))

    threads = [Thread(target=store, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(addresses)) == 1
    assert len(addresses) == 2
    assert len(objects(bucket)) == 1
    assert unfinished(bucket) == []
    assert Vault(bucket.shelf(tmp_path / "third"), KEYS).verify(addresses[0]) == size


def test_a_transfer_that_breaks_off_leaves_nothing_there_and_the_file_here(
    vault: Vault, bucket: s3.Bucket
) -> None:
    data = os.urandom(LARGE)
    staged = received(vault, data)
    client = client_of(vault)
    send = client.upload_part

    def breaks(**call: Any) -> Any:
        if call["PartNumber"] == 2:
            raise ConnectionResetError
        return send(**call)

    with patch.object(client, "upload_part", side_effect=breaks), pytest.raises(VaultError):
        vault.keep(staged)
    assert objects(bucket) == []
    assert unfinished(bucket) == []
    assert staged.path.exists()
    assert vault.keep(staged) == staged.sha256
    assert vault.verify(staged.sha256) == len(data)


def test_parts_of_a_killed_transfer_are_swept_when_they_are_old(vault: Vault, bucket: s3.Bucket) -> None:
    address = vault.put(b"kept")
    key = f"chartroom/files/objects/aa/bb/{'aabb' * 16}"
    upload = bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    bucket.client.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=1, Body=b"part")
    begun = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"][0]["Initiated"]
    assert vault.shelf.sweep(begun - timedelta(seconds=1)) == 0
    assert unfinished(bucket) == [upload]
    assert vault.shelf.sweep(begun + timedelta(seconds=1)) == 1
    assert unfinished(bucket) == []
    assert vault.holds(address)


def test_the_answer_to_a_completion_that_got_lost_is_no_failure(vault: Vault) -> None:
    """boto3 asks again, and the server says that it knows no such transfer: it is finished."""
    data = os.urandom(LARGE)
    staged = received(vault, data)
    client = client_of(vault)
    complete = client.complete_multipart_upload

    def twice(**call: Any) -> Any:
        complete(**call)
        return complete(**call)

    with patch.object(client, "complete_multipart_upload", side_effect=twice):
        vault.keep(staged)
    assert vault.verify(staged.sha256) == len(data)


def test_an_answer_that_breaks_off_is_asked_for_again(vault: Vault) -> None:
    from botocore.exceptions import ResponseStreamingError

    address = vault.put(b"letter")
    client = client_of(vault)
    get = client.get_object
    failures = iter([True, True, False])

    def breaks(**call: Any) -> Any:
        answer = get(**call)
        if next(failures):
            answer["Body"] = type(
                "Broken",
                (),
                {"read": lambda self: (_ for _ in ()).throw(ResponseStreamingError(error="cut"))},
            )()
        return answer

    with patch.object(client, "get_object", side_effect=breaks), vault.open(address) as stored:
        assert stored.read() == b"letter"


# -- Servers in trouble ------------------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 tries again without waiting."""
    from botocore.retries.standard import ExponentialBackoff

    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *args: 0)


@contextmanager
def answering(status: int, code: str) -> Iterator[str]:
    """A server that says nothing but this."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def check_says(vault: Vault, kind: type[VaultError], words: str) -> None:
    """Reading and storing both say so, and the file to be stored stays as it was received."""
    with pytest.raises(kind, match=words):
        vault.open(ANY)
    staged = received(vault, b"letter")
    with pytest.raises(kind, match=words):
        vault.keep(staged)
    with vault.open_staged(staged) as stored:
        assert stored.read() == b"letter"
    with pytest.raises(VaultError):
        vault.check()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (503, "SlowDown", VaultError, "in trouble .503 SlowDown"),
        (500, "InternalError", VaultError, "in trouble .500"),
        (403, "InvalidAccessKeyId", VaultError, "refuses our keys"),
        (403, "SignatureDoesNotMatch", VaultError, "refuses our keys"),
        (507, "XMinioStorageFull", VaultFull, "no room left"),
        (400, "QuotaExceeded", VaultFull, "no room left"),
        (405, "MethodNotAllowed", VaultError, "in trouble .405"),
    ],
)
def test_a_server_in_trouble_is_said(
    status: int, code: str, kind: type[VaultError], words: str, bucket: s3.Bucket, tmp_path: Path
) -> None:
    with answering(status, code) as endpoint:
        check_says(Vault(bucket.shelf(tmp_path / "staging", endpoint=endpoint), KEYS), kind, words)


def test_a_bucket_that_is_not_there_is_said(bucket: s3.Bucket, tmp_path: Path) -> None:
    vault = Vault(bucket.shelf(tmp_path / "staging", bucket="no-such-bucket"), KEYS)
    check_says(vault, VaultError, "no such bucket")


@pytest.mark.usefixtures("at_once")
def test_a_server_that_is_down_is_said(bucket: s3.Bucket, tmp_path: Path) -> None:
    vault = Vault(bucket.shelf(tmp_path / "staging", endpoint="http://127.0.0.1:1"), KEYS)
    check_says(vault, VaultError, "does not answer")


@pytest.mark.usefixtures("at_once")
def test_a_server_that_hangs_is_given_up(
    bucket: s3.Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = BucketShelf._client
    monkeypatch.setattr(
        BucketShelf, "_client", lambda self, patience=(0.2, 0.2, 2): real(self, (0.2, 0.2, patience[2]))
    )
    with silent() as endpoint:
        started = time.monotonic()
        check_says(
            Vault(bucket.shelf(tmp_path / "staging", endpoint=endpoint), KEYS), VaultError, "does not answer"
        )
        assert time.monotonic() - started < 15


def test_a_load_balancer_does_not_wait_for_a_server_that_hangs(bucket: s3.Bucket, tmp_path: Path) -> None:
    with silent() as endpoint:
        shelf = bucket.shelf(tmp_path / "staging", endpoint=endpoint)
        started = time.monotonic()
        with pytest.raises(VaultError, match="does not answer"):
            shelf.check()
        assert time.monotonic() - started < 5


@pytest.fixture
def no_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """boto3 knows nothing yet of this machine's AWS account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    bucket_module._session.cache_clear()
    yield
    bucket_module._session.cache_clear()


@pytest.mark.usefixtures("no_session")
def test_keys_that_are_not_given_are_asked_for(bucket: s3.Bucket, tmp_path: Path) -> None:
    vault = Vault(bucket.shelf(tmp_path / "staging", access_key="", secret_key=""), KEYS)
    with pytest.raises(VaultError, match="CHARTROOM_S3_ACCESS_KEY"):
        vault.open(ANY)


@pytest.mark.usefixtures("no_session")
def test_the_ordinary_variables_of_aws_are_keys_too(
    bucket: s3.Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", bucket.endpoint)
    vault = Vault(
        bucket.shelf(tmp_path / "staging", access_key="", secret_key="", region="", endpoint=""), KEYS
    )
    assert vault.verify(vault.put(b"letter")) == 6


def test_what_is_not_ours_in_the_bucket_is_left_alone(vault: Vault, bucket: s3.Bucket) -> None:
    address = vault.put(b"kept")
    for key in ("chartroom/files/objects/notes.txt", "other/objects/aa/bb/" + ANY):
        bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"x")
    assert list(vault.addresses()) == [address]
    with pytest.raises(Missing):
        vault.open(ANY)


# -- The whole house over a bucket -------------------------------------------------------------------------------


@pytest.mark.usefixtures("in_bucket")
def test_a_document_is_filed_read_and_shown_from_a_bucket(clerk: User, patient: Patient) -> None:
    data = samples.text_pdf([samples.LETTER_TEXT])
    document = file(clerk, patient, data)
    assert work() == 1
    document.refresh_from_db()
    version = document.current
    assert version is not None
    page = Page.objects.get(of=version)
    assert files.read_blob(version.blob_id) == data
    assert files.read_blob(str(page.view_id))[:4] == b"RIFF"
    assert (
        len(set(vault_of_settings().addresses()))
        == Blob.objects.filter(pk__in=[version.blob_id, page.view_id, page.thumbnail_id]).distinct().count()
    )
    assert leftovers(vault_of_settings()) == []


@pytest.mark.usefixtures("in_bucket")
def test_a_held_file_waits_on_this_machine(clerk: User) -> None:
    token = held.hold(files.stage([b"%PDF-1.7 again"], "a.pdf"), clerk)
    again = held.take(token, clerk)
    assert again.read() == b"%PDF-1.7 again"
    again.close()
    assert leftovers(vault_of_settings()) == []


@pytest.mark.usefixtures("at_once")
def test_filing_says_503_and_changes_nothing_while_the_server_is_away(
    in_bucket: s3.Bucket, clerk: User, patient: Patient, settings: LazySettings
) -> None:
    settings.S3_ENDPOINT = "http://127.0.0.1:1"
    settings.STORAGE += "/away"
    with pytest.raises(Unavailable, match="does not answer") as refused:
        file(clerk, patient, samples.text_pdf())
    assert refused.value.status == 503
    assert not Document.objects.filter(patient=patient).exists()
    assert objects(in_bucket) == []


def test_ready_asks_the_bucket(
    in_bucket: s3.Bucket, client: Client, settings: LazySettings, db: None
) -> None:
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"seen_at": datetime.now(tz=UTC)})
    assert client.get("/readyz").json()["storage"] is True
    settings.STORAGE = "s3://no-such-bucket"
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["storage"]) == (503, False)


def test_a_damaged_object_is_found(vault: Vault, bucket: s3.Bucket) -> None:
    address = vault.put(os.urandom(LARGE))
    (key,) = objects(bucket)
    whole = raw(vault, address)
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=whole[:-1])
    with pytest.raises(Damaged):
        vault.open(address)
    bucket.client.put_object(Bucket=bucket.name, Key=key, Body=b"")
    with pytest.raises(Damaged):
        vault.open(address)


def test_a_full_disk_here_is_said_before_anything_goes_up(vault: Vault, bucket: s3.Bucket) -> None:
    incoming = vault.receive()
    fill_the_disk_of(incoming)
    with pytest.raises(VaultFull):
        incoming.write(os.urandom(LARGE))
        incoming.finish()
    assert leftovers(vault) == []
    assert objects(bucket) == []


def test_a_folder_pays_nothing_for_what_it_does_not_use() -> None:
    """boto3 is some 40 MB in each process."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", USES_A_FOLDER], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
