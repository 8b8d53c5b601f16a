#!/usr/bin/env python3
"""Make `.env` and `secrets/` for docker-compose.yml, once: python3 deploy/make_secrets.py HOST.

Nothing that exists is overwritten: the master keys open the files that are already stored. Only `seal_public_keys` is
made anew each time, from `seal_keys`: run this again after you put a new key there.
"""

import base64
import hashlib
import os
import runpy
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def key_of_32_bytes() -> str:
    """A line `keyid:base64`."""
    return f"k{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def public_keys(seeds: str) -> str:
    """The lines `keyid:base64` of the public keys that belong to these seeds (Ed25519; RFC 8032, 5.1.5)."""
    verifier = runpy.run_path(str(ROOT / "audit" / "proof" / "offline_verifier.py"))
    times, base, p = verifier["_times"], verifier["BASE"], verifier["P"]
    lines = []
    for line in seeds.replace(",", "\n").split():
        key_id, _, encoded = line.partition(":")
        number = int.from_bytes(hashlib.sha512(base64.b64decode(encoded)).digest()[:32], "little")
        number = (number & ((1 << 254) - 8)) | (1 << 254)
        x, y, z, _ = times(number, base)
        x, y = x * pow(z, -1, p) % p, y * pow(z, -1, p) % p
        raw = (y | (x & 1) << 255).to_bytes(32, "little")
        lines.append(f"{key_id}:{base64.b64encode(raw).decode()}")
    return "\n".join(lines)


def write(path: Path, text: str, mode: int) -> None:
    """Write a new file; leave one that exists alone."""
    if path.exists():
        sys.stdout.write(f"kept    {path}\n")
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    path.chmod(mode)
    sys.stdout.write(f"made    {path}\n")


def make(root: Path, host: str) -> None:
    """Make what is missing of `.env` and `secrets/` under `root`."""
    folder = root / "secrets"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "tls").mkdir(mode=0o755, exist_ok=True)
    # Readable inside the containers, whose account is another; the folder around them is closed.
    write(folder / "secret_key", secrets.token_urlsafe(60), 0o444)
    write(folder / "master_keys", key_of_32_bytes(), 0o444)
    write(folder / "seal_keys", key_of_32_bytes(), 0o444)
    (folder / "seal_public_keys").unlink(missing_ok=True)
    write(folder / "seal_public_keys", public_keys((folder / "seal_keys").read_text()), 0o444)
    write(folder / "postgres_password", secrets.token_urlsafe(30), 0o444)
    passwords = "".join(
        f"{name}={secrets.token_hex(24)}\n"
        for name in ("CHARTROOM_OWNER_PASSWORD", "CHARTROOM_APP_PASSWORD", "CHARTROOM_VALKEY_PASSWORD")
    )
    write(root / ".env", f"CHARTROOM_HOST={host}\n{passwords}".rstrip(), 0o600)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("Usage: python3 deploy/make_secrets.py HOST   (the name under which Chartroom is reached)")
    make(ROOT, sys.argv[1])
