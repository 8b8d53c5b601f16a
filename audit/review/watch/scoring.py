"""From hits to alerts: points by weight, less for what is explained, the weightiest alert first.

What is explained sinks to a tenth and is kept all the same (MON-2): whether an alert is made is decided by the points
before they sink.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from audit.review.watch.registry import Setting

SINK = 0.1  # what is left of an explained hit
LEAST = 25  # points, before they sink, below which nothing is worth a line
LOUD = 60  # points from which the compliance office is told
# Where a week stands out by how many charts, those that say no more than this are some of the many: the rules, and up
# to which strength. Who came back on another day, or read much, where nothing had happened, wanted that one chart.
MANY = frozenset({"volume", "taken-out", "searching"})
FAINT = {"no-relation": 0.6, "odd-hours": 1.0}
FULLY = 25  # so many faint charts together weigh as much as the weightiest of them; fewer, a part of it
EVIDENCE = 200


@dataclass(slots=True)
class Hit:
    """One rule met one person's looks at one chart, or her whole week (no patient)."""

    code: str
    words: str
    full: float  # points if nothing explained it
    points: float
    event_ids: list[int] = field(default_factory=list)
    sinks: bool = True  # False: no explanation counts
    is_faint: bool = False


@dataclass(slots=True)
class Found:
    """What an alert will say."""

    actor_id: UUID
    patient_id: UUID | None
    hits: list[Hit] = field(default_factory=list)
    is_explained: bool = False
    accesses: int = 0

    @property
    def full(self) -> float:
        """The points before they sink."""
        return sum(hit.full for hit in self.hits)

    @property
    def score(self) -> int:
        """The points."""
        return round(sum(hit.points for hit in self.hits))

    @property
    def event_ids(self) -> list[int]:
        """The evidence, oldest first."""
        wanted = dict.fromkeys(key for hit in self.hits for key in hit.event_ids)
        return sorted(list(wanted)[:EVIDENCE])

    def hits_as_data(self) -> list[dict[str, Any]]:
        """As the alert keeps them, the weightiest first."""
        ordered = sorted(self.hits, key=lambda hit: (-hit.points, -hit.full, hit.code))
        return [{"rule": hit.code, "points": round(hit.points), "words": hit.words} for hit in ordered]


def _asked(setting: Setting, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(setting.rule.sql, {**parameters, **setting.parameters})
        return list(cursor.fetchall())


def _pairs(keys: set[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], tuple[int, float]]:
    """How many looks, and how doubtful they are, for these people and charts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select actor_id, patient_id, accesses, doubt from watch_pair "
            "join unnest(%s::uuid[], %s::uuid[]) as k (actor_id, patient_id) using (actor_id, patient_id)",
            [[str(actor) for actor, _ in keys], [str(patient) for _, patient in keys]],
        )
        return {(actor, patient): (looks, float(doubt)) for actor, patient, looks, doubt in cursor.fetchall()}


def _weeks(actors: set[UUID]) -> dict[UUID, tuple[int, float]]:
    """The same for these people's whole weeks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select actor_id, sum(accesses)::int, sum(doubt) from watch_pair where actor_id = any(%s::uuid[]) "
            "group by actor_id",
            [[str(actor) for actor in actors]],
        )
        return {actor: (looks, float(doubt)) for actor, looks, doubt in cursor.fetchall()}


def judge(settings: list[Setting], parameters: dict[str, Any]) -> list[Found]:
    """Ask every rule that is on, and put its hits together by person and chart; the weightiest first."""
    rows = [(one, row) for one in settings if one.is_on and one.weight for row in _asked(one, parameters)]
    pairs = _pairs({(row[0], row[1]) for _, row in rows if row[1]})
    weeks = _weeks({row[0] for _, row in rows if not row[1]})
    found: dict[tuple[UUID, UUID | None], Found] = {}
    for setting, (actor, patient, strength, words, event_ids) in rows:
        looks, doubt = pairs.get((actor, patient), (0, 0.0)) if patient else weeks.get(actor, (0, 0.0))
        share = doubt / looks if looks else 1.0
        left = min(1.0, share if patient else 2 * share)
        strength = max(0.0, min(1.0, float(strength)))
        full = setting.weight * strength
        points = full * (SINK + (1 - SINK) * left) if setting.rule.sinks else full
        one = found.setdefault((actor, patient), Found(actor, patient, accesses=looks))
        code = setting.rule.code
        is_faint = strength <= FAINT.get(code, -1.0)
        one.hits.append(Hit(code, words, full, points, list(event_ids or []), setting.rule.sinks, is_faint))
        one.is_explained = bool(looks) and not doubt and all(hit.sinks for hit in one.hits)
    return sorted(
        _folded(found.values()), key=lambda one: (-one.score, str(one.actor_id), str(one.patient_id))
    )


def _folded(found: Any) -> list[Found]:
    """Without what is too little for an alert, and without the faint charts of somebody who opened too many."""
    kept = [one for one in found if one.full >= LEAST]
    weeks = {
        one.actor_id: one
        for one in kept
        if one.patient_id is None and any(hit.code in MANY for hit in one.hits)
    }
    faint: dict[UUID, list[Found]] = defaultdict(list)
    shown = []
    for one in kept:
        if one.patient_id and one.actor_id in weeks and all(hit.is_faint for hit in one.hits):
            faint[one.actor_id].append(one)
        else:
            shown.append(one)
    for actor, charts in faint.items():
        share = min(1.0, len(charts) / FULLY)
        full = share * max(one.full for one in charts)
        points = share * max(sum(hit.points for hit in one.hits) for one in charts)
        words = f"with {len(charts)} charts that nothing explains"
        weeks[actor].hits.append(Hit("no-relation", words, full, points))
    return shown
