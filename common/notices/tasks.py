"""What Celery calls now and then."""

from celery import shared_task

from common.notices import services


@shared_task(name="notices.forget")
def forget() -> None:
    """Drop what was read long ago."""
    services.forget()
