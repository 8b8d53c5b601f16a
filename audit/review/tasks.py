"""What Celery calls now and then."""

from celery import shared_task

from audit.review import counting, proof, services
from audit.review.feeds import alarms
from audit.review.services import deciding, signing


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


@shared_task(name="review.sign_offs")
def sign_offs() -> None:
    """Make the reviews of activity that are due, and remind of those that are late. Safe to run twice."""
    signing.make_sign_offs()
    signing.tell_overdue_sign_offs()


@shared_task(name="review.count_days")
def count_days() -> None:
    """Count the days that are over for the reports, and explain one day's accesses. Safe to run twice."""
    counting.count_days()
    counting.explain_newest_day()


@shared_task(name="review.check_log")
def check_log() -> None:
    """Check what was sealed lately against the log."""
    proof.verify_lately()
