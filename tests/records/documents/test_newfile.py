"""A new file holds what was put into it, however long, past the disk's cache or through it."""

import errno
import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from records.documents import newfile
from records.documents.newfile import BLOCK_BYTES, PIECE_BYTES, NewFile

STEP = 262_160


def put(path: Path, content: bytes, step: int = STEP) -> None:
    new = NewFile(path, step)
    for start in range(0, len(content), step):
        piece = content[start : start + step]
        new.room(len(piece))[:] = piece
        new.add(len(piece))
    new.finish()


@pytest.mark.parametrize(
    "size",
    [0, 1, BLOCK_BYTES, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, PIECE_BYTES + BLOCK_BYTES,
     3 * PIECE_BYTES, 5 * PIECE_BYTES + 4097],
)  # fmt: skip
@pytest.mark.parametrize("step", [STEP, 100_000])
def test_what_was_put_in_is_there(size: int, step: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    put(tmp_path / "new", content, step)
    assert (tmp_path / "new").read_bytes() == content
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_a_long_one_goes_past_the_cache_and_a_short_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    real = NewFile._set_direct

    def noted(self: NewFile, is_direct: bool) -> None:
        real(self, is_direct)
        asked.append(is_direct)

    monkeypatch.setattr(NewFile, "_set_direct", noted)
    put(tmp_path / "short", os.urandom(PIECE_BYTES - 1))
    assert True not in asked
    put(tmp_path / "long", os.urandom(PIECE_BYTES + 1))
    assert True in asked
    assert asked[-1] is False  # the end of a file is no whole block


def _refuse_direct(descriptor: int, command: int, flags: int = 0) -> int:
    if command == fcntl.F_SETFL and flags & os.O_DIRECT:
        raise OSError(errno.EINVAL, "Invalid argument")
    return fcntl.fcntl(descriptor, command, flags)


def test_a_file_system_that_knows_no_other_way_takes_it_through_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newfile, "_fcntl", _refuse_direct)
    content = os.urandom(3 * PIECE_BYTES + 5)
    put(tmp_path / "new", content)
    assert (tmp_path / "new").read_bytes() == content


def test_a_disk_with_larger_blocks_takes_it_through_its_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite

    def other_blocks(descriptor: int, data: memoryview, at: int) -> int:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(descriptor, data, at)

    monkeypatch.setattr(newfile.os, "pwrite", other_blocks)
    content = os.urandom(3 * PIECE_BYTES + 5)
    put(tmp_path / "new", content)
    assert (tmp_path / "new").read_bytes() == content


def test_a_disk_that_takes_a_piece_in_parts_gets_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.pwrite

    def slowly(descriptor: int, data: memoryview, at: int) -> int:
        return real(descriptor, data[: max(BLOCK_BYTES, len(data) // 3 // BLOCK_BYTES * BLOCK_BYTES)], at)

    monkeypatch.setattr(newfile.os, "pwrite", slowly)
    content = os.urandom(3 * PIECE_BYTES + 5)
    put(tmp_path / "new", content)
    assert (tmp_path / "new").read_bytes() == content


def _until_refused(new: NewFile, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        new.write(piece)
    new.finish()


@pytest.mark.parametrize("count", [1, 20])
def test_a_full_disk_is_said_at_the_end_at_the_latest(count: int, tmp_path: Path) -> None:
    new = NewFile(tmp_path / "new", STEP)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, new._descriptor)
    os.close(full)
    with pytest.raises(OSError, match="No space"):
        _until_refused(new, (os.urandom(STEP) for _ in range(count)))
    new.close()
    new.close()


def test_a_name_that_is_taken_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        NewFile(tmp_path / "new", STEP)
    assert (tmp_path / "new").read_bytes() == b"mine"
