"""Housekeeping of the log."""

import logging

from celery import shared_task
from django.conf import settings
from django.db import connection

from audit.feeds import delivering
from audit.proof import clock, destinations, keys, sealing, stamps

MONTHS_AHEAD = 13

logger = logging.getLogger("chartroom.audit")


@shared_task(name="audit.ensure_partitions")
def ensure_partitions() -> int:
    """Make the coming months' partitions; returns how many were new. Safe to run at any time."""
    with connection.cursor() as cursor:
        cursor.execute("select audit_ensure_partitions(%s, %s)", [MONTHS_AHEAD, settings.LOG_TABLESPACE])
        return int(cursor.fetchone()[0])


@shared_task(name="audit.feed")
def feed() -> None:
    """Tell other systems of what is sealed. Two at once do no harm, and neither does one that comes late."""
    delivering.deliver()


@shared_task(name="audit.stamp")
def stamp() -> None:
    """Have an outside authority vouch for the newest seal, when it is time. Two at once do no harm."""
    stamps.stamp_newest()


@shared_task(name="audit.seal")
def seal() -> int:
    """Seal what has settled; returns the number of events sealed. Two at once do no harm."""
    clock.look()
    try:
        epoch = sealing.seal()
    except keys.NoKey:
        return 0  # the proof state says so; events are written all the same
    except (sealing.OtherCluster, sealing.CutBack) as refused:
        logger.error("%s", refused)
        return 0
    destinations.deliver()
    return epoch.row_count if epoch else 0
