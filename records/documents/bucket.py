"""Files in a bucket of an S3 server, under the same names as in a folder.

They are received and encrypted on this machine's disk and go up when they are kept, in parts where they are
large; they come down in ranges. No file is ever in memory whole. boto3 is imported at the first use: a
Chartroom with a folder never pays for it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from records.documents.sealed import Damaged, Missing, VaultError, VaultFull, disk_errors
from records.documents.shelf import ADDRESS, Lying, check_address

PART_BYTES = 8 * 1024 * 1024  # S3 takes parts of 5 MiB and more, and at most 10,000 of them
FIRST_BYTES = 1024 * 1024  # a page image comes whole with the first request
AHEAD_BYTES = 4 * 1024 * 1024
TRIES = 3
_making = Lock()  # clients can be shared between threads, but not made in several at once
FULL = {"XMinioStorageFull", "QuotaExceeded", "StorageFull", "InsufficientStorage", "TooManyBytes"}
REFUSED = {401, 403}


@cache
def _session() -> Any:
    """What boto3 knows of S3: loaded once, because it is slow."""
    from boto3.session import Session

    return Session()


@dataclass(frozen=True, repr=False)
class Server:
    """An S3 server and how to sign in there. What is empty, boto3 finds by its own rules (AWS_…, a role)."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = ""

    def client(self, *, patience: tuple[float, float, int]) -> Any:
        """A client that waits so long for a connection and for an answer (seconds), and tries so often."""
        from botocore.config import Config

        connect, read, tries = patience
        return _session().client(
            "s3",
            endpoint_url=self.endpoint or None,
            region_name=self.region or None,
            aws_access_key_id=self.access_key or None,
            aws_secret_access_key=self.secret_key or None,
            config=Config(
                connect_timeout=connect,
                read_timeout=read,
                retries={"mode": "standard", "total_max_attempts": tries},
                # A server of the hospital's own seldom has a name of its own for each bucket.
                s3={"addressing_style": "path" if self.endpoint else "auto"},
            ),
        )


