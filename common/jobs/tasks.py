"""What Celery calls. Tasks take ids; the row decides."""

from datetime import timedelta
from importlib import import_module
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from common.jobs import services
from common.jobs.models import Job, JobStatus
from common.models import Once


@shared_task(name="jobs.run")
def run(job_id: str) -> None:
    """Do one job, if it is still to be done."""
    services.run(UUID(job_id))


@shared_task(name="jobs.sweep")
def sweep() -> None:
    """Ring again for jobs nobody works on."""
    services.sweep()


@shared_task(name="jobs.forget_stale")
def forget_stale() -> None:
    """Drop what no longer matters: old double-click keys, ended sessions, jobs done a month ago."""
    now = timezone.now()
    Once.objects.filter(created_at__lt=now - timedelta(days=1)).delete()
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    Job.objects.filter(status=JobStatus.DONE, finished_at__lt=now - timedelta(days=30)).delete()
