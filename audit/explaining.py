"""Why somebody had a chart open: each room registers what it knows; the log, which knows ids only, asks all of them.

An explanation is about one access. A room answers for many at once with one statement, so that a day of a hundred
thousand accesses takes a handful of them. An access that nothing explains is unexplained, not wrong (MON-1).
"""

import logging
import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from audit.models import Event
from audit.services import record
from common import prepared
from common.ids import as_uuid

# What counts as having had a chart open: a list or a search showed that there is such a person, no more.
ACCESS_ACTIONS = frozenset(
    "view create update retract print copy export disclose sign link merge unmerge".split()
)
ROLE_SEPARATOR = "\x1f"
AT_ONCE = 25_000  # accesses in one statement
FEW = 2_500  # so many are asked about by a plan that is kept
TOLD_AGAIN_AFTER = 3600  # seconds; so often a process says at most that a kind cannot be had
_PARAMETER = re.compile(r"%\((\w+)\)s")

log = logging.getLogger("chartroom.audit")


class Verdict(StrEnum):
    """What an explanation says about an access."""

    EXPLAINED = "explained"
    CONTRADICTED = "contradicted"  # what the hospital knows speaks against it


class Standing(StrEnum):
    """What all explanations of an access together come to."""

    CONTRADICTED = "contradicted"
    UNEXPLAINED = "unexplained"
    EXPLAINED = "explained"

    @property
    def words(self) -> str:
        """As people read it."""
        return {"explained": "Explained", "contradicted": "Speaks against"}.get(self, "Unexplained")


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
    roles: tuple[str, ...] = ()
    session: str = ""

    @classmethod
    def of(cls, event: Event) -> "Access | None":
        """The access an event tells of; None for lists, searches, refusals, sign-ins and what jobs did."""
        if event.actor_id is None or event.patient_id is None or event.outcome != "success":
            return None
        if event.action not in ACCESS_ACTIONS or event.actor.startswith("system:"):
            return None
        if event.event.startswith("log."):  # looks into the log are reviewed as such
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
            tuple(event.roles),
            event.session,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """One reason for (or against) an access. `words` name no patient, unless somebody who gave a reason did.

    `evidence` is `table label:id`, or empty.
    """

    event_id: int
    kind: str
    verdict: Verdict
    words: str
    evidence: str = ""


Answer = tuple[int, str, str]  # event id, words, evidence


class Answers(dict[int, list[Explanation]]):
    """What is known of each access, by event id; those that nothing explains have no entry.

    `missing` are the kinds of explanation that could not be had: what has no entry may be explained by them.
    """

    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explainer:
    """One kind of explanation: `answer` takes accesses and gives those it can explain, each as often as it likes."""

    kind: str
    words: str  # the kind as people read it
    answer: Callable[[Sequence[Access]], Iterable[Answer]]
    verdict: Verdict = Verdict.EXPLAINED


Identities = Callable[[Collection[UUID]], Mapping[UUID, Collection[UUID]]]

_explainers: dict[str, Explainer] = {}
_identities: list[Identities] = []
_told: dict[str, float] = {}  # by kind: when this process last said that it could not be had

_ACCESSES = """
with access (event_id, at, actor_id, patient_id, object_type, object_id, object_key, reason, roles, session) as (
    select * from unnest(
        %(access_event_ids)s::bigint[], %(access_ats)s::timestamptz[], %(access_actor_ids)s::uuid[],
        %(access_patient_ids)s::uuid[], %(access_object_types)s::text[], %(access_object_ids)s::text[],
        %(access_object_keys)s::uuid[], %(access_reasons)s::text[], %(access_roles)s::text[],
        %(access_sessions)s::text[]
    )
)
"""


def register(*explainers: Explainer) -> None:
    """Add a room's explainers; the order in which rooms load is the order of the answers. ValueError: a kind taken."""
    for explainer in explainers:
        if _explainers.setdefault(explainer.kind, explainer) is not explainer:
            raise ValueError(f"{explainer.kind} is registered twice.")


def register_identities(identities: Identities) -> None:
    """Say who knows which ids stand for the same person: what is known of one of them explains an access to another.

    `identities` gives for each id that has others all of them, itself included.
    """
    _identities.append(identities)


def all_explainers() -> list[Explainer]:
    """Every registered explainer, in the order of registration."""
    return list(_explainers.values())


