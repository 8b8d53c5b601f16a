"""What Celery calls now and then."""

from celery import shared_task

from patients import services


@shared_task(name="patients.write_off_glass")
def write_off_glass() -> None:
    """Write down which broken glass the clock has closed. Closes nothing, and is safe to run twice."""
    services.write_off_run_out()
