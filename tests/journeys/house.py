"""The Chartroom that the journeys run in, the people who work there, and the paper that comes in."""

import io
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from tests.launcher.running import Running, parsed

PASSWORD = "a journey needs good shoes"
PEOPLE = {
    "clerk": "records_clerk",
    "roi": "roi_specialist",
    "supervisor": "records_supervisor",
    "clinician": "clinician",
    "clinician2": "clinician",
    "compliance": "compliance_officer",
    "administrator": "administrator",
}
HIRE = """
import sys
from accounts.services import create_user
from patients.models import Facility, Location
Location.objects.create(facility=Facility.objects.create(name="Main hospital"), name="4 West")
password, *people = sys.stdin.read().split("\\n")
for line in people:
    username, role = line.split()
    create_user(username=username, name=f"Journey {username}", password=password, email="",
    roles=[role])
"""


@dataclass
class Answer:
    """What the API answered."""

    status: int
    body: Any
    headers: Any


class House:
    """A running Chartroom and a way to ask its API as somebody, with nothing but the standard library."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.url = running.url
        self._tokens: dict[str, str] = {}

    def hire(self) -> None:
        """Make a ward, and one account for each job with the service that `create_user` uses."""
        lines = [PASSWORD, *(f"{name} {role}" for name, role in PEOPLE.items())]
        done = self.running.manage("shell", "--no-imports", "-c", HIRE, text_in="\n".join(lines))
        assert done.returncode == 0, done.stderr

    def token(self, who: str) -> str:
        """A token of hers, asked for once."""
        if who not in self._tokens:
            answer = self._call("POST", "/tokens/", {"username": who, "password": PASSWORD})
            assert answer.status == 201, answer
            self._tokens[who] = answer.body["token"]
        return self._tokens[who]

    def ask(self, who: str, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """One request to /api/v1 as `who`."""
        return self._call(method, path, body, token=self.token(who))

    def file(self, who: str, name: str, content: bytes, **fields: str) -> Answer:
        """File a document, as multipart form data."""
        edge = secrets.token_hex(16)
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in fields.items()
        ]
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        parts += [head.encode(), content, f"\r\n--{edge}--\r\n".encode()]
        kind = f"multipart/form-data; boundary={edge}"
        return self._send("POST", "/documents/", b"".join(parts), kind, self.token(who))

    def _call(self, method: str, path: str, body: dict[str, Any] | None, *, token: str = "") -> Answer:
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, "application/json", token)

    def _send(self, method: str, path: str, data: bytes | None, kind: str, token: str) -> Answer:
        request = urllib.request.Request(f"{self.url}/api/v1{path}", data=data, method=method)  # noqa: S310
        request.add_header("Content-Type", kind)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  (our own address)
                return Answer(answer.status, parsed(answer.read()), answer.headers)
        except urllib.error.HTTPError as error:
            return Answer(error.code, parsed(error.read()), error.headers)


def scanned_page(*lines: str, pages: Sequence[Sequence[str]] = ()) -> bytes:
    """Typed pages as they come out of a scanner: 200 dpi, grey, a little skewed and dirty. A TIFF.

    `lines` are the first page's, `pages` those of further ones.
    """
    first, *others = [_scan(page) for page in (lines, *pages)]
    out = io.BytesIO()
    first.save(out, "TIFF", dpi=(200, 200), compression="tiff_lzw", save_all=True, append_images=others)
    return out.getvalue()


def _scan(lines: Sequence[str]) -> Image.Image:
    page = Image.new("L", (1654, 2339), 250)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=44)
    for number, line in enumerate(lines):
        draw.text((180, 240 + 78 * number), line, fill=35, font=font)
    skewed = page.rotate(0.7, fillcolor=250, resample=Image.Resampling.BICUBIC)
    dirt = Image.effect_noise(skewed.size, 18)
    return Image.blend(skewed, dirt, 0.12)
