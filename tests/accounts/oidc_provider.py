"""A small OpenID Connect provider, a process of its own, that can lie: `python -m tests.accounts.oidc_provider`.

It prints its address, and answers until its standard input closes. PUT /told/ with a JSON object says how it answers:
`sub`, further `claims`, and a `lie`, one of LIES.
"""

import base64
import hashlib
import json
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "chartroom", "a secret: with/odd characters"
LIES = (
    "issuer",
    "audience",
    "two audiences",
    "nonce",
    "no nonce",
    "expired",
    "future",
    "alg none",
    "hs256",
    "wrong key",
    "unknown key",
    "no token",
    "not json",
    "other description",
    "redirect",
    "no subject",
)


class Provider(ThreadingHTTPServer):
    """What it knows: its key, what it was told, the codes it gave."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.stolen = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.told: dict[str, Any] = {"sub": "s-1"}
        self.codes: dict[str, dict[str, str]] = {}

    def jwks(self) -> dict[str, Any]:
        """The public key, and one of another kind."""
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{"kty": "oct", "kid": "old", "k": "AAAA"}, {**key, "kid": "k1", "use": "sig"}]}

    def token(self, asked: dict[str, str]) -> str:
        """The ID token for what was asked, true or not."""
        now, lie = int(time.time()), self.told.get("lie")
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": self.told["sub"],
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            **self.told.get("claims", {}),
        }
        changed: dict[str, dict[str, Any]] = {
            "issuer": {"iss": "https://evil.example"},
            "audience": {"aud": "another-client"},
            "two audiences": {"aud": [CLIENT, "another-client"], "azp": "another-client"},
            "nonce": {"nonce": "of-another-question"},
            "expired": {"iat": now - 4000, "exp": now - 3600},
            "future": {"iat": now + 3600, "nbf": now + 3600, "exp": now + 7200},
        }
        claims |= changed.get(str(lie), {})
        if lie == "no nonce":
            del claims["nonce"]
        if lie == "no subject":
            del claims["sub"]
        kid = {"kid": "k9" if lie == "unknown key" else "k1"}
        if lie == "alg none":
            return jwt.encode(claims, None, algorithm="none", headers=kid)
        if lie == "hs256":
            return jwt.encode(claims, "x" * 40, algorithm="HS256", headers=kid)
        key = self.stolen if lie in {"wrong key", "unknown key"} else self.key
        return jwt.encode(claims, key, algorithm="RS256", headers=kid)


class Answer(BaseHTTPRequestHandler):
    """One request."""

    server: Provider

    def log_message(self, *args: Any) -> None:
        """Silence."""

    def _say(self, status: int, body: Any = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body is not None:
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

    def do_PUT(self) -> None:
        self.server.told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(204)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        issuer, lie = self.server.issuer, self.server.told.get("lie")
        if parts.path == "/.well-known/openid-configuration":
            self._say(200, {
                "issuer": "https://evil.example" if lie == "other description" else issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/keys",
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            })  # fmt: skip
        elif parts.path == "/keys":
            self._say(200, self.server.jwks())
        elif parts.path == "/authorize":
            asked = dict(parse_qsl(parts.query))
            code = secrets.token_urlsafe(16)
            self.server.codes[code] = asked
            answer = {"code": code, "state": asked["state"]}
            if self.server.told.get("refuses"):
                answer = {"error": "access_denied", "state": asked["state"]}
            self._say(302, Location=f"{asked['redirect_uri']}?{urlencode(answer)}")
        else:
            self._say(404)

    def _is_honest(self, form: dict[str, str], asked: dict[str, str] | None) -> bool:
        """The client's secret, the code's own address, and the answer to the challenge (PKCE)."""
        if asked is None or form["redirect_uri"] != asked["redirect_uri"]:
            return False
        basic = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return basic == urlencode({CLIENT: SECRET}).replace("=", ":", 1) and proof == asked["code_challenge"]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(parse_qsl(body))
        lie = self.server.told.get("lie")
        asked = self.server.codes.pop(form.get("code", ""), None)
        if asked is None or not self._is_honest(form, asked):
            self._say(400, {"error": "invalid_grant"})
        elif lie == "redirect":
            self._say(302, Location=f"{self.server.issuer}/keys")
        elif lie == "not json":
            self._say(200, b"<html>")
        elif lie == "no token":
            self._say(200, {"access_token": "x"})
        else:
            self._say(
                200, {"access_token": "x", "token_type": "Bearer", "id_token": self.server.token(asked)}
            )


if __name__ == "__main__":
    provider = Provider()
    threading.Thread(target=provider.serve_forever, daemon=True).start()
    print(provider.issuer, flush=True)  # noqa: T201
    sys.stdin.read()
