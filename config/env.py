"""Typed reading of environment variables. Whatever is missing or malformed stops the start with one sentence."""

import base64
import binascii
import ipaddress
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.-]+)*/?", re.ASCII)
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def text(name: str, default: str | None = None) -> str:
    """The variable as text; `default=None` makes it required."""
    value = os.environ.get(name, default)
    if value is None:
        raise ImproperlyConfigured(f"Set {name}: Chartroom does not start without it.")
    return value


def flag(name: str, default: bool) -> bool:
    """1/true/yes/on or 0/false/no/off."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 0 or 1, not {value!r}.")


def number(name: str, default: int, *, least: int = 0) -> int:
    """A whole number that is `least` or more."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} must be a whole number of {least} or more, not {value!r}.")
    return int(value)


def words(name: str, default: str = "") -> list[str]:
    """A list separated by commas or white space."""
    return os.environ.get(name, default).replace(",", " ").split()


def parts(name: str) -> list[str]:
    """A list separated by commas alone: a part may hold white space (a folder's name)."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def choice(name: str, default: str, known: tuple[str, ...]) -> str:
    """One of these words."""
    value = os.environ.get(name, "").strip() or default
    if value not in known:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(known)}, not {value!r}.")
    return value


LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def feeds(name: str) -> list[str]:
    """Addresses that the log is told to: `https://`, `syslog+tls://`; without TLS on this machine only."""
    found = parts(name)
    for address in found:
        pieces = urlsplit(address)
        is_open = pieces.scheme in {"http", "syslog"} and pieces.hostname in LOOPBACK
        if (
            not pieces.hostname
            or pieces.username
            or not (pieces.scheme in {"https", "syslog+tls"} or is_open)
        ):
            raise ImproperlyConfigured(
                f"{name}: {pieces.scheme}://{pieces.hostname} must be https:// or syslog+tls://, without a password in"
                " it; the ids of patients do not travel in the clear."
            )
    return found


def web_address(name: str) -> str:
    """`https://…` or `http://…` without a password in it; empty when it is not set."""
    value = os.environ.get(name, "").strip()
    pieces = urlsplit(value)
    is_web = pieces.scheme in {"https", "http"} and pieces.hostname and not pieces.username
    if value and (not is_web or len(value) > 300):
        raise ImproperlyConfigured(f"{name} must be https:// or http:// without a password in it.")
    return value


def login(name: str, address: str) -> str:
    """`user:password` for a web address; it does not travel in the clear, save on this machine."""
    value = secret(name, required=False)
    pieces = urlsplit(address)
    if value and ":" not in value:
        raise ImproperlyConfigured(f"{name} must be user:password.")
    if value and pieces.scheme != "https" and pieces.hostname not in LOOPBACK:
        raise ImproperlyConfigured(f"{name} goes to https:// only: a password does not travel in the clear.")
    return value


def networks(name: str, default: str = "") -> list[Network]:
    """A list of addresses or CIDR ranges."""
    try:
        return [ipaddress.ip_network(word, strict=False) for word in words(name, default)]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}.") from error


def place(name: str, default: str) -> str:
    """A folder, or `s3://bucket/prefix`."""
    value = os.environ.get(name) or default
    if "://" in value and not BUCKET.fullmatch(value):
        raise ImproperlyConfigured(f"{name} must be a folder or s3://bucket/prefix, not {value!r}.")
    return value


def secret(name: str, *, required: bool = True) -> str:
    """`NAME` itself, or the contents of the file that `NAME_FILE` names."""
    if os.environ.get(name):
        return os.environ[name]
    path = os.environ.get(f"{name}_FILE")
    if not path and not required:
        return ""
    if not path:
        raise ImproperlyConfigured(f"Set {name} or {name}_FILE: Chartroom does not start without it.")
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}.") from error


def mapping(name: str) -> dict[str, Any]:
    """A JSON object, in the variable itself or in the file that `NAME_FILE` names; empty when neither is set."""
    value = secret(name, required=False)
    try:
        found = json.loads(value or "{}")
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a JSON object: {error}.") from error
    if not isinstance(found, dict):
        raise ImproperlyConfigured(f"{name} must be a JSON object.")
    return found


def keys_of_32_bytes(name: str, *, required: bool = True) -> dict[str, bytes]:
    """Lines (or comma-separated items) `keyid:base64` of 32 bytes each; the first is the current key."""
    keys: dict[str, bytes] = {}
    if not required and not os.environ.get(name) and not os.environ.get(f"{name}_FILE"):
        return keys
    for item in secret(name).replace(",", "\n").split():
        key_id, _, encoded = item.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not key_id or len(key) != 32 or key_id in keys:
            raise ImproperlyConfigured(
                f"{name}: each line must be 'keyid:base64 of 32 bytes', ids once each."
            )
        keys[key_id] = key
    if not keys:
        raise ImproperlyConfigured(f"{name} holds no key.")
    return keys


def database(url: str, name: str) -> dict[str, Any]:
    """`postgresql://user:password@host:port/name?host=/socket/folder&sslmode=…` as Django's settings."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like postgresql://user:password@host/database.")
    options = dict(parse_qsl(parts.query))
    host = options.pop("host", None) or unquote(parts.hostname or "")
    port = options.pop("port", None) or str(parts.port or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "OPTIONS": {"application_name": "chartroom", **options},
    }
