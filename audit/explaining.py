"""Why somebody had a chart open: each room registers what it knows; the log, which knows ids only, asks all of them.

An explanation is about one access. A room answers for many at once with one statement, so that a day of a hundred
thousand accesses takes a handful of them. An access that nothing explains is unexplained, not wrong (MON-1).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from audit.models import Event

# What counts as having had a chart open: a list or a search showed that there is such a person, no more.
ACCESS_ACTIONS = frozenset(
    "view create update retract print copy export disclose sign link merge unmerge".split()
)


class Verdict(StrEnum):
    """What an explanation says about an access."""

    EXPLAINED = "explained"
    CONTRADICTED = "contradicted"  # what the hospital knows speaks against it


@dataclass(frozen=True, slots=True)
class Access:
    """One event in which somebody had one chart open."""

    event_id: int
    at: datetime
    event: str
    actor_id: UUID
    patient_id: UUID
    object_type: str = ""
    object_id: str = ""
    reason: str = ""

    @classmethod
    def of(cls, event: Event) -> "Access | None":
        """The access an event tells of; None for lists, searches, refusals, sign-ins and what jobs did."""
        if event.actor_id is None or event.patient_id is None or event.outcome != "success":
            return None
        if event.action not in ACCESS_ACTIONS:
            return None
        return cls(
            event.pk,
            event.at,
            event.event,
            event.actor_id,
            event.patient_id,
            event.object_type,
            event.object_id,
            event.reason,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason for (or against) an access. `words` name no patient; `evidence` is `table label:id`, or empty."""

    event_id: int
    kind: str
    verdict: Verdict
    words: str
    evidence: str = ""


Answer = tuple[int, str, str]  # event id, words, evidence


@dataclass(frozen=True)
class Explainer:
    """One kind of explanation: `answer` takes accesses and gives those it can explain, each as often as it likes."""

    kind: str
    words: str  # the kind as people read it
    answer: Callable[[Sequence[Access]], Iterable[Answer]]
    verdict: Verdict = Verdict.EXPLAINED


_explainers: dict[str, Explainer] = {}

_ACCESSES = """
with access (event_id, at, actor_id, patient_id, object_type, object_id) as (
    select * from unnest(%s::bigint[], %s::timestamptz[], %s::uuid[], %s::uuid[], %s::text[], %s::text[])
)
"""


def register(*explainers: Explainer) -> None:
    """Add a room's explainers; the order in which rooms load is the order of the answers. ValueError: a kind taken."""
    for explainer in explainers:
        if _explainers.setdefault(explainer.kind, explainer) is not explainer:
            raise ValueError(f"{explainer.kind} is registered twice.")


def all_explainers() -> list[Explainer]:
    """Every registered explainer, in the order of registration."""
    return list(_explainers.values())


def ask(sql: str, parameters: Sequence[Any] = ()) -> Callable[[Sequence[Access]], list[Answer]]:
    """An `answer` made of one SELECT of (event id, words, evidence) over the table `access` of what is asked about.

    The statement is the room's own; its parameters are fixed. Columns of `access`: event_id, at, actor_id,
    patient_id, object_type, object_id.
    """

    def answer(accesses: Sequence[Access]) -> list[Answer]:
        columns: list[list[Any]] = [
            [access.event_id for access in accesses],
            [access.at for access in accesses],
            [access.actor_id for access in accesses],
            [access.patient_id for access in accesses],
            [access.object_type for access in accesses],
            [access.object_id for access in accesses],
        ]
        with connection.cursor() as cursor:
            cursor.execute(_ACCESSES + sql, [*columns, *parameters])
            return [(int(key), str(words), str(evidence)) for key, words, evidence in cursor.fetchall()]

    return answer


def explain(accesses: Sequence[Access]) -> dict[int, list[Explanation]]:
    """What is known of each access, by event id; those that nothing explains have no entry."""
    found: dict[int, list[Explanation]] = {}
    if not accesses:
        return found
    for explainer in all_explainers():
        for event_id, words, evidence in explainer.answer(accesses):
            explanation = Explanation(event_id, explainer.kind, explainer.verdict, words, evidence)
            found.setdefault(event_id, []).append(explanation)
    return found
