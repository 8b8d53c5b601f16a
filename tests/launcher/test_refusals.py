"""What `./chartroom up` refuses: one clear sentence on standard error, and an exit code that is not 0."""

import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from config.embedded import demonstration
from config.embedded.account import for_postgres
from config.embedded.folder import Folder
from config.embedded.refusal import Refusal
from tests.launcher.running import Running, chartroom

Usage = namedtuple("Usage", "total used free")


def refused(data: Path, *options: str) -> str:
    """The sentence with which `up` refuses."""
    answer = chartroom("up", "--data", str(data), "--port", "0", *options)
    assert answer.returncode == 1, answer.stdout
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert "Traceback" not in answer.stderr
    return answer.stderr


def test_a_second_start_on_the_same_folder(first: Running) -> None:
    assert f"Another Chartroom is using the data folder {first.data}" in refused(first.data)
    assert first.get("/readyz")[0] == 200


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"Port {port} on 127.0.0.1 is in use" in refused(tmp_path / "data", "--port", port)
    assert not (tmp_path / "data").exists()


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    assert "no address of this machine" in refused(tmp_path / "data", "--host", "192.0.2.1", "--no-demo")


def test_a_folder_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("99.1\n")
    assert "was written by Chartroom 99.1" in refused(tmp_path)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    place = Path("/sys/chartroom") if os.geteuid() == 0 else closed / "data"
    assert "may not write" in refused(place)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a letter")
    assert "is not a folder" in refused(tmp_path / "data")


def test_a_folder_of_somebody_else(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        folder = tmp_path / "theirs"
        folder.mkdir()
        os.chown(folder, 4321, 4321)
    else:
        folder = Path("/etc")
    assert "belongs to" in refused(folder)


def test_a_folder_with_other_things_in_it(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("sun")
    assert "holiday.jpg" in refused(tmp_path)


def test_a_folder_whose_keys_are_gone(tmp_path: Path) -> None:
    (tmp_path / "VERSION").write_text("0.1.0\n")
    assert "put the key back from your backup" in refused(tmp_path)


def test_a_demonstration_on_the_network(tmp_path: Path) -> None:
    assert "public passwords" in refused(tmp_path / "data", "--host", "0.0.0.0")  # noqa: S104
    assert not (tmp_path / "data").exists()


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12 - 10**6, 10**6))
    with pytest.raises(Refusal, match="has 1 MB free"):
        Folder(tmp_path / "data").open()


def test_a_disk_that_fills_while_starting(tmp_path: Path) -> None:
    """/dev/full answers each write with 'no space left on device'."""
    folder = Folder(tmp_path / "data")
    with pytest.raises(OSError, match="No space left") as caught, Path("/dev/full").open("w") as full:
        full.write("x" * 100_000)
    assert "no space left on the disk of" in str(folder.trouble(caught.value))


def test_no_demo_on_a_demonstration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    folder = Folder(tmp_path / "data")
    folder.open()
    folder.mark_demo("loaded")
    folder.close()
    with pytest.raises(Refusal, match="holds the demonstration"):
        demonstration.wanted(Folder(tmp_path / "data"), no_demo=True, host="127.0.0.1")


def test_an_empty_folder_never_turns_into_a_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    folder = Folder(tmp_path / "data")
    assert demonstration.wanted(folder, no_demo=False, host="127.0.0.1")
    folder.open()
    folder.make_keys()
    assert not demonstration.wanted(folder, no_demo=False, host="127.0.0.1")
    folder.close()


def test_a_real_database_never_gets_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://a:b@example.invalid/c")
    assert not demonstration.wanted(Folder(tmp_path / "data"), no_demo=False, host="127.0.0.1")


def test_keys_are_made_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.open()
    folder.make_keys()
    before = {
        name: folder.key(name) for name in ("secret_key", "master_keys", "postgres_owner", "postgres_app")
    }
    folder.write_version()
    folder.make_keys()
    assert before == {name: folder.key(name) for name in before}
    (folder.keys / "master_keys").unlink()
    with pytest.raises(Refusal, match="master_keys is gone"):
        folder.make_keys()
    folder.close()


def test_root_never_runs_the_database(tmp_path: Path) -> None:
    account = for_postgres(tmp_path / "postgres")
    assert (account is None) == (os.geteuid() != 0)
    assert account is None or account.uid != 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["up", "--port", "80000"], "not a port number"),
        (["up", "--fast"], "unrecognized arguments: --fast"),
        (["manage"], "manage needs a command"),
        (["bench", "no-such-bench"], "no benchmark 'no-such-bench'"),
        ([], "required"),
    ],
)
def test_a_mistyped_command(words: list[str], said: str) -> None:
    answer = chartroom(*words)
    assert answer.returncode in {1, 2}
    assert said in answer.stderr
