"""What happens when a worker starts."""

from typing import Any

from celery.signals import worker_ready

from common.jobs import services


@worker_ready.connect(weak=False)
def take_over(**kwargs: Any) -> None:
    """Report for duty, and take over what a killed predecessor on this host left behind."""
    services.release_orphans()
    services.sweep()
