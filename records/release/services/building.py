"""From “may go” to a finished package: ordering it, and the job that builds it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit import context as audit_context
from audit.services import record
from common.errors import Denied, NotFound, RulesBroken, Unavailable, check_move
from common.jobs import services as jobs
from common.jobs.handlers import JobFailed, handler
from common.jobs.models import JobStatus
from common.jobs.services import Running
from common.notices.models import Tone
from common.notices.services import notify
from records.documents import files
from records.documents.uploads import VaultUpload
from records.release import access
from records.release.assembling import Assembly, AssemblyRefused, workspace
from records.release.cover import cover_facts
from records.release.models import (
    MOVES,
    RELEASE_MOVES,
    RecordRequest,
    Release,
    ReleaseStatus,
    RequestStatus,
    SelectedDocument,
)
from records.release.packaging.facts import Package, Part
from records.release.services.clearing import clearance
from records.release.services.intake import locked
from records.release.services.withdrawing import withdraw_package

KIND = "release.build"
FAULT = "The package could not be built, because of a fault inside Chartroom. Try again, or tell the administrator."


@transaction.atomic
def start_release(*, by: User, request_id: Any, seen_version: int | None = None) -> Release:
    """Have the package built by a job. A second click finds the release that the first one started.

    Raises NotFound, Denied, Stale, WrongMove, or RulesBroken with everything that still forbids it (ROI-001).
    """
    record_request, decision = locked(by, request_id, None)
    access.check_may_build(by, record_request)
    settle(record_request)
    under_way = record_request.releases.filter(status=ReleaseStatus.QUEUED).first()
    if under_way:
        return under_way
    if seen_version is not None:
        record_request, decision = locked(by, request_id, seen_version)
    missing = clearance(by, record_request).missing
    if missing:
        raise RulesBroken([(item.rule, item.text) for item in missing])
    withdraw_package(by=by, record_request=record_request)
    check_move(MOVES, record_request.status, RequestStatus.BUILDING)
    release = Release.objects.create(request=record_request, patient=record_request.patient, asked_by=by)
    record_request.status = RequestStatus.BUILDING
    record_request.save()
    record(
        "release.started",
        by=by,
        patient=release.patient_id,
        about=release,
        reason=str(decision),
        detail={"request": record_request.number, "ground": record_request.rule.basis},
    )
    jobs.enqueue(
        KIND,
        by_id=by.pk,
        about=release,
        patient_id=release.patient_id,
        args={"release": str(release.pk)},
        context=audit_context.current().as_json(),
    )
    return release


def settle(record_request: RecordRequest) -> None:
    """Put a (locked) request back in work whose job gave up without a word: nothing stays stuck unseen."""
    release = record_request.releases.filter(status=ReleaseStatus.QUEUED).first()
    job = jobs.latest_about(release, KIND) if release else None
    if release and job and job.status == JobStatus.FAILED:
        _mark_failed(release, job.error or FAULT, record_request)


def _mark_failed(release: Release, why: str, record_request: RecordRequest) -> None:
    check_move(RELEASE_MOVES, release.status, ReleaseStatus.FAILED)
    check_move(MOVES, record_request.status, RequestStatus.RECEIVED)
    release.status = ReleaseStatus.FAILED
    release.error = why[:500]
    release.version += 1
    release.save()
    record_request.status = RequestStatus.RECEIVED
    record_request.version += 1
    record_request.save()
    record(
        "release.failed",
        by=release.asked_by,
        patient=release.patient_id,
        about=release,
        outcome="failed",
        reason=why,
    )
    notify(
        [release.asked_by_id],
        kind="release.failed",
        tone=Tone.BAD,
        text=_in_short(record_request),
        url=record_request.get_absolute_url(),
    )


@handler(KIND)
def build(job: Running) -> None:
    """The job: gather, assemble, keep, say so. Run again after a kill it ends in the same one package."""
    context = audit_context.Context.from_json(job.context)
    with audit_context.use(context, channel="job"):
        release = (
            Release.objects.select_related("request__patient", "asked_by")
            .filter(pk=UUID(job.args["release"]), status=ReleaseStatus.QUEUED)
            .first()
        )
        if release is None:
            return  # built, or given up, by an earlier run
        try:
            _build(job, release)
        except (AssemblyRefused, Denied, NotFound, RulesBroken) as refused:
            _give_up(job, release, str(refused))
            raise JobFailed(_in_short(release.request)) from refused
        except Exception:
            if job.attempts >= settings.JOB_ATTEMPTS:
                _give_up(job, release, FAULT)
            raise


def _in_short(record_request: RecordRequest) -> str:
    """Why the job failed, for whoever runs the system too: the reason may name documents, and stands at the request."""
    return f"The package of request {record_request.number} could not be built. The request says why."


def _give_up(job: Running, release: Release, why: str) -> None:
    with transaction.atomic():
        job.fence()
        record_request = RecordRequest.objects.select_for_update().get(pk=release.request_id)
        _mark_failed(Release.objects.select_for_update().get(pk=release.pk), why, record_request)


def _build(job: Running, release: Release) -> None:
    by = User.objects.prefetch_related("groups").get(pk=release.asked_by_id)
    access.check_may_build(by, release.request)  # a right lost since then is lost
    cleared = clearance(by, release.request)
    if cleared.missing:
        raise RulesBroken([(item.rule, item.text) for item in cleared.missing])
    size_bytes = sum(row.document_version.blob.size_bytes for row in cleared.rows)
    with workspace(f"chartroom-release-{job.id}", size_bytes) as folder, ThreadPoolExecutor(1) as beside:
        parts = [_part(row, folder) for row in cleared.rows]
        assembly = Assembly(
            cover_facts(release, cleared),
            parts,
            folder,
            fetch=_fetch,
            progress=job.progress,
            beside=beside,
        )
        received = files.stage(assembly.pieces(), "package.pdf")  # encrypted while the rest is still written
    _finish(job, release, by, received, assembly.package)


def _part(row: SelectedDocument, folder: Any) -> Part:
    version, document = row.document_version, row.document
    return Part(
        document_id=str(document.pk),
        version_id=str(version.pk),
        title=document.title,
        kind=document.type.name,
        service_date=document.service_date,
        media_type=version.blob.media_type,
        path=folder / f"{row.position:05}",
        sha256=version.blob_id,
        pages=version.page_count,
    )


def _fetch(part: Part) -> None:
    try:
        files.copy_out(part.sha256, part.path)
    except Unavailable as error:
        why = f"“{part.title}” of {part.dated} cannot be added. {error.message}"
        raise AssemblyRefused(why) from error


def _finish(job: Running, release: Release, by: User, received: VaultUpload, package: Package) -> None:
    with transaction.atomic():
        job.fence()  # another worker that took over has written it, or will
        record_request = RecordRequest.objects.select_for_update().get(pk=release.request_id)
        release = Release.objects.select_for_update().get(pk=release.pk)
        check_move(RELEASE_MOVES, release.status, ReleaseStatus.READY)
        check_move(MOVES, record_request.status, RequestStatus.READY)
        blob = files.keep(received.staged, "application/pdf")  # its row wants the event below in one commit
        release.status = ReleaseStatus.READY
        release.package = blob
        release.pages = package.pages
        release.manifest = package.kept_as(blob.sha256, received.staged.size_bytes)
        release.built_at = timezone.now()
        release.needs_approval = 0 < settings.RELEASE_APPROVAL_PAGES < package.pages
        release.version += 1
        release.save()
        record_request.status = RequestStatus.READY
        record_request.version += 1
        record_request.save()
        record(
            "release.built",
            by=by,
            patient=release.patient_id,
            about=release,
            reason=f"ordered by {by.username}",
            detail={
                "sha256": blob.sha256,
                "pages": package.pages,
                "documents": len(package.manifest["parts"]),
            },
        )
        ready = f"The package of request {record_request.number} is ready to send."
        if release.needs_approval:
            ready = f"The package of request {record_request.number} is built and waits for a second person."
        notify(
            [release.asked_by_id],
            kind="release.ready",
            tone=Tone.GOOD,
            text=ready,
            url=record_request.get_absolute_url(),
        )
        if release.needs_approval:
            notify(
                User.objects.holding("release.approve_release")
                .exclude(pk=release.asked_by_id)
                .values_list("pk", flat=True),
                kind="release.waits",
                tone=Tone.DUE,
                text=f"A package of {release.pages} pages, request {record_request.number}, waits for your agreement.",
                url=record_request.get_absolute_url(),
            )
