"""What a question to the policy is answered with."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

# Why a list or search over many charts was allowed: `visible_to` chose its rows.
OPEN_CHARTS = "charts open to this role"


class Verdict(Enum):
    """The three answers."""

    ALLOWED = "allowed"
    NEEDS_REASON = "reason_required"
    DENIED = "denied"


@dataclass(frozen=True)
class Decision:
    """An answer with the rule that gave it and its evidence, in words for the log."""

    rule: str
    evidence: str = ""
    verdict: Verdict = Verdict.ALLOWED
    message: str = ""  # for the person, when she is refused
    failed: tuple[str, ...] = ()  # rules that raised an error and so opened nothing
    can_break_glass: bool = False  # when she is refused: whether a broken glass would open it to her

    @property
    def allowed(self) -> bool:
        """Whether the chart opens."""
        return self.verdict is Verdict.ALLOWED

    def __str__(self) -> str:
        return f"{self.rule}: {self.evidence}" if self.evidence else self.rule

    def as_detail(self) -> dict[str, Any]:
        """For the event."""
        facts: dict[str, Any] = {"verdict": self.verdict.value, "rule": self.rule, "evidence": self.evidence}
        return {**facts, "failed_rules": list(self.failed)} if self.failed else facts
