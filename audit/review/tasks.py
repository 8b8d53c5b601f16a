"""What Celery calls now and then."""

from celery import shared_task

from audit.review import services
from audit.review.feeds import alarms
from audit.review.services import deciding


@shared_task(name="review.tell_overdue")
def tell_overdue() -> None:
    """Remind of broken glass that nobody has reviewed in time. Safe to run twice: each is told once."""
    services.tell_overdue()


@shared_task(name="review.tell_clocks")
def tell_clocks() -> None:
    """Remind of breach clocks that run out. Safe to run twice: each mark is told once."""
    deciding.tell_clocks()


@shared_task(name="review.watch")
def watch() -> None:
    """Look through this week and the one before. Safe to run twice, and two at once: no alert is made twice."""
    services.run_lately()


@shared_task(name="review.tell_alarms")
def tell_alarms() -> None:
    """Tell people what is wrong with the log itself. Safe to run twice: each is told once a day."""
    alarms.tell()
