"""What Celery calls now and then."""

from celery import shared_task

from audit.review import services


@shared_task(name="review.tell_overdue")
def tell_overdue() -> None:
    """Remind of broken glass that nobody has reviewed in time. Safe to run twice: each is told once."""
    services.tell_overdue()
