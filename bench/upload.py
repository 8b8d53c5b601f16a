"""An upload of 100 MB: its speed against SHA-256 + AES-GCM + disk alone, and how much the web process grows.

Limits: ≥ 0.5 × the floor's speed (so at most twice its time), and at most 20 MB more resident memory.
"""

import hashlib
import http.client
import os
import secrets
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from _measure import Verdict, median, setup_django, timed
from pages import Server

setup_django()

from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from accounts.services import issue_token  # noqa: E402
from patients.models import Patient  # noqa: E402

SIZE = 100_000_000
PIECE = 1024 * 1024
ROUNDS = 5


def content() -> bytes:
    """A file that begins like a PDF and is otherwise noise, so that nothing can be compressed or kept twice."""
    return b"%PDF-1.7\n" + secrets.token_bytes(SIZE - 9)


def floor(data: bytes, folder: Path) -> None:
    """SHA-256, AES-256-GCM and a synced write of the same bytes."""
    cipher = AESGCM(AESGCM.generate_key(256))
    digest = hashlib.sha256()
    with tempfile.NamedTemporaryFile(dir=folder) as target:
        for number, start in enumerate(range(0, len(data), PIECE)):
            piece = data[start : start + PIECE]
            digest.update(piece)
            target.write(cipher.encrypt(number.to_bytes(12, "big"), piece, None))
        target.flush()
        os.fsync(target.fileno())


def multipart(data: bytes, fields: dict[str, str]) -> tuple[bytes, str]:
    """The request body and its content type."""
    boundary = secrets.token_hex(16)
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="scan.pdf"\r\n'
    head += "Content-Type: application/pdf\r\n\r\n"
    return (
        head.encode() + data + f"\r\n--{boundary}--\r\n".encode(),
        f"multipart/form-data; boundary={boundary}",
    )


def send(port: int, token: str, body: bytes, kind: str) -> None:
    """One upload; anything but 201 ends the run."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, "Host": "127.0.0.1"}
    connection.request("POST", "/api/v1/documents/", body=body, headers=headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 201:
        raise SystemExit(f"The upload answered {response.status}: {answer[:300]!r}")


def resident(server: Server) -> int:
    """Bytes resident in the largest of the server's worker processes."""
    master = server.process.pid
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    lines = [line for pid in children for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return max(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


def main() -> int:
    call_command("seed_bench", patients=20, documents=20)
    clerk = User.objects.filter(groups__name=Role.RECORDS_CLERK, is_active=True).order_by("pk")[0]
    token, _ = issue_token(by=clerk, user=clerk, label="bench")
    patient = Patient.objects.order_by("pk")[0]
    fields = {
        "patient": str(patient.pk),
        "type": "11503-0",
        "service_date": datetime.now(tz=UTC).date().isoformat(),
        "title": "Bench",
        "allow_duplicate": "true",
    }
    server = Server("config.wsgi:application")
    verdict = Verdict()
    try:
        small, kind = multipart(b"%PDF-1.7\n" + secrets.token_bytes(100_000), fields)
        for _ in range(8):  # both workers have loaded everything before memory is read
            send(server.port, token, small, kind)
        before = resident(server)
        ours: list[float] = []
        floors: list[float] = []
        most = 0
        for _ in range(ROUNDS):
            data = content()
            body, kind = multipart(data, fields)
            ours.append(timed(lambda body=body, kind=kind: send(server.port, token, body, kind)))  # type: ignore[misc]
            floors.append(timed(lambda data=data: floor(data, Path(settings.STORAGE))))  # type: ignore[misc]
            most = max(most, resident(server))
        verdict.ratio("100 MB, speed against the floor's", 1 / median(ours), 1 / median(floors), least=0.5)
        verdict.amount("growth of the web process", (most - before) / 1e6, "MB", most=20)
    finally:
        server.stop()
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
