"""A security key made of software, and an authenticator app: what tests hold in their hands."""

import base64
import hashlib
import json
import os
import struct
import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

USER_PRESENT, HAS_CREDENTIAL = 0x01, 0x40


def code_of(secret: str, *, steps: int = 0) -> str:
    """What an app with this secret shows now, or `steps` half minutes later."""
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps)))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SoftKey:
    """Answers challenges as a security key would, for pages at `origin`."""

    def __init__(self, origin: str = "https://testserver") -> None:
        self.origin = origin
        self.identity = os.urandom(32)
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.counter = 0

    def _said(self, kind: str, challenge: str, origin: str | None = None) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": origin or self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _seen(self, rp_id: str, flags: int) -> bytes:
        self.counter += 1
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self.counter)

    def _credential(self, response: dict[str, bytes]) -> dict[str, Any]:
        return {
            "id": _text(self.identity),
            "rawId": _text(self.identity),
            "type": "public-key",
            "response": {name: _text(value) for name, value in response.items()},
            "clientExtensionResults": {},
        }

    def create(self, options: str, **more: Any) -> dict[str, Any]:
        """What the browser sends after `navigator.credentials.create`."""
        asked = json.loads(options)["publicKey"]
        public = ES256.from_cryptography_key(self.private.public_key())
        data = self._seen(asked["rp"]["id"], USER_PRESENT | HAS_CREDENTIAL)
        data += bytes(16) + struct.pack(">H", len(self.identity)) + self.identity + cbor.encode(public)
        attestation = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", asked["challenge"], **more)
        return self._credential({"clientDataJSON": said, "attestationObject": attestation})

    def get(self, options: str, **more: Any) -> dict[str, Any]:
        """What the browser sends after `navigator.credentials.get`."""
        asked = json.loads(options)["publicKey"]
        data = self._seen(asked["rpId"], USER_PRESENT)
        said = self._said("webauthn.get", asked["challenge"], **more)
        signature = self.private.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential({"clientDataJSON": said, "authenticatorData": data, "signature": signature})
