"""The master keys: they wrap the data key of each stored file, seal small secrets, and never lie in the database."""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

WRAPPED_BYTES = 12 + 32 + 16


class KeyringError(Exception):
    """The master keys cannot be used, or a file was wrapped with one that is not there."""


@dataclass(frozen=True, repr=False)
class Keyring:
    """Master keys by id. The first wraps what is written; the others still open what they once wrapped."""

    keys: dict[str, bytes]

    def __post_init__(self) -> None:
        if not self.keys:
            raise KeyringError("There is no master key.")
        for key_id, key in self.keys.items():
            if len(key) != 32 or not key_id.isascii() or not 1 <= len(key_id) <= 32:
                raise KeyringError(f"Master key {key_id!r}: 32 bytes under an id of 1 to 32 plain letters.")

    @property
    def current(self) -> str:
        """The id of the key that wraps what is written now."""
        return next(iter(self.keys))

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
            raise KeyringError(f"The master key {key_id} does not open this.") from error

    def __repr__(self) -> str:
        return f"Keyring({sorted(self.keys)})"  # never the keys
