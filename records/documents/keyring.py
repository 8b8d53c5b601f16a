"""The master keys: they wrap the data key of each stored file and never lie in the database."""

import base64
import binascii
import os
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_ID = re.compile(r"[A-Za-z0-9._-]{1,32}")
WRAPPED_BYTES = 12 + 32 + 16


class KeyringError(Exception):
    """The master keys are missing or malformed, or a file was wrapped with one that is not there."""


@dataclass(frozen=True)
class Keyring:
    """Master keys by id. The first wraps what is written; the others still open what they once wrapped."""

    current: str
    keys: dict[str, bytes]

    @classmethod
    def parse(cls, text: str) -> "Keyring":
        """Read lines `keyid:base64-of-32-bytes`; blank lines and lines that begin with # do not count."""
        keys: dict[str, bytes] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            key_id, _, encoded = line.partition(":")
            try:
                key = base64.b64decode(encoded, validate=True)
            except binascii.Error as error:
                raise KeyringError(f"Line {number} of the master keys is not base64.") from error
            if not KEY_ID.fullmatch(key_id) or len(key) != 32:
                raise KeyringError(f"Line {number} of the master keys must be keyid:base64-of-32-bytes.")
            if key_id in keys:
                raise KeyringError(f"Line {number} of the master keys repeats the key id {key_id}.")
            keys[key_id] = key
        if not keys:
            raise KeyringError("There is no master key.")
        return cls(current=next(iter(keys)), keys=keys)

    def wrap(self, data_key: bytes, bound_to: bytes) -> bytes:
        """`data_key` under the current master key, together with `bound_to`, which stays in the clear."""
        nonce = os.urandom(12)
        return nonce + AESGCM(self.keys[self.current]).encrypt(nonce, data_key, bound_to)

    def unwrap(self, key_id: str, wrapped: bytes, bound_to: bytes) -> bytes:
        """The data key again. Raises KeyringError for an unknown key and for a changed byte anywhere."""
        master = self.keys.get(key_id)
        if master is None:
            raise KeyringError(f"The master key {key_id} is not among the keys given.")
        try:
            return AESGCM(master).decrypt(wrapped[:12], wrapped[12:], bound_to)
        except InvalidTag as error:
            raise KeyringError(f"The master key {key_id} does not open this file.") from error

    def __repr__(self) -> str:
        return f"Keyring(current={self.current!r}, known={sorted(self.keys)})"  # never the keys
