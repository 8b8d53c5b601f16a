"""The refusals every room speaks. Messages tell the person what to do next and never name a patient."""

from collections.abc import Callable
from typing import Any
from uuid import UUID


class Refusal(Exception):
    """A refusal with an HTTP status and a `code` that programs match on."""

    status = 400
    code = "refused"

    def __init__(self, message: str, *, code: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        if code:
            self.code = code


class NotFound(Refusal):
    """There is no such thing, or none that this person may know of: the answer is the same."""

    status = 404
    code = "not_found"

    def __init__(self, message: str = "There is no such page or record, or it is not yours to see.") -> None:
        super().__init__(message)


class Hidden(NotFound):
    """It is there, and this person may not know: she is answered as if it were not; the event says what it was."""

    def __init__(self, *, patient_id: UUID, about: object, rule: str, detail: dict[str, Any]) -> None:
        super().__init__()
        self.patient_id, self.about, self.rule, self.detail = patient_id, about, rule, detail


class Denied(Refusal):
    """This person may not. `code` is `chart_denied`, `reason_required` or `role` (API.md)."""

    status = 403
    code = "role"

    def __init__(
        self,
        message: str,
        *,
        code: str = "role",
        patient_id: UUID | None = None,
        about: object | None = None,
        rule: str = "",
        detail: dict[str, Any] | None = None,
        remedy: str = "",
        way_on: str = "",
    ) -> None:
        super().__init__(message, code=code)
        self.remedy = remedy  # the page where she can say why she needs it
        self.patient_id = patient_id
        self.about = about
        self.rule = rule
        self.detail = detail or {}  # for the event only
        self.way_on = way_on  # what the person herself can do about it: the refusal page offers it


class WrongMove(Refusal):
    """The thing is not in a state from which this may happen."""

    status = 409
    code = "wrong_move"


class Stale(WrongMove):
    """Somebody else changed the row since this person read it."""

    code = "stale"

    def __init__(self, message: str = "Somebody else changed this while you were working on it.") -> None:
        super().__init__(message)


class RuleBroken(Refusal):
    """A rule of law or of the record refuses; `code` is the rule's ID."""

    status = 422

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message, code=code, field=field)


class RulesBroken(RuleBroken):
    """Several rules refuse at once: everything that still forbids it, so nobody learns it one by one."""

    def __init__(self, broken: list[tuple[str, str]]) -> None:
        super().__init__(broken[0][0], broken[0][1])
        self.broken = broken


class BadFile(Refusal):
    """A file that cannot be taken: 400 empty or cut off, 413 too large, 415 of a kind we do not take."""

    def __init__(self, message: str, *, code: str = "bad_file", status: int = 415) -> None:
        super().__init__(message, code=code, field="file")
        self.status = status


class TooMany(Refusal):
    """Tried too often: come back in `wait` seconds."""

    status = 429
    code = "throttled"

    def __init__(self, message: str, *, wait: int) -> None:
        super().__init__(message)
        self.wait = wait


class Unavailable(Refusal):
    """A part of the house does not answer (disk full, log not writable): nothing was done, try later."""

    status = 503
    code = "unavailable"


def check_move(moves: dict[str, set[str]], old: str, new: str) -> None:
    """Raise WrongMove unless `moves` allows going from `old` to `new`."""
    if new not in moves.get(old, set()):
        raise WrongMove(f"This is {old.replace('_', ' ')} now, so it cannot become {new.replace('_', ' ')}.")


def allows(check: Callable[..., object], *args: Any) -> bool:
    """What `check` answers by an exception, as true or false, for buttons."""
    try:
        check(*args)
    except (Denied, NotFound):
        return False
    return True
