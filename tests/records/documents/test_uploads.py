"""Files on their way in: encrypted while they are read, refused early, never left behind."""

import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from common.errors import BadFile, Unavailable
from patients.models import Patient
from records.documents import files, held, uploads
from records.documents.models import Document
from records.documents.storage import vault
from tests.records.documents import samples

BOUNDARY = "chartroom-test"
Browse = Callable[[User], Client]


def body(data: bytes, name: str = "letter.pdf", fields: dict[str, str] | None = None) -> bytes:
    """A multipart body: fields first, then the file, as browsers send them."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in (fields or {}).items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return b"".join(parts) + head.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()


def post(sent: bytes, user: Any, *, announced: int | None = None, stream: Any = None) -> WSGIRequest:
    """A POST as the server hands it over, before anything of it is read."""
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "POST",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "CONTENT_TYPE": f"multipart/form-data; boundary={BOUNDARY}",
            "CONTENT_LENGTH": str(announced if announced is not None else len(sent)),
            "wsgi.input": stream or io.BytesIO(sent),
        }
    )
    request.user = user
    return request


def parts() -> set[Path]:
    return set(vault().incoming.glob("*.part"))


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = parts()
    yield
    assert parts() == before


def test_an_upload_is_encrypted_before_it_is_whole(clerk: User) -> None:
    data = samples.text_pdf()
    request = post(body(data, fields={"title": "Letter"}), clerk)
    upload = request.FILES["file"]
    assert isinstance(upload, uploads.VaultUpload)
    assert (upload.size, upload.read(), upload.name) == (len(data), data, "letter.pdf")
    assert b"".join(upload.chunks()) == data
    assert upload.staged.head == data[:4096]
    assert b"%PDF" not in upload.staged.path.read_bytes()
    assert request.POST["title"] == "Letter"
    uploads.check(request)
    request.close()
    assert upload.closed


def test_strangers_send_nothing() -> None:
    from django.contrib.auth.models import AnonymousUser

    class NeverRead(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("The body of a stranger was read.")

    with pytest.raises(PermissionDenied):
        post(b"", AnonymousUser(), announced=1000, stream=NeverRead()).FILES


class Breaks(io.BytesIO):
    """A connection that is reset where its data ends."""

    def read(self, *args: Any) -> bytes:
        data = super().read(*args)
        if not data:
            raise OSError("connection reset")
        return data


def test_an_upload_that_breaks_off_leaves_nothing(clerk: User, patient: Patient, browse: Browse) -> None:
    whole = body(b"%PDF-1.7" + bytes(3_000_000))
    before = parts()
    client = browse(clerk)
    client.raise_request_exception = False
    for path in ("/api/v1/documents/", f"/documents/file/{patient.pk}/"):
        response = client.generic(
            "POST", path, b"", content_type=f"multipart/form-data; boundary={BOUNDARY}",
            CONTENT_LENGTH=str(len(whole)), **{"wsgi.input": Breaks(whole[:2_000_000])},
        )  # fmt: skip
        assert response.status_code >= 400
        assert parts() == before
    assert not Document.objects.filter(patient=patient).exists()


def test_an_upload_that_ends_too_early_is_not_taken_for_a_whole_one(clerk: User) -> None:
    whole = body(b"%PDF-1.7" + bytes(3_000_000))
    for cut in (1_500_000, len(whole) - 4):
        request = post(whole[:cut], clerk, announced=len(whole))
        with pytest.raises(BadFile, match="cut off") as refused:
            uploads.check(request)
        assert refused.value.status == 400
        request.close()


def test_a_file_over_the_limit_is_refused_while_it_is_read(clerk: User, settings: LazySettings) -> None:
    settings.MAX_UPLOAD_BYTES = 1_000_000
    request = post(body(bytes(1_500_000)), clerk)
    with pytest.raises(BadFile, match="larger than 1 MB") as refused:
        uploads.check(request)
    assert refused.value.status == 413
    assert not request.FILES


@pytest.mark.parametrize(
    "path", ["/api/v1/documents/", "/documents/file/00000000-0000-7000-8000-000000000000/"]
)
def test_a_body_that_says_it_is_too_large_is_refused_unread(
    clerk: User, browse: Browse, settings: LazySettings, path: str
) -> None:
    settings.MAX_UPLOAD_BYTES = 1_000_000
    client = browse(clerk)

    class NeverRead(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise AssertionError("The body was read.")

    response = client.generic(
        "POST", path, b"", content_type=f"multipart/form-data; boundary={BOUNDARY}",
        CONTENT_LENGTH="999000000", **{"wsgi.input": NeverRead()},
    )  # fmt: skip
    assert response.status_code == 413
    assert b"larger than 1 MB" in response.content


def test_a_disk_without_room_refuses_before_reading(clerk: User) -> None:
    with patch.object(type(vault()), "free_bytes", return_value=1_000):
        request = post(body(samples.text_pdf()), clerk)
        with pytest.raises(Unavailable, match="storage is full"):
            uploads.check(request)


def test_a_disk_that_fills_up_while_reading_leaves_nothing(clerk: User) -> None:
    from records.documents.sealed import Incoming, VaultFull

    def full(self: Incoming, data: bytes) -> None:
        raise VaultFull("full")

    with patch.object(Incoming, "write", full):
        request = post(body(samples.text_pdf()), clerk)
        with pytest.raises(Unavailable, match="storage is full"):
            uploads.check(request)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../../etc/passwd", "passwd"),
        ("C:\\\\scans\\\\letter.pdf", "letter.pdf"),
        ("\u202egpj.exe", "gpj.exe"),
        ("a%0d%0aSet-Cookie.pdf", "a%0d%0aSet-Cookie.pdf"),
    ],
)
def test_hostile_names_are_only_ever_shown(clerk: User, sent: str, shown: str) -> None:
    request = post(body(samples.text_pdf(), sent), clerk)
    upload = request.FILES["file"]
    assert upload.name == shown
    assert upload.staged.path.parent == vault().incoming
    request.close()


def test_a_form_that_comes_back_keeps_its_file_for_the_same_person(clerk: User, supervisor: User) -> None:
    data = samples.text_pdf()
    upload = files.stage([data], "letter.pdf")
    token = held.hold(upload, clerk)
    upload.close()
    again = held.take(token, clerk)
    assert (again.read(), again.name, again.sha256) == (data, "letter.pdf", upload.sha256)
    assert again.staged.head == data[:4096]
    for text, user in ((token, supervisor), (token[:-2] + "xx", clerk), ("", clerk)):
        with pytest.raises(BadFile, match="Choose it again"):
            held.take(text, user)
    with patch(
        "django.core.signing.time.time", return_value=(timezone.now() + timedelta(days=2)).timestamp()
    ):
        with pytest.raises(BadFile, match="Choose it again"):
            held.take(token, clerk)
    again.close()
    with pytest.raises(BadFile, match="Choose it again"):
        held.take(token, clerk)


def test_a_form_whose_parts_have_no_boundary_is_refused_in_a_sentence(clerk: User, api: Any) -> None:
    answer = api(clerk).post("/api/v1/documents/", b"a file", content_type="multipart/form-data")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
