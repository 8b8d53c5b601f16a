"""What Celery calls now and then."""

import logging

from celery import shared_task
from celery.signals import worker_ready

from records.documents.sealed import VaultError
from records.documents.services import reading
from records.documents.services.sweeping import sweep_files
from records.documents.storage import vault

logger = logging.getLogger("chartroom.documents")


@shared_task(name="documents.tidy")
def tidy() -> None:
    """Remove parts of abandoned uploads, what killed readers left, and say what gave up silently."""
    try:
        vault().sweep()
    except VaultError as error:
        logger.warning("No abandoned uploads were removed: %s", error)
    reading.sweep_reading_area()
    reading.fail_stuck()


@shared_task(name="documents.sweep_files")
def sweep() -> None:
    """Remove stored files that failed work left behind."""
    try:
        swept = sweep_files(remove=True)
    except VaultError as error:
        logger.warning("No files were swept: %s", error)
    else:
        if swept.removed:
            logger.info("%s files that belonged to nothing were removed.", swept.removed)


@worker_ready.connect(weak=False)
def tidy_at_start(**kwargs: object) -> None:
    """The same when a worker starts: the last one may have been killed in the middle."""
    reading.sweep_reading_area()
    reading.fail_stuck()
