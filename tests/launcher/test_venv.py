"""Making and renewing .venv, with an installer of our own in place of pip."""

import json
from pathlib import Path

import pytest

from config.embedded import venv
from config.embedded.refusal import Refusal


class Workshop:
    """A folder like the checkout, in which installing only notes what was installed."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.installed: list[str] = []
        self.locks = {"run": home / "requirements.lock", "tests": home / "requirements-test.lock"}
        for name, lock in self.locks.items():
            lock.write_text(f"{name} 1")
        monkeypatch.setattr(venv, "ROOT", home)
        monkeypatch.setattr(venv, "VENV", home / ".venv")
        monkeypatch.setattr(venv, "PYTHON", home / ".venv" / "bin" / "python")
        monkeypatch.setattr(venv, "STAMP", home / ".venv" / ".chartroom-stamp")
        monkeypatch.setattr(venv, "LOCKS", self.locks)
        monkeypatch.setattr(venv.shutil, "which", lambda name: None)
        monkeypatch.setattr(venv, "_with_pip", self.install)

    def install(self, lock: Path) -> None:
        self.installed.append(lock.name)
        (self.home / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
        (self.home / ".venv" / "bin" / "python").write_text("")


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    return Workshop(tmp_path, monkeypatch)


def test_it_is_made_once(workshop: Workshop) -> None:
    venv.ensure(with_tests=False)
    venv.ensure(with_tests=False)
    assert workshop.installed == ["requirements.lock"]


def test_the_tests_add_their_tools_and_up_keeps_them(workshop: Workshop) -> None:
    venv.ensure(with_tests=False)
    venv.ensure(with_tests=True)
    venv.ensure(with_tests=False)
    assert workshop.installed == ["requirements.lock", "requirements-test.lock"]


def test_changed_locks_are_installed_on_top(workshop: Workshop) -> None:
    venv.ensure(with_tests=True)
    kept = workshop.home / ".venv" / "kept"
    kept.write_text("")
    workshop.locks["run"].write_text("run 2")
    venv.ensure(with_tests=False)
    assert workshop.installed == ["requirements-test.lock", "requirements-test.lock"]
    assert kept.exists()


def test_a_half_made_one_is_made_anew(workshop: Workshop) -> None:
    left = workshop.home / ".venv" / "half"
    left.parent.mkdir()
    left.write_text("")
    venv.ensure(with_tests=False)
    assert not left.exists()
    assert json.loads((workshop.home / ".venv" / ".chartroom-stamp").read_text())["run"]


def test_an_installer_that_fails_leaves_no_stamp(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(lock: Path) -> None:
        raise Refusal("no connection")

    monkeypatch.setattr(venv, "_with_pip", fail)
    with pytest.raises(Refusal):
        venv.ensure(with_tests=False)
    assert not (workshop.home / ".venv" / ".chartroom-stamp").exists()


def test_a_python_that_cannot_make_environments_says_what_to_install(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venv.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Refusal, match="apt install python3"):
        venv._make_venv()
