"""Small texts that the database keeps and must not be able to read: second factors' secrets, drafts, kept forms."""

import base64
import binascii
from functools import cache

from django.conf import settings

from common.keyring import Keyring, KeyringError

LEAST_BYTES = 12 + 16  # a nonce and a tag


@cache
def _keyring(keys: tuple[tuple[str, bytes], ...]) -> Keyring:
    return Keyring(dict(keys))


def _current() -> Keyring:
    return _keyring(tuple(settings.MASTER_KEYS.items()))


def seal(text: str, *, bound_to: str) -> str:
    """`text` under the current master key; it opens only with the same `bound_to` (whose it is, and what for)."""
    ring = _current()
    sealed = ring.wrap(text.encode(), f"text:{bound_to}".encode())
    return f"{ring.current}:{base64.b64encode(sealed).decode()}"


def unseal(sealed: str, *, bound_to: str) -> str:
    """The text again. Raises KeyringError for an unknown key, a changed byte, or another `bound_to`."""
    key_id, _, encoded = sealed.partition(":")
    try:
        data = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise KeyringError("That is no sealed text.") from error
    if len(data) < LEAST_BYTES:
        raise KeyringError("That is no sealed text.")
    return _current().unwrap(key_id, data, f"text:{bound_to}".encode()).decode()


def is_under_current_key(sealed: str) -> bool:
    """Whether `sealed` needs no sealing anew after a change of keys."""
    return sealed.partition(":")[0] == _current().current


def resealed(sealed: str, *, bound_to: str) -> str | None:
    """The same text under the current key; None where it lies under that one already. Raises KeyringError."""
    if is_under_current_key(sealed):
        return None
    return seal(unseal(sealed, bound_to=bound_to), bound_to=bound_to)
