"""Celery: the doorbell of the job table. Rows in PostgreSQL are the truth; a message only says "look there"."""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

app = Celery("chartroom")
app.conf.update(
    broker_url=settings.REDIS_URL.replace("unix://", "redis+socket://", 1),
    broker_connection_retry_on_startup=True,
    broker_connection_timeout=2,
    broker_transport_options={
        "visibility_timeout": 600,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
    },
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_publish_retry=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    task_default_queue="chartroom",
    timezone=settings.TIME_ZONE,
    beat_schedule_filename=str(settings.RUN_DIR / "beat-schedule"),
    beat_schedule={
        "sweep-jobs": {"task": "jobs.sweep", "schedule": settings.JOB_SWEEP_SECONDS},
        "seal-the-log": {"task": "audit.seal", "schedule": settings.SEAL_SECONDS},
        "ensure-partitions": {"task": "audit.ensure_partitions", "schedule": 6 * 3600},
        "sweep-files": {"task": "documents.sweep_files", "schedule": 6 * 3600},
        "tidy-documents": {"task": "documents.tidy", "schedule": 600},
        "forget-drafts": {"task": "accounts.forget_drafts", "schedule": 3600},
        "forget-stale": {"task": "jobs.forget_stale", "schedule": 3600},
        "leavers": {"task": "accounts.leavers", "schedule": 900},
        "access-reviews": {"task": "accounts.reviews", "schedule": 6 * 3600},
        "write-off-glass": {"task": "patients.write_off_glass", "schedule": 60},
        "write-off-emergencies": {"task": "accounts.write_off_emergencies", "schedule": 60},
        "watch-the-log": {"task": "review.watch", "schedule": crontab(hour="3", minute="20")},
        "tell-alarms-of-the-log": {"task": "review.tell_alarms", "schedule": 300},
        "tell-overdue-reviews": {"task": "review.tell_overdue", "schedule": 3600},
        "tell-breach-clocks": {"task": "review.tell_clocks", "schedule": 3600},
        "sign-offs": {"task": "review.sign_offs", "schedule": 3600},
        "count-days": {"task": "review.count_days", "schedule": 600},
        "check-the-log": {"task": "review.check_log", "schedule": 24 * 3600},
        "forget-notices": {"task": "notices.forget", "schedule": 24 * 3600},
    },
)
if settings.FEEDS:
    app.conf.beat_schedule["feed-the-log"] = {"task": "audit.feed", "schedule": settings.SEAL_SECONDS}
if settings.TSA_URL:
    app.conf.beat_schedule["stamp-the-log"] = {"task": "audit.stamp", "schedule": 60}
app.autodiscover_tasks()


@setup_logging.connect(weak=False)
def keep_logging(**kwargs: Any) -> None:
    """Celery sets up no log of its own: there is one, and it tells no exception's words (`config.logs`)."""
