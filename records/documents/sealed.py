"""How one stored file is made and read: a header, and a row of encrypted chunks.

The header holds a data key of its own, wrapped by a master key; a file can therefore be opened with the
master keys alone, whatever became of the database. Each chunk is AES-256-GCM with the nonce prefix, chunk
number, "this is the last one" (the STREAM construction), so a chunk that was changed, moved, left out or cut
off is found. Nothing is ever held in memory whole.
"""

import errno
import hashlib
import os
import secrets
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.keyring import WRAPPED_BYTES, Keyring, KeyringError
from records.documents.newfile import NewFile

MAGIC = b"CRV1"
CHUNK_BYTES = 256 * 1024
TAG_BYTES = 16
HEADER = struct.Struct(f">4sI7sB32s{WRAPPED_BYTES}s20x")
BESIDE_BYTES = 512 * 1024  # from here on hashing beside encrypting is worth a thread
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class VaultError(Exception):
    """A file could not be stored or read."""


class VaultFull(VaultError):
    """There is no room left; nothing of the file was kept."""


class Missing(VaultError):
    """No file has this address."""


class Damaged(VaultError):
    """What lies in the vault is not what was put there."""


@dataclass(frozen=True)
class Header:
    """The first 128 bytes of a stored file."""

    chunk_bytes: int
    prefix: bytes
    key_id: str
    wrapped: bytes

    @property
    def chunk_data(self) -> bytes:
        """What every chunk is bound to. Without the wrapped key: another master key changes no chunk."""
        return MAGIC + struct.pack(">I7s", self.chunk_bytes, self.prefix)

    @property
    def key_data(self) -> bytes:
        return self.chunk_data + self.key_id.encode()

    def pack(self) -> bytes:
        name = self.key_id.encode()
        return HEADER.pack(MAGIC, self.chunk_bytes, self.prefix, len(name), name, self.wrapped)

    @classmethod
    def unpack(cls, raw: bytes) -> "Header":
        if len(raw) != HEADER.size:
            raise Damaged("The stored file is cut off in its header.")
        magic, chunk_bytes, prefix, length, name, wrapped = HEADER.unpack(raw)
        if magic != MAGIC or not 1 <= chunk_bytes <= 2**24 or not 1 <= length <= 32:
            raise Damaged("The stored file does not begin as the vault writes it.")
        try:
            key_id = name[:length].decode("ascii")
        except UnicodeDecodeError as error:
            raise Damaged("The stored file names no key.") from error
        header = cls(chunk_bytes, prefix, key_id, wrapped)
        if header.pack() != raw:
            raise Damaged("The stored file's header holds something the vault never writes.")
        return header

    def nonce(self, number: int, *, last: bool) -> bytes:
        return self.prefix + struct.pack(">IB", number, last)


@dataclass(frozen=True)
class Staged:
    """A whole file under incoming/, not yet kept. `head` is its first bytes in the clear, for sniffing."""

    path: Path
    sha256: str
    size_bytes: int
    head: bytes


