"""What a worker does with the demonstration's job. Light on purpose: every process of the house imports it."""

from common.jobs.handlers import JobFailed, handler
from common.jobs.services import Running

KIND = "demo.load"


@handler(KIND)
def refuse(job: Running) -> None:
    """A load that was killed is taken up by the command, which has the processes for it, not by a worker."""
    raise JobFailed("Loading the demonstration was interrupted. It goes on at the next start of Chartroom.")