def kind_words(kind: str) -> str:
    """A kind as people read it."""
    return _explainers[kind].words if kind in _explainers else kind.replace("_", " ").capitalize()


def standing_of(explanations: Sequence[Explanation]) -> Standing:
    """What they come to: one that speaks against it outweighs any that explain it."""
    if any(one.verdict is Verdict.CONTRADICTED for one in explanations):
        return Standing.CONTRADICTED
    return Standing.EXPLAINED if explanations else Standing.UNEXPLAINED


def _array(values: Iterable[object | None]) -> str:
    """An array as PostgreSQL reads it from a text: a hundred thousand parameters would take seconds to parse."""
    texts = []
    for value in values:
        if value is None:
            texts.append("NULL")
        else:
            escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
            texts.append(f'"{escaped}"')
    return "{" + ",".join(texts) + "}"


def _columns(accesses: Sequence[Access]) -> dict[str, Any]:
    return {
        "access_event_ids": _array(access.event_id for access in accesses),
        "access_ats": _array(access.at.isoformat() for access in accesses),
        "access_actor_ids": _array(access.actor_id for access in accesses),
        "access_patient_ids": _array(access.patient_id for access in accesses),
        "access_object_types": _array(access.object_type for access in accesses),
        "access_object_ids": _array(access.object_id for access in accesses),
        "access_object_keys": _array(as_uuid(access.object_id) for access in accesses),
        "access_reasons": _array(access.reason for access in accesses),
        "access_roles": _array(ROLE_SEPARATOR.join(access.roles) for access in accesses),
        "access_sessions": _array(access.session for access in accesses),
        "first": min(access.at for access in accesses),
        "last": max(access.at for access in accesses),
    }


@dataclass(frozen=True)
class Place:
    """Where one of the columns of the accesses stands in a statement that is kept."""

    name: str


@dataclass(frozen=True)
class Asked:
    """An `answer` that is a statement: `explain` asks all of these in one."""

    sql: str
    parameters: Mapping[str, Any]

    def __call__(self, accesses: Sequence[Access]) -> list[Answer]:
        return [(key, words, evidence) for _, key, words, evidence in _together([("", self)], accesses)]


def ask(sql: str, **parameters: Any) -> Asked:
    """An `answer` made of one SELECT of (event id, words, evidence) over the table `access` of what is asked about.

    The statement is the room's own, and so are its `parameters` (numbers and texts), written `%(name)s`. Columns of
    `access`: event_id, at, actor_id, patient_id, object_type, object_id, object_key (the id as a UUID, or NULL), reason
    (as the log noted it then), roles (joined by U+001F), session. `%(first)s` and `%(last)s` are the ends of the time
    they lie in: what is read from the log itself is bounded by them, so that whole months are left out.
    """
    return Asked(sql, parameters)


@lru_cache(maxsize=64)
def _statement(statements: tuple[str, ...], own: tuple[tuple[str, ...], ...]) -> tuple[str, tuple[str, ...]]:
    """Several statements made one, and the names of its values in the order of their places."""
    names: list[str] = []

    def place(prefix: str, own_names: tuple[str, ...], found: re.Match[str]) -> str:
        name = found[1]
        names.append(f"{prefix}{name}" if name in own_names else name)
        return "%s::timestamptz" if name in {"first", "last"} and name not in own_names else "%s"

    parts = [_PARAMETER.sub(partial(place, "", ()), _ACCESSES)]
    for number, (sql, own_names) in enumerate(zip(statements, own, strict=True)):
        inner = _PARAMETER.sub(partial(place, f"{number} ", own_names), sql)
        union = "union all\n" if number else ""
        parts.append(f"{union}select {number}, found.* from ({inner}) found (event_id, words, evidence)\n")  # noqa: S608
    return "".join(parts) + "order by 1", tuple(names)


