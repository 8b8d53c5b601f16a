"""What Celery calls for this room."""

from smtplib import SMTPException

from celery import shared_task
from django.core.mail import send_mail
from django.utils import timezone

from accounts import services
from accounts.models import Draft


@shared_task(name="accounts.mail", autoretry_for=(OSError, SMTPException), retry_backoff=True, max_retries=8)
def mail(to: str, subject: str, text: str) -> None:
    """One mail to one person. A retry may send it twice; losing it would be worse."""
    send_mail(subject, text, None, [to])


@shared_task(name="accounts.forget_drafts")
def forget_drafts() -> int:
    """Drop what somebody had typed and did not come back for in time; returns how many."""
    dropped, _ = Draft.objects.filter(expires_at__lt=timezone.now()).delete()
    return dropped


@shared_task(name="accounts.leavers")
def leavers() -> None:
    """Switch off whose last day is over. The sign-in and every request ask the day for themselves, too."""
    services.deactivate_leavers()


@shared_task(name="accounts.reviews")
def access_reviews() -> None:
    """Open the quarter's access reviews where one is missing, and tell who is late."""
    services.open_reviews()
    services.tell_overdue()


@shared_task(name="accounts.write_off_emergencies")
def write_off_emergencies() -> None:
    """Write down which emergency access the clock has closed. Closes nothing, and is safe to run twice."""
    services.write_off_emergencies()
