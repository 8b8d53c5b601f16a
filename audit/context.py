"""Who is acting, from where, and why: set once per request or job, read by `audit.services.record`."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields, replace
from typing import Any


@dataclass(frozen=True)
class Context:
    """What an event says of its surroundings. Texts are already checked and short."""

    channel: str = "command"  # web, api, job, command
    session: str = ""  # a digest that tells sessions apart and opens none
    ip: str | None = None
    request_id: str = ""
    purpose: str = ""

    def as_json(self) -> dict[str, Any]:
        """For a job row: what `from_json` restores in the worker."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Context":
        """The context kept in a job row; unknown keys of an older version are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in data.items() if key in known})


_current: ContextVar[Context] = ContextVar("audit_context", default=Context())  # noqa: B039  (frozen)


def current() -> Context:
    """The context of the request, job or command that is running."""
    return _current.get()


@contextmanager
def use(context: Context | None = None, **changes: Any) -> Iterator[Context]:
    """Run a block under `context` (or the current one) with some fields changed."""
    chosen = replace(context or current(), **changes)
    token = _current.set(chosen)
    try:
        yield chosen
    finally:
        _current.reset(token)
