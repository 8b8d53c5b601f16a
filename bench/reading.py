"""A 5-page 200 dpi scan, from upload to searchable, against plain tesserocr on the same pages with the same cores.

Limit: ≤ 1.3 × the floor. Ours includes the upload, encryption, the job, the page images and the index.
"""

import io
import multiprocessing
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from _measure import ROOT, Verdict, median, setup_django, timed
from pages import Server

setup_django()

from django.core.management import call_command  # noqa: E402
from PIL import Image  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from accounts.services import issue_token  # noqa: E402
from patients.models import Patient  # noqa: E402
from records.documents.languages import tessdata  # noqa: E402
from records.documents.models import Document  # noqa: E402

PAGES = 5
ROUNDS = 4


def letter(number: int) -> Image.Image:
    """A4 at 200 dpi full of words, with a little noise: page `number` of a scan."""
    from PIL import ImageDraw, ImageFont

    words = (
        "the patient was seen on the ward and reported no pain after the procedure which went well".split()
    )
    page = Image.new("L", (1654, 2339), 255)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(size=32)
    for line in range(40):
        text = " ".join(words[(line + number + step) % len(words)] for step in range(12))
        draw.text((140, 160 + line * 52), f"{text} {number}{line}", font=font, fill=20)
    noise = Image.effect_noise(page.size, 24).point(lambda value: 255 if value > 70 else 0)
    return Image.composite(page, Image.new("L", page.size, 0), noise)


def scan(seed: int) -> bytes:
    """A five-page TIFF; `seed` makes it another file each time."""
    pages = [letter(seed * 10 + number) for number in range(PAGES)]
    target = io.BytesIO()
    pages[0].save(
        target, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_lzw", dpi=(200, 200)
    )
    return target.getvalue()


def _plain(task: tuple[bytes, list[int], str]) -> int:
    """Read some pages of the scan with tesserocr alone; gives the number of characters."""
    import os

    os.environ["OMP_THREAD_LIMIT"] = "1"
    import tesserocr

    data, numbers, models = task
    picture = Image.open(io.BytesIO(data))
    found = 0
    with tesserocr.PyTessBaseAPI(path=models, lang="eng") as engine:
        for number in numbers:
            picture.seek(number)
            engine.SetImage(picture.convert("L"))
            engine.SetSourceResolution(200)
            found += len(engine.GetUTF8Text())
    return found


def floor(data: bytes, models: str) -> None:
    """The same pages on the same two cores."""
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        results = pool.map(_plain, [(data, [0, 1, 2], models), (data, [3, 4], models)])
    if not all(results):
        raise SystemExit("The floor read nothing.")


def main() -> int:
    import http.client

    from upload import multipart

    call_command("seed_bench", patients=20, documents=20)
    clerk = User.objects.filter(groups__name=Role.RECORDS_CLERK, is_active=True).order_by("pk")[0]
    token, _ = issue_token(by=clerk, user=clerk, label="bench")
    patient = Patient.objects.order_by("pk")[0]
    models = f"{Path(tessdata())}/"
    server = Server("config.wsgi:application")
    worker = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "config", "worker", "-P", "threads", "-c", "4", "-l", "error"],
        cwd=ROOT,
    )

    def ours(data: bytes) -> None:
        fields = {
            "patient": str(patient.pk),
            "type": "11503-0",
            "service_date": datetime.now(tz=UTC).date().isoformat(),
            "title": "Bench",
        }
        body, kind = multipart(data, fields)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, "Host": "127.0.0.1"}
        connection.request("POST", "/api/v1/documents/", body=body, headers=headers)
        response = connection.getresponse()
        if response.status != 201:
            raise SystemExit(f"The upload answered {response.status}: {response.read()[:300]!r}")
        response.read()
        newest = Document.objects.order_by("-created_at")[0].pk
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if Document.objects.filter(pk=newest, current__processing="done").exists():
                return
            time.sleep(0.05)
        raise SystemExit("The scan was not read in two minutes.")

    verdict = Verdict()
    mine: list[float] = []
    bare: list[float] = []
    try:
        ours(scan(0))
        for turn in range(1, ROUNDS + 1):
            data = scan(turn)
            mine.append(timed(lambda data=data: ours(data)))  # type: ignore[misc]
            bare.append(timed(lambda data=data: floor(data, models)))  # type: ignore[misc]
        verdict.ratio("5 pages at 200 dpi, upload to searchable", median(mine), median(bare), most=1.3)
    finally:
        worker.terminate()
        worker.wait(30)
        server.stop()
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
