"""The vault keeps what it was given, finds what was changed, and leaves nothing half done."""

import hashlib
import itertools
import os
import resource
import tempfile
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.keyring import Keyring, KeyringError
from records.documents import sealed as sealed_module
from records.documents.folder import FolderShelf
from records.documents.sealed import BESIDE_BYTES, CHUNK_BYTES, HEADER, TAG_BYTES, FileSource
from records.documents.shelf import Shelf
from records.documents.vault import Damaged, Incoming, Missing, Stored, Vault, VaultFull
from tests.records.documents.lying import fill_the_disk_of, leftovers, raw, write_raw
from tests.records.documents.s3 import Bucket


def key(byte: int) -> bytes:
    return bytes([byte]) * 32


OLD = Keyring({"old": key(1)})
NEW = Keyring({"new": key(2), "old": key(1)})


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """Each of the two places where files may lie."""
    if request.param == "folder":
        return FolderShelf(tmp_path / "files")
    bucket: Bucket = request.getfixturevalue("bucket")
    return bucket.shelf(tmp_path / "staging")


@pytest.fixture
def vault(shelf: Shelf) -> Vault:
    return Vault(shelf, OLD)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_what_goes_in_comes_out(vault: Vault, size: int) -> None:
    data = os.urandom(size)
    address = vault.put(data)
    assert address == hashlib.sha256(data).hexdigest()
    with vault.open(address) as stored:
        assert stored.size_bytes == size
        assert stored.read() == data
    assert vault.verify(address) == size
    assert leftovers(vault) == []


