"""The signing keys of the log. The database never holds one; old keys stay known so that old seals can be checked.

Only the worker has the seeds. Whoever merely checks (the web) has the public keys.
"""

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
    checked_only = [key_id for key_id in settings.SEAL_PUBLIC_KEYS if key_id not in settings.SEAL_KEYS]
    return [*settings.SEAL_KEYS, *checked_only][::-1]


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
    if seed := settings.SEAL_KEYS.get(key_id):
        return _private(seed).public_key()
    raw = settings.SEAL_PUBLIC_KEYS.get(key_id)
    return Ed25519PublicKey.from_public_bytes(raw) if raw else None


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
