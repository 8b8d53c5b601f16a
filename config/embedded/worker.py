"""The embedded worker: Celery's worker with its clock as a thread beside it.

`celery worker --beat` starts a second process of 90 MB, which would outlive a worker that is killed.
"""

from typing import Any

from celery import bootsteps
from celery.beat import EmbeddedService

from config.celery import app


class Clock(bootsteps.StartStopStep):
    """Rings the scheduled tasks. Only for the one worker of an embedded Chartroom: two clocks ring twice."""

    requires = ("celery.worker.components:Pool",)

    def create(self, parent: Any) -> Any:
        """The thread that the worker starts and stops with itself."""
        return EmbeddedService(parent.app, thread=True)


app.steps["worker"].add(Clock)
