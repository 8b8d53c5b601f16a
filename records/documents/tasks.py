"""What Celery calls now and then."""

from celery import shared_task
from celery.signals import worker_ready

from records.documents.services import reading
from records.documents.storage import vault


@shared_task(name="documents.tidy")
def tidy() -> None:
    """Remove parts of abandoned uploads, what killed readers left, and say what gave up silently."""
    vault().sweep()
    reading.sweep_reading_area()
    reading.fail_stuck()


@worker_ready.connect(weak=False)
def tidy_at_start(**kwargs: object) -> None:
    """The same when a worker starts: the last one may have been killed in the middle."""
    reading.sweep_reading_area()
    reading.fail_stuck()
