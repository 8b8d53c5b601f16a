"""Which function does which kind of job."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.jobs.services import Running

Handler = Callable[["Running"], None]

_handlers: dict[str, Handler] = {}


class JobFailed(Exception):
    """The work cannot be done, and trying again would not help. The message is for the person who waits."""


class LeaseLost(Exception):
    """Another worker has taken this job over; this one must stop without a trace."""


def handler(kind: str) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of `kind`. It may be run again after a kill: make it idempotent."""

    def register(function: Handler) -> Handler:
        _handlers[kind] = function
        return function

    return register


def handler_of(kind: str) -> Handler:
    """The function for `kind`. Raises JobFailed for a kind nobody knows."""
    try:
        return _handlers[kind]
    except KeyError:
        raise JobFailed(f"Nobody here knows how to do a job of kind {kind}.") from None
