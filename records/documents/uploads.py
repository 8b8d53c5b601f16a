"""Files on their way in: hashed and encrypted while the request is read, never in the clear on a disk.

Django would hold small files in memory and write large ones as clear text under /tmp. This handler, set for the
whole site, writes into the vault's incoming area instead. What nobody keeps goes when the request ends.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from redis.backoff import NoBackoff
from redis.retry import Retry

from audit.middleware import refusal_page
from common.api import problem_response, wants_json
from common.errors import BadFile, Refusal, TooMany, Unavailable
from records.documents.names import display_name
from records.documents.sealed import Staged, VaultError, VaultFull
from records.documents.storage import vault
from records.documents.vault import Vault

# Room for the other fields of the form, and what the disk must still have after a file has come.
FORM_BYTES = 1_000_000
RESERVE_BYTES = 20_000_000
PIECES_AHEAD = 2  # a megabyte each: memory stays flat
NO_ROOM = "The file storage is full, so the file was not taken. Nothing was changed. Tell the administrator."
NO_STORAGE = "The file storage does not answer, so the file was not taken. Nothing was changed."


def too_large() -> BadFile:
    """The refusal of a file above the limit, with the limit in it."""
    limit = settings.MAX_UPLOAD_BYTES // 1_000_000
    return BadFile(
        f"This file is larger than {limit} MB, the most that may be sent at once. Split it into parts.",
        code="too_large",
        status=413,
    )


class VaultUpload(UploadedFile):
    """A received file: encrypted in the vault's incoming area, with its hash, not yet kept."""

    def __init__(self, holder: Vault, staged: Staged, name: str, field_name: str) -> None:
        super().__init__(file=None, name=name, size=staged.size_bytes)
        self.holder = holder
        self.staged = staged
        self.field_name = field_name
        self.is_held = False  # records.documents.held: the file outlives this request

    @property
    def sha256(self) -> str:
        """The hash of the content, as hexadecimal digits."""
        return self.staged.sha256

    @property
    def closed(self) -> bool:
        return not self.staged.path.exists()

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The content in the clear, some at a time."""
        with self.holder.open_staged(self.staged) as stored:
            yield from stored.chunks()

    def read(self, size: int = -1) -> bytes:
        """The content, or its first `size` bytes; every call begins at the beginning."""
        with self.holder.open_staged(self.staged) as stored:
            return b"".join(stored.chunks(0, None if size < 0 else size))

    def open(self, *args: Any, **kwargs: Any) -> "VaultUpload":
        return self

    def seek(self, *args: Any) -> int:
        return 0

    def close(self) -> None:
        """Remove the file unless it was kept. Django calls this when the request has been answered."""
        if not self.is_held:
            self.holder.discard(self.staged)


class _Writing:
    """A file being written by a thread of its own: hashing, encrypting and the disk leave Python free to read on.

    It is also what Django closes when parsing fails: closing it removes the unfinished part.
    """

    def __init__(self, holder: Vault) -> None:
        self.incoming = holder.receive()
        self.is_finished = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upload")
        self._waiting: deque[Future[None]] = deque()

    def write(self, data: bytes) -> None:
        """Hand over the next bytes. Raises what went wrong with earlier ones."""
        while len(self._waiting) >= PIECES_AHEAD:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self.incoming.write, data))

    def finish(self) -> Staged:
        """Wait for the disk."""
        while self._waiting:
            self._waiting.popleft().result()
        self._thread.shutdown()
        staged = self.incoming.finish()
        self.is_finished = True
        return staged

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)
        if not self.is_finished:
            self.incoming.abandon()


class VaultUploadHandler(FileUploadHandler):
    """Writes each uploaded file straight into the vault's incoming area."""

    chunk_size = 1024 * 1024
    is_over = False  # the parser came to the end; it never gets to read a body without a boundary

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None
    ) -> None:
        """Before anything is read: strangers may not send files, and the disk must have room."""
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            raise PermissionDenied("Sign in before sending files.")
        self.vault = vault()
        self.expected = content_length
        self.received: list[VaultUpload] = []
        wait = seconds_to_wait(user.pk)
        if wait:
            self._refuse(TooMany(f"You sent very many files. Go on in {wait} seconds.", wait=wait))
        elif content_length > settings.MAX_UPLOAD_BYTES + FORM_BYTES:
            self._refuse(too_large())
        elif self.vault.free_bytes() < content_length + RESERVE_BYTES:
            self._refuse(Unavailable(NO_ROOM, code="storage_full"))

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file; a request already refused is read no further."""
        super().new_file(*args, **kwargs)
        if refused(self.request):
            raise StopUpload(connection_reset=True)
        try:
            self.file = _Writing(self.vault)
        except VaultError as error:
            self._stop(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Encrypt and write one piece."""
        if start + len(raw_data) > settings.MAX_UPLOAD_BYTES:
            self.file.close()
            self._refuse(too_large())
            raise StopUpload(connection_reset=True)
        try:
            self.file.write(raw_data)
        except VaultError as error:
            self._stop(error)

    def file_complete(self, file_size: int) -> VaultUpload | None:
        """The file is whole as far as the parser can tell; upload_complete() knows better."""
        try:
            staged = self.file.finish()
        except VaultError as error:
            self._stop(error)
        upload = VaultUpload(self.vault, staged, display_name(self.file_name), self.field_name or "file")
        self.received.append(upload)
        return upload

    def upload_complete(self) -> None:
        """Django takes a body that ends too early for a whole one: compare with what was announced."""
        self.is_over = True
        stream = getattr(self.request, "_stream", None)
        arrived = getattr(stream, "_pos", self.expected)
        if arrived < self.expected and not refused(self.request):
            self._refuse(
                BadFile(
                    "The file arrived cut off, so it was not taken. Send it again.",
                    code="cut_off",
                    status=400,
                )
            )
        if refused(self.request):
            for upload in self.received:
                upload.close()

    def upload_interrupted(self) -> None:
        """The parser gave up in the middle of a file."""
        if hasattr(self, "file"):
            self.file.close()

    def tidy(self) -> None:
        """Remove what parsing left when it ended in an error: Django removes nothing then."""
        if hasattr(self, "file"):
            self.file.close()
        if not self.is_over:
            for upload in getattr(self, "received", []):
                upload.close()

    def _refuse(self, refusal: Refusal) -> None:
        self.request.upload_refusal = refusal  # type: ignore[union-attr]

    def _stop(self, error: VaultError) -> None:
        full = isinstance(error, VaultFull)
        self._refuse(Unavailable(NO_ROOM if full else NO_STORAGE, code="storage_full" if full else "storage"))
        raise StopUpload(connection_reset=True) from error


