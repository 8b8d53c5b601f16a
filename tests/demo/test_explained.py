"""Of the looks that the demonstration's people had a reason for nearly all are explained; of the planted ones none."""

import random
from collections import Counter

import pytest
from django.utils import timezone

from audit.explaining import Access, Standing, explain, standing_of
from audit.models import Event
from demo import desk, openings, staff, week
from demo.charts import Chart
from tests.demo.test_loading import load_charts

AIM = 95.0


def _furnished() -> list[Chart]:
    """As `demo.loading.load` makes it, smaller, and drawn in this process."""
    made = load_charts(patients=40, documents=70)
    staff.make_managers()
    people = {username: staff.person(username) for username, _, _ in staff.ACCOUNTS}
    told = [story for story in desk.STORIES if story.stage in {"logged", "cleared", "chosen"}]
    for number, (story, chart) in enumerate(zip(told, desk.candidates(made), strict=False)):
        desk.tell(story, chart, by=people["roi"], rng=random.Random(number), today=timezone.localdate())
    week.look_around(made, people=people, rng=random.Random("week"))
    openings.decide(made, people=people)
    return made


def _standings(*, planted: bool, looks_only: bool) -> Counter[Standing]:
    rows = Event.objects.filter(outcome="success", patient_id__isnull=False)
    rows = rows.filter(request_id=week.PLANTED) if planted else rows.exclude(request_id=week.PLANTED)
    if looks_only:
        rows = rows.filter(action="view")
    accesses = [access for row in rows if (access := Access.of(row))]
    known = explain(accesses)
    return Counter(standing_of(known.get(access.event_id, [])) for access in accesses)


def _share(standings: Counter[Standing]) -> float:
    return 100 * standings[Standing.EXPLAINED] / standings.total()


@pytest.mark.django_db
def test_nearly_every_honest_access_is_explained_and_no_planted_one(settings: object) -> None:
    """MON-1. Looks are counted by themselves: the thousands of entries and filings would hide them."""
    settings.DEMO = True  # type: ignore[attr-defined]
    _furnished()
    looks = _standings(planted=False, looks_only=True)
    assert looks.total() >= 30, looks
    assert _share(looks) >= AIM, looks
    assert _share(_standings(planted=False, looks_only=False)) >= AIM
    planted = _standings(planted=True, looks_only=True)
    assert planted.total() >= 3
    assert set(planted) == {Standing.UNEXPLAINED}
