"""A release of 20 documents, 100 pages, from the order to the finished package, against pikepdf merging the
same files.

Limit: ≤ 3 × the floor. Ours decrypts, checks, stamps each page, draws the cover, hashes, encrypts, and
writes events.
"""

import io
import random
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from _measure import Verdict, median, setup_django, timed

setup_django()

import pikepdf  # noqa: E402
from django.core.management import call_command  # noqa: E402
from PIL import Image  # noqa: E402
from reportlab.lib.pagesizes import A4  # noqa: E402
from reportlab.lib.utils import ImageReader  # noqa: E402
from reportlab.pdfgen.canvas import Canvas  # noqa: E402

from accounts.models import User  # noqa: E402
from accounts.roles import Role  # noqa: E402
from common.jobs import services as jobs  # noqa: E402
from patients.models import Patient  # noqa: E402
from records.documents.services.importing import (  # noqa: E402
    KeptFile,
    ReadDocument,
    ReadPage,
    import_read_documents,
)
from records.documents.storage import vault  # noqa: E402
from records.release.models import Release, ReleaseStatus  # noqa: E402
from records.release.services import building, evidence, intake, selecting  # noqa: E402

DOCUMENTS = 20
PAGES = 5
ROUNDS = 5


def scan_pdf(seed: int) -> bytes:
    """Five scanned pages (a 100 dpi JPEG each) with a line of text."""
    shuffled = random.Random(seed)
    target = io.BytesIO()
    canvas = Canvas(target, pagesize=A4)
    for number in range(PAGES):
        noise = Image.effect_noise((827, 1169), 30 + shuffled.random())
        picture = io.BytesIO()
        noise.save(picture, "JPEG", quality=60)
        canvas.drawImage(ImageReader(io.BytesIO(picture.getvalue())), 0, 0, *A4)
        canvas.drawString(
            72, 700, f"Document {seed}, page {number + 1}, invented for a benchmark of the release desk. " * 2
        )
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def kept(data: bytes, media_type: str) -> KeptFile:
    """A file of the vault. The documents come read already: reading has a benchmark of its own."""
    store = vault()
    return KeptFile(store.put(data), len(data), media_type, store.keyring.current)


def merge(paths: list[Path], target: Path) -> None:
    """The floor: one PDF of the same files, by pikepdf alone."""
    with pikepdf.new() as merged:
        for path in paths:
            with pikepdf.open(path) as part:
                merged.pages.extend(part.pages)
        merged.save(target)


def main() -> int:
    call_command("seed_bench", patients=20, documents=20)
    clerk = User.objects.filter(groups__name=Role.RECORDS_CLERK, is_active=True).order_by("pk")[0]
    roi = User.objects.filter(groups__name=Role.ROI_SPECIALIST, is_active=True).order_by("pk")[0]
    patient = Patient.objects.order_by("pk")[0]
    today = datetime.now(tz=UTC).date()
    thumbnail = io.BytesIO()
    Image.new("L", (60, 80), 255).save(thumbnail, "WEBP")
    picture = kept(thumbnail.getvalue(), "image/webp")
    ready: list[ReadDocument] = []
    with TemporaryDirectory() as folder:
        paths: list[Path] = []
        for seed in range(DOCUMENTS):
            data = scan_pdf(seed)
            path = Path(folder) / f"{seed}.pdf"
            path.write_bytes(data)
            paths.append(path)
            pages = [ReadPage(picture, picture, 60, 80, f"page {number}") for number in range(PAGES)]
            original = kept(data, "application/pdf")
            ready.append(ReadDocument(original, f"{seed}.pdf", "11503-0", f"Document {seed}", today, pages))
        filed = import_read_documents(by=clerk, patient_id=patient.pk, documents=ready)

        def order() -> None:
            """The bell stays still: what is timed here must not be taken by the instance's own worker."""
            with patch.object(jobs, "publish"):
                log_and_start()

        def log_and_start() -> None:
            request = intake.log_request(
                by=roi, patient_id=patient.pk, kind="patient", requester={"name": "Ada Bench"}, purpose="own copy",
                received_on=today, channel="mail", scope={"everything": True},
                delivery_method="download",
            )  # fmt: skip
            evidence.add_evidence(
                by=roi, request_id=request.pk, kind="identity",
                fields={"method": "driver licence", "seen_on": today},
            )  # fmt: skip
            selecting.select_documents(by=roi, request_id=request.pk, document_ids=[row.pk for row in filed])
            orders.append(building.start_release(by=roi, request_id=request.pk))

        def build() -> None:
            job = jobs.latest_about(orders[-1])
            if job is None:
                raise SystemExit("The release has no job.")
            jobs.run(job.pk)
            job.refresh_from_db()
            if job.worker != jobs.worker_name():
                raise SystemExit("Another worker took the job: nothing was measured.")

        orders: list[Release] = []
        mine: list[float] = []
        bare: list[float] = []
        for turn in range(ROUNDS + 1):
            order()
            took = timed(build)
            floor = timed(lambda: merge(paths, Path(folder) / "merged.pdf"))
            finished = Release.objects.get(pk=orders[-1].pk)
            if finished.status != ReleaseStatus.READY or finished.pages <= DOCUMENTS * PAGES:
                raise SystemExit(f"The release is {finished.status}: {finished.error}")
            if turn:
                mine.append(took)
                bare.append(floor)
    verdict = Verdict()
    verdict.ratio("20 documents, 100 pages, order to package", median(mine), median(bare), most=3)
    return verdict.exit()


if __name__ == "__main__":
    raise SystemExit(main())