class BucketShelf:
    """PREFIX/objects/ab/cd/abcd…: one object for each address."""

    def __init__(self, server: Server, incoming: Path) -> None:
        self.server = server
        self.incoming = incoming
        self._clients: dict[tuple[float, float, int], Any] = {}
        with disk_errors():
            incoming.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __str__(self) -> str:
        where = f" at {self.server.endpoint}" if self.server.endpoint else ""
        return f"the bucket {self.server.bucket}{where}"

    def _client(self, patience: tuple[float, float, int] = (3, 20, TRIES)) -> Any:
        with _making:
            if patience not in self._clients:
                self._clients[patience] = self.server.client(patience=patience)
            return self._clients[patience]

    def _under(self, sha256: str = "") -> str:
        start = f"{self.server.prefix}/objects/" if self.server.prefix else "objects/"
        return f"{start}{sha256[:2]}/{sha256[2:4]}/{check_address(sha256)}" if sha256 else start

    def _at(self, sha256: str) -> dict[str, str]:
        return {"Bucket": self.server.bucket, "Key": self._under(check_address(sha256))}

    def check(self) -> None:
        if not os.access(self.incoming, os.W_OK | os.X_OK):
            raise VaultError(f"Files cannot be received in {self.incoming}.")
        with self._errors():
            self._client((1, 2, 1)).list_objects_v2(
                Bucket=self.server.bucket, Prefix=self._under(), MaxKeys=1
            )

    def place(self, sha256: str, path: Path) -> None:
        self._send(sha256, path, IfNoneMatch="*")

    def replace(self, sha256: str, path: Path) -> None:
        self._send(sha256, path)

    def _send(self, sha256: str, path: Path, **condition: str) -> None:
        at = self._at(sha256)
        with self._errors(), disk_errors():
            send = self._put if path.stat().st_size <= PART_BYTES else self._put_in_parts
            for attempt in range(1, TRIES + 1):
                try:
                    send(at, path, condition)
                    break
                except Exception as error:
                    # 412: it is there. 409: somebody stores the same now. 404: the answer to our own completion
                    # was lost, and it was asked for again.
                    status = _status(error)
                    if status not in {404, 409, 412} or _code(error) == "NoSuchBucket":
                        raise
                    if condition and self.holds(sha256):
                        break
                    if attempt == TRIES:
                        raise
            path.unlink(missing_ok=True)

    def _put(self, at: dict[str, str], path: Path, condition: dict[str, str]) -> None:
        self._client().put_object(**at, Body=path.read_bytes(), **condition)

    def _put_in_parts(self, at: dict[str, str], path: Path, condition: dict[str, str]) -> None:
        """Each part is held in memory by itself. What goes wrong takes the parts sent so far with it."""
        client = self._client()
        if condition and self._exists(at):
            return
        # boto3 adds this to each part by itself, and AWS then wants it said at the beginning.
        is_plain = client.meta.config.request_checksum_calculation == "when_required"
        summed = {} if is_plain else {"ChecksumAlgorithm": "CRC32"}
        upload = client.create_multipart_upload(**at, **summed)["UploadId"]
        try:
            parts: list[dict[str, Any]] = []
            with path.open("rb") as file:
                while piece := file.read(PART_BYTES):
                    number = len(parts) + 1
                    sent = client.upload_part(**at, UploadId=upload, PartNumber=number, Body=piece)
                    named = {key: sent[key] for key in ("ETag", "ChecksumCRC32") if key in sent}
                    parts.append({"PartNumber": number, **named})
            client.complete_multipart_upload(
                **at, UploadId=upload, MultipartUpload={"Parts": parts}, **condition
            )
        except BaseException:
            with suppress(Exception):  # the sweeper does it later
                client.abort_multipart_upload(**at, UploadId=upload)
            raise

    def source(self, sha256: str) -> "ObjectSource":
        at = self._at(sha256)

        def fetch(offset: int, length: int) -> tuple[bytes, int]:
            with self._errors():
                return self._range(at, offset, length)

        return ObjectSource(fetch)

    def _range(self, at: dict[str, str], offset: int, length: int) -> tuple[bytes, int]:
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        wanted = f"bytes={offset}-{offset + length - 1}"
        for attempt in range(1, TRIES + 1):
            try:
                answer = self._client().get_object(**at, Range=wanted)
                data = answer["Body"].read()
                break
            except (HTTPClientError, IncompleteReadError):  # boto3 repeats no answer that breaks off
                if attempt == TRIES:
                    raise
        return data, int(answer["ContentRange"].rpartition("/")[2])

    def holds(self, sha256: str) -> bool:
        with self._errors():
            return self._exists(self._at(sha256))

    def _exists(self, at: dict[str, str]) -> bool:
        try:
            self._client().head_object(**at)
        except Exception as error:
            if _status(error) == 404:
                return False
            raise
        return True

    def remove(self, sha256: str) -> None:
        with self._errors():
            self._client().delete_object(**self._at(sha256))

    def listing(self) -> Iterator[Lying]:
        pages = self._client().get_paginator("list_objects_v2")
        with self._errors():
            for page in pages.paginate(Bucket=self.server.bucket, Prefix=self._under()):
                for found in page.get("Contents", ()):
                    name = found["Key"].rpartition("/")[2]
                    if ADDRESS.fullmatch(name):
                        yield Lying(name, found["Size"], found["LastModified"])

    def sweep(self, before: datetime) -> int:
        removed = 0
        with self._errors():
            pages = self._client().get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self.server.bucket, Prefix=self._under()):
                for upload in page.get("Uploads", ()):
                    if upload["Initiated"] < before:
                        self._client().abort_multipart_upload(
                            Bucket=self.server.bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                        )
                        removed += 1
        return removed

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what boto3 raises into the vault's own words."""
        try:
            yield
        except VaultError:
            raise
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in {"botocore", "boto3", "urllib3"}:
                raise
            raise self._in_words(error) from error

    def _in_words(self, error: Exception) -> VaultError:
        status, code = _status(error), _code(error)
        if code == "NoSuchBucket":
            return VaultError(f"There is no such bucket: {self}.")
        if code in FULL or status == 507:
            return VaultFull(f"There is no room left in {self}.")
        if status in {404, 410}:
            return Missing("The stored file is not there.")
        if status == 416:
            return Damaged("The stored file is cut off.")
        if status in REFUSED:
            return VaultError(f"The storage server refuses our keys for {self} ({code}).")
        if status:
            return VaultError(f"The storage server of {self} is in trouble ({status} {code}).")
        name = type(error).__name__
        if "Credentials" in name:
            return VaultError(f"There are no keys for {self}: set CHARTROOM_S3_ACCESS_KEY and _SECRET_KEY.")
        return VaultError(f"The storage server of {self} does not answer ({name}).")


def _status(error: Exception) -> int:
    """The HTTP status that the server answered with; 0 when it did not answer."""
    response = getattr(error, "response", None)
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) if isinstance(response, dict) else 0


def _code(error: Exception) -> str:
    response = getattr(error, "response", None)
    return response.get("Error", {}).get("Code", "") if isinstance(response, dict) else ""


class ObjectSource:
    """An encrypted file in a bucket. Whoever reads through it has the next ranges fetched ahead."""

    def __init__(self, fetch: Callable[[int, int], tuple[bytes, int]]) -> None:
        self._fetch = fetch
        self._at = 0
        self._window, self.size = fetch(0, FIRST_BYTES)

    def read(self, offset: int, length: int) -> bytes:
        end = min(offset + length, self.size)
        held = self._at + len(self._window)
        if offset >= end:
            return b""
        if not self._at <= offset <= held:  # the end, to see that nothing was cut off
            return self._fetch(offset, end - offset)[0]
        if end > held:
            self._window, _ = self._fetch(offset, max(end - offset, AHEAD_BYTES))
            self._at = offset
        return self._window[offset - self._at : end - self._at]

    def close(self) -> None:
        self._window = b""
