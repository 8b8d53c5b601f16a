"""Enqueue, run, sweep: each job runs to its end exactly once as far as anyone can see."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from celery import current_app
from django.conf import settings
from django.db import close_old_connections, connection, models, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from common.jobs.handlers import JobFailed, LeaseLost, handler_of
from common.jobs.models import Heartbeat, Job, JobStatus

logger = logging.getLogger("chartroom.jobs")
WORKER = "worker"


def worker_name() -> str:
    """This process among all hosts."""
    return f"{socket.gethostname()}:{os.getpid()}"


def enqueue(
    kind: str,
    *,
    by_id: UUID | None,
    args: dict[str, Any],
    about: models.Model | None = None,
    patient_id: UUID | None = None,
    context: dict[str, Any] | None = None,
    total: int = 0,
) -> Job:
    """Add a job in the caller's transaction and ring the doorbell when it has committed.

    `context` is `audit.context.current().as_json()`, so that the worker's events name the request that asked.
    A broker that does not answer is no failure: the row waits and the sweeper rings again.
    """
    job = Job.objects.create(
        kind=kind,
        args=args,
        created_by=by_id,
        patient_id=patient_id,
        about_type=about._meta.label_lower if about is not None else "",
        about_id=str(about.pk) if about is not None else "",
        context=context or {},
        total=total,
    )
    transaction.on_commit(partial(publish, job.pk))
    return job


def publish(job_id: UUID) -> bool:
    """Ring the doorbell; True when the broker took it."""
    try:
        current_app.send_task("jobs.run", args=[str(job_id)], retry=False)
    except (OperationalError, OSError) as error:
        logger.warning("The broker does not answer (%s); job %s waits.", type(error).__name__, job_id)
        return False
    Job.objects.filter(pk=job_id).update(published_at=timezone.now())
    return True


class Running:
    """A job that this worker holds."""

    def __init__(self, job: Job) -> None:
        self.id: UUID = job.pk
        self.kind = job.kind
        self.args: dict[str, Any] = job.args
        self.steps: dict[str, Any] = job.steps
        self.attempts = job.attempts
        self.created_by = job.created_by
        self.patient_id = job.patient_id
        self.context: dict[str, Any] = job.context
        self.token = job.lease_token

    def _mine(self) -> models.QuerySet[Job]:
        return Job.objects.filter(pk=self.id, status=JobStatus.RUNNING, lease_token=self.token)

    def progress(self, done: int, total: int, text: str) -> None:
        """Say how far it is ("Reading page 3 of 5") and renew the lease. Raises LeaseLost."""
        changed = self._mine().update(
            done=done, total=total, text=text[:200], lease_until=_lease_end(), updated_at=timezone.now()
        )
        if not changed:
            raise LeaseLost

    def fence(self) -> None:
        """Call first in the transaction that writes a result: no other worker can write it too.

        Holds the job's row until that transaction ends. Raises LeaseLost.
        """
        if not self._mine().select_for_update().exists():
            raise LeaseLost

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Do a step once: its small JSON result is kept, and a later attempt gets it without doing it again."""
        if name not in self.steps:
            result = work()
            self.steps[name] = result
            if not self._mine().update(steps=self.steps, lease_until=_lease_end()):
                raise LeaseLost
        return self.steps[name]

    def renew(self) -> bool:
        """Renew the lease; False when it is lost."""
        return bool(self._mine().update(lease_until=_lease_end()))


def _lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


@contextmanager
def _heartbeat(running: Running) -> Iterator[None]:
    """Renew the lease from a second thread while the handler works on one long thing."""
    stop = threading.Event()

    def beat() -> None:
        try:
            while not stop.wait(settings.JOB_LEASE_SECONDS / 3):
                close_old_connections()
                if not running.renew():
                    return
        except Exception:  # the handler's own writes will find the lease lost
            logger.warning("The lease of job %s could not be renewed.", running.id)
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"lease-{running.id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _locked(job_id: UUID) -> Job | None:
    """The job's row, if it may be taken.

    Whoever rings writes into a waiting job's row at the very moment in which the worker hears it: we wait for that,
    or the ring would be lost until the sweeper comes. Nobody waits for the holder of a lapsed lease, who may be
    writing a long result.
    """
    waiting = Job.objects.select_for_update().filter(pk=job_id, status=JobStatus.QUEUED).first()
    return waiting or Job.objects.takeable().select_for_update(skip_locked=True).filter(pk=job_id).first()


