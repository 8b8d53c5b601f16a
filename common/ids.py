"""Identifiers: opaque outside, ordered by time inside, so that indexes grow at one end."""

import base64
import os
import time
from uuid import UUID


def uuid7() -> UUID:
    """A UUID version 7 (RFC 9562): 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10))
    value = (milliseconds & (2**48 - 1)) << 80 | random_bits
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def reference() -> str:
    """A request's reference: 16 letters and digits (80 random bits), none of which a telephone mistakes for another."""
    return base64.b32encode(os.urandom(10)).decode().lower()


def as_uuid(text: object) -> UUID | None:
    """The UUID that `text` spells, or None."""
    try:
        return UUID(str(text))
    except ValueError:
        return None
