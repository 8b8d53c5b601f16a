"""What the job `documents.read` does: have the pages of a version read and put them on the chart.

Pages are written some at a time, so that a long document can be looked at while the rest is read, and a killed
worker's successor goes on where it stopped.
"""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Avg

from accounts.services import service_account
from audit.services import record
from common.errors import Refusal, check_move
from common.jobs.handlers import JobFailed
from common.jobs.models import Job, JobStatus
from common.jobs.services import Running
from common.notices.models import Tone
from common.notices.services import notify
from common.words import counted
from records.documents import files, languages
from records.documents.models import (
    PROCESSING_MOVES,
    DocumentVersion,
    Page,
    Processing,
    TextSource,
)
from records.documents.reading import FileFacts, Order, PageFailed, PageRead, ReadingFailed, read_file

logger = logging.getLogger("chartroom.documents")
FLUSH_PAGES = 20
FLUSH_SECONDS = 5.0
GAVE_UP = (
    "Reading this document failed several times. The original is safe. Try again, or tell the administrator."
)
Result = PageRead | PageFailed


def read_version(job: Running) -> None:
    """Read every page that is still missing. Safe to run again at any point."""
    version_id = UUID(job.args["version"])
    version = _start(job, version_id)
    if version is None:
        return
    have = frozenset(Page.objects.filter(of=version).exclude(view=None).values_list("number", flat=True))
    try:
        with _private_folder(job) as folder:
            _read(job, version, folder, have)
    except ReadingFailed as failed:
        _fail(job, version_id, str(failed))
        raise JobFailed(str(failed)) from failed
    except Refusal as refusal:  # the storage is full, or has lost the original
        if job.attempts < settings.JOB_ATTEMPTS and refusal.code != "file_lost":
            raise
        _fail(job, version_id, refusal.message)
        raise JobFailed(refusal.message) from refusal


def _locked(job: Running, version_id: UUID) -> DocumentVersion:
    job.fence()
    return (
        DocumentVersion.objects.select_for_update(of=("self",)).select_related("document").get(pk=version_id)
    )


@transaction.atomic
def _start(job: Running, version_id: UUID) -> DocumentVersion | None:
    version = _locked(job, version_id)
    if version.processing in {Processing.DONE, Processing.FAILED}:
        return None
    if version.processing != Processing.RUNNING:
        check_move(PROCESSING_MOVES, version.processing, Processing.RUNNING)
        version.processing = Processing.RUNNING
        version.save(update_fields=["processing", "updated_at"])
        _note("document.reading_started", version, {})
    return version


def _read(job: Running, version: DocumentVersion, folder: Path, have: frozenset[int]) -> None:
    original = folder / "original"
    files.copy_out(version.blob_id, original)
    work = folder / "pages"
    work.mkdir(mode=0o700)
    order = Order(
        path=original,
        media_type=version.blob.media_type,
        work=work,
        tessdata=languages.tessdata(),
        languages=settings.OCR_LANGUAGES,
        max_pages=settings.MAX_PAGES,
        have=have,
    )
    waiting: list[Result] = []
    flushed = time.monotonic()
    done, total, flags = len(have), 0, list[str]()
    for message in read_file(order):
        if isinstance(message, FileFacts):
            total, flags = message.pages, message.flags
        elif isinstance(message, (PageRead, PageFailed)):
            waiting.append(message)
            done += 1
        job.progress(done, total, f"Reading page {min(done + 1, total)} of {total}")
        if len(waiting) >= FLUSH_PAGES or (waiting and time.monotonic() - flushed > FLUSH_SECONDS):
            _write(job, version.pk, waiting)
            waiting, flushed = [], time.monotonic()
    _write(job, version.pk, waiting, total=total, flags=flags)
    shown = Page.objects.filter(of=version).exclude(view=None).count()
    words = counted(total, "page")
    job.progress(total, total, f"{words} read." if shown == total else f"{shown} of {words} read.")


@transaction.atomic
def _write(
    job: Running, version_id: UUID, results: list[Result], *, total: int = 0, flags: list[str] | None = None
) -> None:
    """Put pages on the chart; with `total`, they are the last ones and the version is done."""
    version = _locked(job, version_id)
    numbers = []
    for result in results:
        _write_page(version, result)
        numbers.append(result.number)
    detail: dict[str, object] = {"pages": sorted(numbers)}
    if total:
        _finish(version, total, flags or [])
        detail |= {"page_count": total, "processing": version.processing}
        if version.processing == Processing.FAILED:
            _tell_failed(version, job.created_by)
    _note("document.pages_read", version, detail)
    for result in results:  # the work folder stays small however long the document is
        if isinstance(result, PageRead):
            result.view.unlink(missing_ok=True)
            result.thumbnail.unlink(missing_ok=True)