@settings(deadline=None, max_examples=60)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=8), chunk=st.integers(1, 64))
def test_how_it_is_cut_up_does_not_matter(data: bytes, cuts: list[int], chunk: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with Incoming(Path(folder), OLD, chunk_bytes=chunk) as incoming:
            edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
            for start, end in itertools.pairwise(edges):
                incoming.write(data[start:end])
            staged = incoming.finish()
        assert staged.sha256 == hashlib.sha256(data).hexdigest()
        assert staged.size_bytes == len(data)
        assert staged.head == data[:4096]
        with Stored(FileSource(staged.path), OLD) as stored:
            assert stored.read() == data


@settings(deadline=None, max_examples=60)
@given(start=st.integers(0, 130), length=st.integers(0, 130))
def test_a_range_is_the_same_slice(start: int, length: int) -> None:
    data = bytes(range(100))
    with tempfile.TemporaryDirectory() as folder, Incoming(Path(folder), OLD, chunk_bytes=7) as incoming:
        incoming.write(data)
        staged = incoming.finish()
        with Stored(FileSource(staged.path), OLD) as stored:
            assert b"".join(stored.chunks(start, start + length)) == data[start : start + length]


@pytest.mark.parametrize("piece", [BESIDE_BYTES - 1, BESIDE_BYTES, 3 * BESIDE_BYTES + 1])
def test_a_buffer_that_is_used_again_does_no_harm(piece: int, tmp_path: Path) -> None:
    """Large pieces are hashed by a second thread; it is done with them when write() returns."""
    buffer, whole = bytearray(piece), hashlib.sha256()
    with Incoming(tmp_path, OLD) as incoming:
        for number in range(6):
            buffer[:] = bytes([number]) * piece
            whole.update(buffer)
            incoming.write(buffer)
        staged = incoming.finish()
    assert staged.sha256 == whole.hexdigest()
    with Stored(FileSource(staged.path), OLD) as stored:
        assert hashlib.sha256(stored.read()).hexdigest() == staged.sha256


def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    before = threading.active_count()
    for is_wanted in (True, False):
        incoming = Incoming(tmp_path, OLD)
        incoming.write(os.urandom(2 * BESIDE_BYTES))
        assert threading.active_count() == before + 1
        _ = incoming.finish() if is_wanted else incoming.abandon()
        assert threading.active_count() == before


def test_the_clear_text_is_not_on_the_shelf(vault: Vault) -> None:
    address = vault.put(b"Patient: Ada Beispiel, MRN 12-34-56 " * 1000)
    assert b"Beispiel" not in raw(vault, address)


def test_nobody_else_on_the_machine_may_look_into_the_folder(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "files")
    address = Vault(shelf, OLD).put(b"letter")
    assert shelf.path(address).stat().st_mode & 0o077 == 0
    assert shelf.folder.stat().st_mode & 0o077 == 0


def test_the_same_content_twice_is_one_file_under_its_first_key(vault: Vault) -> None:
    first = vault.put(b"same")
    before = raw(vault, first)
    assert vault.put(b"same") == first
    assert raw(vault, first) == before
    assert list(vault.addresses()) == [first]
    assert leftovers(vault) == []


def many_chunks(vault: Vault, count: int = 4) -> tuple[str, bytes, int]:
    """A file of `count` full chunks: its address, its raw bytes, the length of one sealed chunk."""
    address = vault.put(os.urandom(count * CHUNK_BYTES))
    return address, raw(vault, address), CHUNK_BYTES + TAG_BYTES


def damage(vault: Vault, address: str, changed: bytes) -> None:
    write_raw(vault, address, changed)
    with pytest.raises(Damaged):
        vault.verify(address)


@pytest.mark.parametrize("place", [0, 4, 9, 20, 60, 120, HEADER.size, HEADER.size + CHUNK_BYTES + 40, -1])
def test_a_changed_byte_is_found(vault: Vault, place: int) -> None:
    address, whole, _ = many_chunks(vault)
    changed = bytearray(whole)
    changed[place] ^= 1
    damage(vault, address, bytes(changed))


def test_a_file_cut_off_at_a_chunk_is_found_on_opening(vault: Vault) -> None:
    address, whole, sealed = many_chunks(vault)
    write_raw(vault, address, whole[: HEADER.size + 2 * sealed])
    with pytest.raises(Damaged):
        vault.open(address)


@pytest.mark.parametrize("length", [0, 10, HEADER.size, HEADER.size + 5, HEADER.size + CHUNK_BYTES])
def test_a_file_cut_off_anywhere_is_found_on_opening(vault: Vault, length: int) -> None:
    address, whole, _ = many_chunks(vault)
    write_raw(vault, address, whole[:length])
    with pytest.raises(Damaged):
        vault.open(address)


def test_swapped_and_repeated_chunks_are_found(vault: Vault) -> None:
    address, whole, sealed = many_chunks(vault)
    head = HEADER.size
    first, second = whole[head : head + sealed], whole[head + sealed : head + 2 * sealed]
    damage(vault, address, whole[:head] + second + first + whole[head + 2 * sealed :])
    damage(vault, address, whole[:head] + first + first + whole[head + 2 * sealed :])
    damage(vault, address, whole + whole[head : head + sealed])


def test_one_file_under_the_address_of_another_is_found(vault: Vault) -> None:
    """Each opens by itself; only the address tells that they were exchanged."""
    one, two = vault.put(b"one"), vault.put(b"two")
    write_raw(vault, one, raw(vault, two))
    with pytest.raises(Damaged, match="not the one its address names"):
        vault.verify(one)


@pytest.mark.parametrize("address", ["", "../../keys/master_keys", "A" * 64, "a" * 63, "a" * 64 + "/x", "\n"])
def test_an_address_is_never_a_path(vault: Vault, address: str) -> None:
    with pytest.raises(Missing):
        vault.open(address)


def test_an_upload_that_stops_leaves_nothing(vault: Vault) -> None:
    def cut_off() -> None:
        with vault.receive() as incoming:
            incoming.write(os.urandom(3 * CHUNK_BYTES))
            assert leftovers(vault)
            raise ConnectionError

    with pytest.raises(ConnectionError):
        cut_off()
    assert leftovers(vault) == []
    assert list(vault.addresses()) == []


@pytest.mark.parametrize("chunks", [0, 2, 20])
def test_a_full_disk_is_said_and_leaves_nothing(vault: Vault, chunks: int) -> None:
    incoming = vault.receive()
    fill_the_disk_of(incoming)
    with pytest.raises(VaultFull):
        incoming.write(os.urandom(chunks * CHUNK_BYTES))
        incoming.finish()
    assert leftovers(vault) == []


def test_a_disk_that_is_full_only_at_the_end_leaves_nothing(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed_module.os, "fsync", full)
    with pytest.raises(VaultFull):
        vault.put(b"letter")
    assert leftovers(vault) == []
    assert list(vault.addresses()) == []


def test_a_rotated_key_opens_old_files_and_rewraps_them(shelf: Shelf) -> None:
    data = os.urandom(2 * CHUNK_BYTES + 5)
    address = Vault(shelf, OLD).put(data)
    both = Vault(shelf, NEW)
    with both.open(address) as stored:
        assert stored.key_id == "old"
    body = raw(both, address)[HEADER.size :]
    assert both.rewrap(address) is True
    assert both.rewrap(address) is False
    assert leftovers(both) == []
    assert raw(both, address)[HEADER.size :] == body
    only_new = Vault(shelf, Keyring({"new": key(2)}))
    assert only_new.verify(address) == len(data)
    with pytest.raises(Damaged, match="not among the keys"):
        Vault(shelf, OLD).open(address)


def test_another_key_under_the_same_name_opens_nothing(shelf: Shelf) -> None:
    address = Vault(shelf, OLD).put(b"letter")
    with pytest.raises(Damaged, match="does not open"):
        Vault(shelf, Keyring({"old": key(9)})).open(address)


@pytest.mark.parametrize("keys", [{}, {"old": b"short"}, {"": key(1)}, {"x" * 33: key(1)}, {"ключ": key(1)}])
def test_master_keys_that_cannot_work_are_refused(keys: dict[str, bytes]) -> None:
    with pytest.raises(KeyringError):
        Keyring(keys)


def test_a_keyring_shows_no_keys() -> None:
    assert repr(NEW) == "Keyring(['new', 'old'])"


def test_the_sweeper_removes_old_parts_only(vault: Vault) -> None:
    kept = vault.put(b"kept")
    young, old = vault.receive(), vault.receive()
    past = time.time() - 2 * 24 * 3600
    os.utime(old.path, (past, past))
    assert vault.sweep() == 1
    assert leftovers(vault) == [young.path]
    assert vault.holds(kept)
    young.abandon()


def test_memory_stays_flat(vault: Vault) -> None:
    piece = os.urandom(1024 * 1024)
    with vault.receive() as warm:
        warm.write(piece)
        warm.finish()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with vault.receive() as incoming:
        for _ in range(64):
            incoming.write(piece)
        staged = incoming.finish()
    vault.keep(staged)
    vault.verify(staged.sha256)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * 1024