def seconds_to_wait(user_id: object) -> int:
    """Counts one more call with files of this person in this minute; 0, or how long until the next.

    A program that has run wild must not fill the disk and the readers' queue. Counted in the queue's server, for all
    web servers together; when that does not answer, nobody is kept from working.
    """
    if not settings.UPLOADS_PER_MINUTE:
        return 0
    now = int(time.time())
    key = f"uploads:{user_id}:{now // 60}"
    server = counters()  # held to the end: a client that nobody holds closes its connections, in use or not
    try:
        counting = server.pipeline()
        counting.incr(key)
        counting.expire(key, 120)
        count, _ = counting.execute()
    except (redis.RedisError, OSError):
        return 0
    return 60 - now % 60 if count > settings.UPLOADS_PER_MINUTE else 0


@cache
def counters() -> redis.Redis:
    """A connection to the queue's server that gives up soon."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
    )


def refused(request: HttpRequest | None) -> Refusal | None:
    """Why a file of this request was not taken, if one was not."""
    return getattr(request, "upload_refusal", None)


def check(request: HttpRequest) -> None:
    """Raise what stopped an upload. Views ask before they complain that there is no file."""
    request.FILES  # noqa: B018  (parses the body, unless that has happened)
    refusal = refused(request)
    if refusal:
        raise refusal


def tidy(request: HttpRequest) -> None:
    """Remove unfinished parts of this request's uploads."""
    for handler in getattr(request, "_upload_handlers", ()):
        if isinstance(handler, VaultUploadHandler):
            handler.tidy()


class UploadMiddleware:
    """Refuses a body that says it is too large before a byte of it is read; leaves no part of one cut off."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            return self.get_response(request)
        finally:
            tidy(request)

    def process_view(self, request: HttpRequest, *args: Any) -> HttpResponse | None:
        """413 by the announced length; the length is binding, because the server reads no further."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not str(length).isdecimal() or int(length) <= settings.MAX_UPLOAD_BYTES + FORM_BYTES:
            return None
        refusal = too_large()
        if wants_json(request):
            return problem_response(refusal.status, refusal.code, refusal.message)
        return refusal_page(request, refusal)
