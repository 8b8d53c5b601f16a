"""How much of what was planted the watch finds."""

import time as clock
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connections, transaction

from .filling import Filler
from .hospital import Hospital
from .planted import Planted
from .year import Year


@dataclass
class Score:
    """What the lists of some weeks held."""

    planted: int = 0
    in_top_100: int = 0
    in_top_50: int = 0  # planted rows among the first 50 of each week
    in_first: int = 0  # planted rows among as many first rows as things were planted that week, at most 50
    first: int = 0  # how many rows those were
    weeks: int = 0
    accesses: int = 0
    unexplained: int = 0
    planted_accesses: int = 0
    seconds: float = 0.0  # that watching took
    watched: int = 0  # accesses
    kinds: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    @property
    def recall(self) -> float:
        """How much of what was planted stands in the top 100 of its week."""
        return self.in_top_100 / self.planted if self.planted else 1.0

    @property
    def precision(self) -> float:
        """At 50, or at the number planted in a week with fewer: what of so many first rows was planted."""
        return self.in_first / self.first if self.first else 1.0

    @property
    def share_of_50(self) -> float:
        """What of the first 50 rows was planted, however few were planted."""
        return self.in_top_50 / (50 * self.weeks) if self.weeks else 0.0

    @property
    def explained(self) -> float:
        """At least so much of the honest accesses is explained: what is not is counted as honest, all of it."""
        return 1 - self.unexplained / max(1, self.accesses - self.planted_accesses)

    def count(self, planted: list[Planted], top: list[tuple[uuid.UUID, uuid.UUID | None]]) -> None:
        """Add one week: what was planted in it, and its list, the weightiest first."""
        hundred = set(top[:100])
        rows = set().union(*(one.rows() for one in planted)) if planted else set()
        for one in planted:
            is_found = bool(one.rows() & hundred)
            self.planted += 1
            self.planted_accesses += one.looks
            self.in_top_100 += is_found
            self.kinds[one.kind][0] += is_found
            self.kinds[one.kind][1] += 1
        first = min(50, len(planted))
        self.first += first
        self.in_first += sum(row in rows for row in top[:first])
        self.in_top_50 += sum(row in rows for row in top[:50])
        self.weeks += 1


def last_monday(weeks: int) -> date:
    """The Monday so many whole weeks before this one."""
    today = datetime.now(UTC).date()
    return today - timedelta(days=today.weekday() + 7 * weeks)


def watched(
    hospital: Hospital, *, learning: int, tell: Callable[[str], None], verbose: bool = False
) -> Score:
    """Fill the database, the hospital's own, and watch each week; the first `learning` ones only teach."""
    from audit.review.models import Alert
    from audit.review.services import run_watch

    year = Year(hospital)
    filler = Filler(connections["owner"], year)
    with transaction.atomic(using="owner"):
        filler.months()
        filler.triggers("disable")
    with transaction.atomic(using="owner"):
        filler.house()
    score = Score()
    for number in range(hospital.weeks):
        with transaction.atomic(using="owner"):
            events = filler.week(number)
        if number % 4 == 0:
            with connections["owner"].cursor() as cursor:
                cursor.execute("analyze")
        begun = clock.perf_counter()
        run = run_watch(week_on=hospital.first + timedelta(days=7 * number))
        took = clock.perf_counter() - begun
        score.seconds += took
        score.watched += run.accesses
        rows = Alert.objects.of_week(run.week_on).order_by("-score", "pk")
        found = list(rows.values_list("subject_id", "patient_id", "score", "hits"))
        planted = year.snooping.planted[number]
        if number >= learning:
            score.count(planted, [(subject, patient) for subject, patient, _, _ in found])
            score.accesses += run.accesses
            score.unexplained += run.accesses - run.explained
            if verbose:
                _tell_missed(hospital, planted, found, tell)
        tell(
            f"week {number + 1}: {events} events, {run.accesses} looks, {run.alerts} alerts, {took:.1f} s; so far "
            f"{score.in_top_100}/{score.planted} in the top 100, {score.precision:.2f} of as many first rows, "
            f"{score.explained:.3f} explained"
        )
    with transaction.atomic(using="owner"):
        filler.triggers("enable")
    return score


def _tell_missed(
    hospital: Hospital, planted: list[Planted], found: list[Any], tell: Callable[[str], None]
) -> None:
    """What a week's list did not hold high enough and what stood above it, for whoever works on the rules."""
    places = {(subject, patient): (place, hits) for place, (subject, patient, _, hits) in enumerate(found, 1)}
    rows: set[Any] = set()
    for one in planted:
        rows |= one.rows()
        at = sorted((places[row] for row in one.rows() if row in places), key=lambda item: item[0])
        if not at or at[0][0] > 50:
            tell(f"   low: {one.kind} {at[:1]}")
    kinds = {one.id: one.kind for one in hospital.people}
    for subject, patient, points, hits in found[:50]:
        if (subject, patient) not in rows:
            words = [(hit["rule"], hit["points"], hit["words"][:50]) for hit in hits]
            tell(f"   honest at {places[subject, patient][0]}: {points} {kinds[subject]} {words}")