class Incoming:
    """A file on its way in. Write, then finish(); leaving the `with` block without finish() removes it."""

    HEAD_BYTES = 4096

    def __init__(self, folder: Path, keyring: Keyring, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.path = folder / f"{secrets.token_hex(16)}.part"
        data_key = AESGCM.generate_key(256)
        prefix = os.urandom(7)
        unwrapped = Header(chunk_bytes, prefix, keyring.current, b"")
        self._header = Header(
            chunk_bytes, prefix, keyring.current, keyring.wrap(data_key, unwrapped.key_data)
        )
        self._cipher = AESGCM(data_key)
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self._number = 0
        self._size = 0
        self._head = b""
        self._finished = False
        self._beside: ThreadPoolExecutor | None = None
        with disk_errors():
            self._file = NewFile(self.path, chunk_bytes + TAG_BYTES)
        self._file.write(self._header.pack())

    def write(self, data: bytes | memoryview) -> None:
        """Take the next bytes. Raises VaultFull; then nothing of the file remains."""
        view = memoryview(data)
        if len(self._head) < self.HEAD_BYTES:
            self._head += bytes(view[: self.HEAD_BYTES - len(self._head)])
        self._size += len(view)
        if len(view) < BESIDE_BYTES:
            self._hash.update(view)
            self._take(view)
            return
        self._beside = self._beside or ThreadPoolExecutor(1, thread_name_prefix="hash")
        hashed = self._beside.submit(self._hash.update, view)
        try:
            self._take(view)
        finally:
            hashed.result()  # the caller may use the bytes' room again

    def _take(self, view: memoryview) -> None:
        chunk_bytes = self._header.chunk_bytes
        # One chunk always waits, because only the end tells which chunk is the last one.
        if self._waiting:
            room = chunk_bytes - len(self._waiting)
            self._waiting += view[:room]
            view = view[room:]
            if not view:
                return
            self._seal(self._waiting, last=False)
            self._waiting.clear()
        while len(view) > chunk_bytes:
            self._seal(view[:chunk_bytes], last=False)
            view = view[chunk_bytes:]
        self._waiting += view

    def finish(self) -> Staged:
        """Close the file and have it on the disk."""
        self._seal(self._waiting, last=True)
        self._waiting.clear()
        try:
            with disk_errors():
                self._file.finish()
            self._end_beside()
        except BaseException:
            self.abandon()
            raise
        self._finished = True
        return Staged(self.path, self._hash.hexdigest(), self._size, self._head)

    def abandon(self) -> None:
        """Remove what was written."""
        self._end_beside()
        self._file.close()
        self.path.unlink(missing_ok=True)

    def _end_beside(self) -> None:
        if self._beside:
            self._beside.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._finished:
            self.abandon()

    def _seal(self, plain: bytearray | memoryview, *, last: bool) -> None:
        length = len(plain) + TAG_BYTES
        nonce = self._header.nonce(self._number, last=last)
        self._cipher.encrypt_into(nonce, plain, self._header.chunk_data, self._file.room(length))
        self._number += 1
        try:
            with disk_errors():
                self._file.add(length)
        except BaseException:
            self.abandon()
            raise


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn a disk's refusal into the vault's own words."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise VaultFull("There is no room left to store files.") from error
        raise VaultError("The file storage does not answer.") from error


class Source(Protocol):
    """An encrypted file as it lies on its shelf."""

    size: int

    def read(self, offset: int, length: int) -> bytes:
        """These bytes; fewer where the file ends. Raises Missing or VaultError."""

    def close(self) -> None:
        """Nothing more will be read."""


class FileSource:
    """An encrypted file on the disk. Raises Missing or VaultError."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("rb", buffering=0)
        except FileNotFoundError as error:
            raise Missing("The stored file is not there.") from error
        except OSError as error:
            raise VaultError("The file storage does not answer.") from error
        self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, length: int) -> bytes:
        with disk_errors():
            return os.pread(self._file.fileno(), length, offset)

    def close(self) -> None:
        self._file.close()


class Stored:
    """A stored file opened for reading. Its length is proven on opening, each byte when it is read."""

    def __init__(self, source: Source, keyring: Keyring) -> None:
        self.source = source
        try:
            self._open(keyring)
        except BaseException:
            self.source.close()
            raise

    def _open(self, keyring: Keyring) -> None:
        self.header = Header.unpack(self.source.read(0, HEADER.size))
        try:
            data_key = keyring.unwrap(self.header.key_id, self.header.wrapped, self.header.key_data)
        except KeyringError as error:
            raise Damaged(str(error)) from error
        self._cipher = AESGCM(data_key)
        body = self.source.size - HEADER.size
        sealed_bytes = self.header.chunk_bytes + TAG_BYTES
        self._count = max(1, -(-body // sealed_bytes))
        self.size_bytes = body - self._count * TAG_BYTES
        if self.size_bytes < 0:
            raise Damaged("The stored file is cut off.")
        # Only the true last chunk opens as the last one: nothing was cut off.
        self._last = self._opened(self._count - 1)

    @property
    def key_id(self) -> str:
        """The master key that wraps this file now."""
        return self.header.key_id

    def _chunk(self, number: int) -> bytes:
        return self._last if number == self._count - 1 else self._opened(number)

    def _opened(self, number: int) -> bytes:
        sealed_bytes = self.header.chunk_bytes + TAG_BYTES
        wanted = min(sealed_bytes, self.size_bytes + self._count * TAG_BYTES - number * sealed_bytes)
        sealed = self.source.read(HEADER.size + number * sealed_bytes, wanted)
        nonce = self.header.nonce(number, last=number == self._count - 1)
        try:
            return self._cipher.decrypt(nonce, sealed, self.header.chunk_data)
        except (InvalidTag, ValueError) as error:
            raise Damaged("A part of the stored file was changed, moved or cut off.") from error

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to, not including, `end`, some at a time."""
        end = self.size_bytes if end is None else min(end, self.size_bytes)
        size = self.header.chunk_bytes
        while start < end:
            number, within = divmod(start, size)
            piece = self._chunk(number)[within : within + end - start]
            yield piece
            start += len(piece)

    def read(self) -> bytes:
        """Everything at once: for small files such as page images only."""
        return b"".join(self.chunks())

    def close(self) -> None:
        self.source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
