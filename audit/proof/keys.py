"""The signing keys of the log. The database never holds one; old keys stay known so that old seals can be checked."""

import base64
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


class NoKey(Exception):
    """No signing key is configured: events are written, but nothing can be sealed."""


@cache
def _private(seed: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(seed)


def order() -> list[str]:
    """Key ids from the oldest to the current one."""
    return list(reversed(settings.SEAL_KEYS))


def current() -> str:
    """The id of the key that signs now. Raises NoKey."""
    if not settings.SEAL_KEYS:
        raise NoKey
    return next(iter(settings.SEAL_KEYS))


def sign(key_id: str, message: bytes) -> bytes:
    """The 64-byte Ed25519 signature."""
    return _private(settings.SEAL_KEYS[key_id]).sign(message)


def public(key_id: str) -> Ed25519PublicKey | None:
    """The public key of this id, if we know it."""
    seed = settings.SEAL_KEYS.get(key_id)
    return _private(seed).public_key() if seed else None


def public_text(key_id: str) -> str:
    """The public key as base64 of its 32 bytes; empty for an id nobody knows."""
    key = public(key_id)
    return base64.b64encode(key.public_bytes_raw()).decode() if key else ""


def is_signed(key_id: str, signature: bytes, message: bytes) -> bool:
    """Whether this key made this signature over this message."""
    key = public(key_id)
    if key is None:
        return False
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
