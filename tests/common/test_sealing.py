"""Small sealed texts: they open only with the right key, unchanged, for whom they were sealed."""

import base64
import os
from typing import Any

import pytest

from common.keyring import KeyringError
from common.sealing import is_under_current_key, seal, unseal


def test_a_text_comes_back_and_never_looks_the_same() -> None:
    one, other = (seal("Zażółć", bound_to="x:1") for _ in range(2))
    assert one != other
    assert unseal(one, bound_to="x:1") == unseal(other, bound_to="x:1") == "Zażółć"


def test_it_opens_for_nobody_else() -> None:
    with pytest.raises(KeyringError):
        unseal(seal("secret", bound_to="x:1"), bound_to="x:2")


def test_a_changed_byte_is_noticed() -> None:
    key_id, _, encoded = seal("secret", bound_to="x").partition(":")
    data = bytearray(base64.b64decode(encoded))
    data[-1] ^= 1
    with pytest.raises(KeyringError):
        unseal(f"{key_id}:{base64.b64encode(bytes(data)).decode()}", bound_to="x")


@pytest.mark.parametrize("text", ["", "k1", "KEY", "KEY:", "KEY:not base64!", "other:AAAA", "KEY:AAAA"])
def test_what_is_no_sealed_text_is_refused(text: str, settings: Any) -> None:
    with pytest.raises(KeyringError):
        unseal(text.replace("KEY", next(iter(settings.MASTER_KEYS))), bound_to="x")


def test_after_a_change_of_keys_old_texts_open_and_are_told_apart(settings: Any) -> None:
    old = seal("secret", bound_to="x")
    settings.MASTER_KEYS = {"new": os.urandom(32), **settings.MASTER_KEYS}
    assert unseal(old, bound_to="x") == "secret"
    assert not is_under_current_key(old)
    assert is_under_current_key(seal("secret", bound_to="x"))
