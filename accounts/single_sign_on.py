"""OpenID Connect: a hospital's own sign-in, asked by the authorization code flow with PKCE, state and nonce.

What the provider says is believed only when its signature, issuer, audience, time and nonce are right (OpenID Connect
Core 3.1.3.7). The library django-allauth checks neither signature nor nonce in this flow, hence our own hundred lines
around PyJWT (docs/decisions/0007).
"""

import base64
import hashlib
import ipaddress
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY_SECONDS = 60
TIMEOUT_SECONDS = 6
MOST_BYTES = 500_000
REMEMBERED_SECONDS = 600


class NotBelieved(Exception):
    """What came from the provider is not to be believed, or it does not answer. `code` names what was wrong."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Provider:
    """The provider of this hospital, as CHARTROOM_SINGLE_SIGN_ON describes it."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    name: str = "Single sign-on"
    scopes: str = "openid profile email"
    username_claim: str = "preferred_username"
    roles_claim: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    makes_users: bool = False
    second_factors: tuple[str, ...] = ()


def provider() -> Provider | None:
    """The provider, or None where there is none. Raises ImproperlyConfigured for a description that cannot be right."""
    given = dict(settings.SINGLE_SIGN_ON)
    if not given:
        return None
    given["second_factors"] = tuple(given.get("second_factors", ()))
    try:
        found = Provider(**given)
    except TypeError as error:
        raise ImproperlyConfigured(f"CHARTROOM_SINGLE_SIGN_ON: {error}.") from error
    if not found.client_id or not _is_safe(found.issuer):
        raise ImproperlyConfigured("CHARTROOM_SINGLE_SIGN_ON needs a client_id and an issuer under https.")
    if bool(found.roles) != bool(found.roles_claim) or (found.makes_users and not found.roles):
        raise ImproperlyConfigured("CHARTROOM_SINGLE_SIGN_ON: roles and roles_claim belong together.")
    return found


def _is_safe(address: str) -> bool:
    """https; plain http only to this very machine, where nobody listens in between."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    if parts.scheme != "http" or not parts.hostname:
        return False
    try:
        return ipaddress.ip_address(parts.hostname).is_loopback
    except ValueError:
        return parts.hostname == "localhost"


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def _ask(address: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Any:
    """The JSON object at an address of the provider. Raises NotBelieved("down")."""
    if not _is_safe(address):
        raise NotBelieved("down")
    data = urlencode(form).encode() if form is not None else None
    request = Request(address, data, {"Accept": "application/json", **(headers or {})})  # noqa: S310  (_is_safe)
    try:
        with build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS) as answer:
            found = json.loads(answer.read(MOST_BYTES))
    except (URLError, OSError, ValueError) as error:
        raise NotBelieved("down") from error
    if not isinstance(found, dict):
        raise NotBelieved("down")
    return found


_remembered: dict[str, tuple[float, Any]] = {}


def _remember(address: str, *, afresh: bool = False) -> Any:
    """What stands at an address, asked at most every ten minutes, or now."""
    until, found = _remembered.get(address, (0.0, None))
    if afresh or time.monotonic() > until:
        found = _ask(address)
        _remembered[address] = (time.monotonic() + REMEMBERED_SECONDS, found)
    return found


def _described(by: Provider) -> dict[str, Any]:
    """The provider's own description. One that calls itself something else is another provider."""
    found: dict[str, Any] = _remember(by.issuer.rstrip("/") + "/.well-known/openid-configuration")
    if found.get("issuer") != by.issuer:
        raise NotBelieved("issuer")
    return found


@dataclass(frozen=True)
class Asked:
    """What we must remember, between asking and the answer."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> "Asked":
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


def address_to_ask(by: Provider, asked: Asked, redirect_uri: str, *, afresh: bool = False) -> str:
    """Where to send the browser. With `afresh` the person must show there who she is, however lately she did."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(asked.verifier.encode()).digest()).rstrip(b"=")
    query = {
        "response_type": "code",
        "client_id": by.client_id,
        "redirect_uri": redirect_uri,
        "scope": by.scopes,
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
        **({"prompt": "login", "max_age": "0"} if afresh else {}),
    }
    endpoint = str(_described(by).get("authorization_endpoint", ""))
    if not _is_safe(endpoint):
        raise NotBelieved("down")
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def claims_for(by: Provider, asked: Asked, code: str, redirect_uri: str) -> dict[str, Any]:
    """Who the code stands for, as the provider signed it. Raises NotBelieved."""
    described = _described(by)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": by.client_id,
        "client_secret": by.client_secret,
        "code_verifier": asked.verifier,
    }
    headers = {}
    methods = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    if "client_secret_post" not in methods:
        pair = urlencode({by.client_id: by.client_secret}).replace("=", ":", 1)
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        del form["client_secret"]
    answer = _ask(str(described.get("token_endpoint", "")), form, headers)
    return _believed(by, described, str(answer.get("id_token", "")), asked.nonce)


def _believed(by: Provider, described: dict[str, Any], token: str, nonce: str) -> dict[str, Any]:
    """The claims of a token whose signature, issuer, audience, time and nonce are right."""
    import jwt

    wrong = {
        jwt.InvalidIssuerError: "issuer",
        jwt.InvalidAudienceError: "audience",
        jwt.ExpiredSignatureError: "expired",
        jwt.ImmatureSignatureError: "expired",
        jwt.InvalidIssuedAtError: "expired",
        jwt.InvalidSignatureError: "signature",
        jwt.InvalidAlgorithmError: "algorithm",
    }
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key(str(described.get("jwks_uri", "")), jwt.get_unverified_header(token)),
            algorithms=ALGORITHMS,
            audience=by.client_id,
            issuer=by.issuer,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except jwt.PyJWTError as error:
        raise NotBelieved(
            next((code for kind, code in wrong.items() if isinstance(error, kind)), "token")
        ) from error
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != by.client_id:
        raise NotBelieved("audience")
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise NotBelieved("nonce")
    if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= 255:
        raise NotBelieved("token")
    return claims


def _key(address: str, header: dict[str, Any]) -> Any:
    """The provider's public key that the token names. An unknown one is asked for afresh: keys are changed."""
    import jwt

    if header.get("alg") not in ALGORITHMS:
        raise NotBelieved("algorithm")
    for afresh in (False, True):
        keys = _remember(address, afresh=afresh).get("keys", [])
        for key in keys if isinstance(keys, list) else []:
            if key.get("use", "sig") == "sig" and key.get("kid") == header.get("kid"):
                try:
                    return jwt.PyJWK(key, algorithm=header["alg"])
                except jwt.PyJWTError:
                    continue
    raise NotBelieved("signature")


def roles_in(by: Provider, claims: dict[str, Any]) -> list[str]:
    """The roles of this house that the provider's groups stand for."""
    given = claims.get(by.roles_claim, [])
    groups = given.split() if isinstance(given, str) else given if isinstance(given, list) else []
    return sorted({by.roles[group] for group in groups if isinstance(group, str) and group in by.roles})