def claim(job_id: UUID) -> Running | None:
    """Take the job for this worker, or None when it is finished, gone or somebody else's."""
    with transaction.atomic():
        job = _locked(job_id)
        if job is None:
            return None
        if job.attempts >= settings.JOB_ATTEMPTS:
            _finish(job, JobStatus.FAILED, error=job.error or "Gave up after several attempts.")
            return None
        job.status = JobStatus.RUNNING
        job.attempts += 1
        job.lease_token = uuid4()
        job.lease_until = _lease_end()
        job.worker = worker_name()
        job.save()
        return Running(job)


def _finish(job: Job, status: JobStatus, *, error: str = "") -> None:
    job.status = status
    job.error = error[:500]
    job.lease_token = None
    job.lease_until = None
    job.finished_at = timezone.now() if status in {JobStatus.DONE, JobStatus.FAILED} else None
    job.save()


def run(job_id: UUID) -> None:
    """Claim the job and do it. Safe to call any number of times, from any number of workers."""
    running = claim(job_id)
    if running is None:
        return
    outcome, error = JobStatus.DONE, ""
    try:
        with _heartbeat(running):
            handler_of(running.kind)(running)
    except LeaseLost:
        logger.warning("Job %s was taken over by another worker.", job_id)
        return
    except JobFailed as failed:
        outcome, error = JobStatus.FAILED, str(failed)
    except Exception as fault:
        logger.exception("Job %s (%s) failed at attempt %s.", job_id, running.kind, running.attempts)
        is_last = running.attempts >= settings.JOB_ATTEMPTS
        outcome = JobStatus.FAILED if is_last else JobStatus.QUEUED
        error = f"{type(fault).__name__}: a fault inside Chartroom; reference {job_id}."
    with transaction.atomic():
        job = Job.objects.select_for_update().filter(pk=job_id, lease_token=running.token).first()
        if job is not None:
            job.published_at = None if outcome == JobStatus.QUEUED else job.published_at
            _finish(job, outcome, error=error)


def sweep() -> int:
    """Ring again for jobs nobody works on; returns how many. Called every few seconds by beat."""
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"seen_at": timezone.now()})
    stale = timezone.now() - timedelta(seconds=3 * settings.JOB_SWEEP_SECONDS)
    never_rung = models.Q(published_at=None, created_at__lt=timezone.now() - timedelta(seconds=2))
    waiting = Job.objects.takeable().filter(
        never_rung | models.Q(published_at__lt=stale) | models.Q(status=JobStatus.RUNNING)
    )
    rung = 0
    for job_id in list(waiting.order_by("created_at").values_list("pk", flat=True)[:500]):
        if not publish(job_id):
            break
        rung += 1
    return rung


def release_orphans() -> int:
    """At a worker's start: what a dead process on this host had leased may run again at once."""
    host = socket.gethostname()
    released = 0
    for job in Job.objects.filter(status=JobStatus.RUNNING, worker__startswith=f"{host}:"):
        pid = int(job.worker.rsplit(":", 1)[1])
        if pid != os.getpid() and _is_alive(pid):
            continue
        with transaction.atomic():
            held = Job.objects.select_for_update().filter(pk=job.pk, lease_token=job.lease_token).first()
            if held is not None:
                _finish(held, JobStatus.QUEUED)
                transaction.on_commit(partial(publish, held.pk))
                released += 1
    return released


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def latest_about(row: models.Model, kind: str = "") -> Job | None:
    """The newest job about this row (of this kind)."""
    jobs = Job.objects.filter(about_type=row._meta.label_lower, about_id=str(row.pk))
    return (jobs.filter(kind=kind) if kind else jobs).order_by("-created_at").first()