def _together(
    asked: Sequence[tuple[str, Asked]], accesses: Sequence[Access]
) -> list[tuple[str, int, str, str]]:
    """(kind, event id, words, evidence) by several statements made one.

    For a page of the log planning it would cost ten times what answering does: it is planned once a session. For a
    day of the hospital the plan has to know how many there are.
    """
    kinds, statements, own = zip(
        *((kind, one.sql, tuple(one.parameters)) for kind, one in asked), strict=True
    )
    sql, names = _statement(statements, own)
    columns = _columns(accesses)
    fixed = {
        f"{number} {name}": value
        for number, (_, one) in enumerate(asked)
        for name, value in one.parameters.items()
    }
    with connection.cursor() as cursor:
        if len(accesses) > FEW or len(asked) == 1:
            cursor.execute(sql, [columns[name] if name in columns else fixed[name] for name in names])
        else:
            places = {Place(name): columns[name] for name in dict.fromkeys(names) if name in columns}
            values = tuple(Place(name) if name in columns else fixed[name] for name in names)
            with prepared.whatever_is_given():
                prepared.execute(cursor, sql, values, places)
        found = cursor.fetchall()
    return [(kinds[number], int(key), str(words), str(evidence)) for number, key, words, evidence in found]


def _under_all_ids(accesses: Sequence[Access]) -> list[Access]:
    """The same accesses, once more for each other id of the same person."""
    asked = {access.patient_id for access in accesses}
    others: dict[UUID, set[UUID]] = {}
    for identities in _identities:
        for patient_id, ids in identities(asked).items():
            others.setdefault(patient_id, set()).update(ids)
    more = [
        replace(access, patient_id=other)
        for access in accesses
        for other in sorted(others.get(access.patient_id, ()))
        if other != access.patient_id
    ]
    return [*accesses, *more]


def _answers(accesses: Sequence[Access], failed: dict[str, Exception]) -> Iterator[tuple[str, int, str, str]]:
    """Everybody's answers: first those that are statements, all in one, then the others. `failed` gets who fails."""
    statements = [(one.kind, one.answer) for one in all_explainers() if isinstance(one.answer, Asked)]
    if statements:
        try:
            with transaction.atomic():
                found = _together(statements, accesses)
        except DatabaseError:  # one of them, and nobody knows which
            found = [answer for kind, one in statements for answer in _alone(kind, one, accesses, failed)]
        yield from found
    for explainer in all_explainers():
        if not isinstance(explainer.answer, Asked):
            yield from _alone(explainer.kind, explainer.answer, accesses, failed)


def _alone(
    kind: str,
    answer: Callable[[Sequence[Access]], Iterable[Answer]],
    accesses: Sequence[Access],
    failed: dict[str, Exception],
) -> list[tuple[str, int, str, str]]:
    """One explainer's answers; none of one that raises an error. A database that is gone is nobody's fault: raised."""
    try:
        with transaction.atomic():
            return [(kind, *one) for one in answer(accesses)]
    except Exception as error:
        if not connection.is_usable():
            raise
        failed.setdefault(kind, error)
        return []


def _tell(failed: Mapping[str, Exception]) -> None:
    """Write down which kinds could not be had: in the technical log and as an event, each once an hour."""
    now = time.monotonic()
    for kind, error in failed.items():
        if now - _told.get(kind, -TOLD_AGAIN_AFTER) < TOLD_AGAIN_AFTER:
            continue
        log.error("The explainer %r raised an error", kind, exc_info=error)
        detail = {"error": type(error).__name__}
        record("explainer.failed", by=None, actor="system:log", reason=kind, outcome="failed", detail=detail)
        # An event that is rolled back was not told.
        transaction.on_commit(partial(_told.__setitem__, kind, now))


def missing_words(missing: Iterable[str]) -> str:
    """For people, where something is shown that was judged without some kinds; empty when none is missing."""
    names = ", ".join(kind_words(kind) for kind in missing)
    if not names:
        return ""
    return (
        f"Some explanations could not be had: {names}. What counts as unexplained may be explained by them."
        " The administrator finds the error in the technical log."
    )


def explain(accesses: Sequence[Access]) -> Answers:
    """What is known of each access, by event id, and what could not be asked."""
    found: dict[int, dict[Explanation, None]] = {}
    failed: dict[str, Exception] = {}
    for start in range(0, len(accesses), AT_ONCE):
        asked = _under_all_ids(accesses[start : start + AT_ONCE])
        for kind, event_id, words, evidence in _answers(asked, failed):
            explanation = Explanation(event_id, kind, _explainers[kind].verdict, words, evidence)
            found.setdefault(event_id, {})[explanation] = None
    answers = Answers({event_id: list(explanations) for event_id, explanations in found.items()})
    if failed:
        _tell(failed)
        answers.missing = tuple(kind for kind in _explainers if kind in failed)
    return answers
