"""The job of this room, as the job machinery calls it."""

from common.jobs.handlers import handler
from common.jobs.services import Running
from records.documents.services.reading import read_version


@handler("documents.read")
def read(job: Running) -> None:
    """Read the pages of a version."""
    read_version(job)
