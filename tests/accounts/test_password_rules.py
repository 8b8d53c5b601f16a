"""What a password may be (NIST SP 800-63B 5.1.1.2; ASVS 2.1)."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.password_rules import is_listed


def _refused(password: str) -> list[str]:
    try:
        validate_password(password, User(username="ada.example", name="Ada Example", email="ada@example.org"))
    except ValidationError as refused:
        return list(refused.messages)
    return []


@pytest.mark.parametrize(
    "password",
    [
        "password2026!",
        "P@ssw0rd2026",
        "Summer-Summer",
        "iloveyou1234",
        "!!!dragon!!!!!",
        "monkeymonkeymonkey",
        "qwertyuiop123",
        "123456123456",
        "Tr.u.s.t.n.o.1",
    ],
)
def test_common_words_in_disguise_are_refused(password: str) -> None:
    assert _refused(password)


@pytest.mark.parametrize(
    "password",
    [
        "seven brown mountain goats",
        "correct horse battery",
        "a lantern over the quiet harbour",
        "Grüße aus dem Archiv",
        "xK9#vQ2!mZ7&",
        "密码密码密码密码密码密码一二",
    ],
)
def test_sentences_and_riddles_are_taken(password: str) -> None:
    assert not _refused(password)


def test_short_and_about_oneself_are_refused() -> None:
    assert any("12 characters" in text for text in _refused("x7!kQ2mZ9#a"))
    assert any("similar" in text for text in _refused("ada.example1"))


def test_sixty_four_characters_are_taken_and_more_than_128_are_not() -> None:
    sentence = "seven brown mountain goats stand on a lantern over the quiet harbour; " * 2
    assert not _refused(sentence[:64])
    assert not _refused(sentence[:128])
    assert any("too long" in text for text in _refused(sentence[:129]))


def _file(folder: Path, passwords: set[str], end: str = "\r\n") -> str:
    hashes = sorted(
        hashlib.sha1(word.encode(), usedforsecurity=False).hexdigest().upper() for word in passwords
    )
    path = folder / "breached.txt"
    path.write_bytes("".join(f"{each}:{number}{end}" for number, each in enumerate(hashes)).encode())
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("breached")


@given(st.sets(st.text(max_size=5), max_size=40), st.text(max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_the_file_has_what_is_in_it_and_nothing_else(
    folder: Path, words: set[str], other: str, end: str
) -> None:
    path = _file(folder, words, end)
    assert all(is_listed(word, path) for word in words)
    assert is_listed(other, path) is (other in words)


def test_a_password_of_the_hospitals_own_file_is_refused(settings: Any, tmp_path: Path) -> None:
    settings.BREACHED_PASSWORDS = _file(tmp_path, {"seven brown mountain goats", "x", "y"})
    assert any("theft" in text for text in _refused("seven brown mountain goats"))
    assert not _refused("eight brown mountain goats")