def _write_page(version: DocumentVersion, result: Result) -> None:
    facts: dict[str, object] = {"patient_id": version.patient_id}
    if isinstance(result, PageRead):
        facts |= {
            "view": files.keep_path(result.view, "image/webp"),
            "thumbnail": files.keep_path(result.thumbnail, "image/webp"),
            "width": result.width,
            "height": result.height,
            "source": result.source,
            "text": result.text,
            "confidence": result.confidence,
            "packed_words": Page.pack(result.words),
            "error": "",
        }
    else:
        facts |= {"source": TextSource.NONE, "error": result.error}
    Page.objects.update_or_create(of=version, number=result.number, defaults=facts)


def _finish(version: DocumentVersion, total: int, flags: list[str]) -> None:
    unread = list(
        Page.objects.filter(of=version, view=None).order_by("number").values_list("number", "error")[:6]
    )
    version.processing = Processing.FAILED if unread else Processing.DONE
    version.error = ""
    if unread:
        numbers = ", ".join(str(number) for number, _ in unread[:5]) + (
            " and others" if len(unread) > 5 else ""
        )
        version.error = f"Page {numbers} of {total} could not be shown. {unread[0][1]}"
    version.page_count = total
    version.flags = flags
    confidence = Page.objects.filter(of=version, source=TextSource.OCR).aggregate(mean=Avg("confidence"))
    version.text_confidence = round(confidence["mean"], 1) if confidence["mean"] is not None else None
    version.save(
        update_fields=["processing", "error", "page_count", "flags", "text_confidence", "updated_at"]
    )


@transaction.atomic
def _fail(job: Running, version_id: UUID, sentence: str) -> None:
    version = _locked(job, version_id)
    _mark_failed(version, sentence, job.created_by)


def _mark_failed(version: DocumentVersion, sentence: str, asked_by: UUID | None) -> None:
    check_move(PROCESSING_MOVES, version.processing, Processing.FAILED)
    version.processing = Processing.FAILED
    version.error = sentence[:500]
    version.save(update_fields=["processing", "error", "updated_at"])
    _note("document.reading_failed", version, {"error": version.error}, outcome="failed")
    _tell_failed(version, asked_by)


def _tell_failed(version: DocumentVersion, asked_by: UUID | None) -> None:
    document = version.document
    notify(
        [asked_by],
        kind="document.unreadable",
        tone=Tone.BAD,
        text=f"{document.type.name}: this document could not be read. {version.error}",
        url=document.get_absolute_url(),
    )


def fail_stuck() -> int:
    """Versions whose job gave up without a word (its worker was killed each time) say so; returns how many."""
    found = 0
    failed_jobs = Job.objects.filter(kind="documents.read", status=JobStatus.FAILED)
    unfinished = DocumentVersion.objects.filter(processing__in=[Processing.QUEUED, Processing.RUNNING])
    for version_id in list(unfinished.values_list("pk", flat=True)[:500]):
        newest = (
            Job.objects.filter(
                kind="documents.read", about_type="documents.documentversion", about_id=str(version_id)
            )
            .order_by("-created_at")
            .first()
        )
        if newest is None or not failed_jobs.filter(pk=newest.pk).exists():
            continue
        with transaction.atomic():
            version = DocumentVersion.objects.select_for_update().get(pk=version_id)
            if version.is_being_read:
                _mark_failed(version, GAVE_UP, newest.created_by)
                found += 1
    return found


def _note(event: str, version: DocumentVersion, detail: dict[str, object], outcome: str = "success") -> None:
    record(
        event,
        by=service_account("reader"),
        patient=version.patient_id,
        about=version.document,
        reason="reads what was filed",
        outcome=outcome,
        detail={"version": version.number, **detail},
    )


@contextmanager
def _private_folder(job: Running) -> Iterator[Path]:
    """A folder of this attempt's own for the original in the clear; removed whatever happens."""
    folder = reading_area() / f"{job.id}-{job.attempts}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def reading_area() -> Path:
    """Where originals lie in the clear while they are read."""
    area: Path = settings.RUN_DIR / "reading"
    area.mkdir(mode=0o700, parents=True, exist_ok=True)
    return area


def sweep_reading_area() -> int:
    """Remove what killed workers left: folders of jobs that nobody runs now; returns how many."""
    removed = 0
    for folder in reading_area().iterdir():
        job_id = folder.name.rpartition("-")[0]
        try:
            is_running = Job.objects.filter(pk=UUID(job_id), status=JobStatus.RUNNING).exists()
        except ValueError:
            is_running = False
        if not is_running:
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed
