"""Housekeeping of the log."""

from celery import shared_task
from django.db import connection

MONTHS_AHEAD = 13


@shared_task(name="audit.ensure_partitions")
def ensure_partitions() -> int:
    """Make the coming months' partitions; returns how many were new. Safe to run at any time."""
    with connection.cursor() as cursor:
        cursor.execute("select audit_ensure_partitions(%s)", [MONTHS_AHEAD])
        return int(cursor.fetchone()[0])
