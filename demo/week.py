"""A week's looks at charts, made by the verbs themselves as the demonstration's people: real events, at
today's clock.

The log takes its time from the database and refuses any other, so nothing here is back-dated: a
demonstration shows what a week of work leaves behind, all of it written while the demonstration was loaded,
by the command channel.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from audit import context, refusals
from common.errors import Denied, NotFound
from demo.charts import Chart
from patients import services as patients
from patients.access import allows, check_may_open
from patients.models import Encounter
from records.documents import services as documents
from records.documents.access import visible_to
from records.release.models import RecordRequest

# The reference in the log of the looks that nobody had a reason for: how they are told from the honest ones.
PLANTED = "planted-by-the-demonstration"


def look_around(charts: list[Chart], *, people: dict[str, User], rng: random.Random) -> None:
    """Searches, charts and documents opened, pages turned, a few refusals; each look with a reason, save two."""
    mine = {
        username: [chart for chart in charts if allows(check_may_open, people[username], chart.patient)]
        for username in ("clinician", "clinician2")
    }
    for username in ("clinician", "clinician2"):
        for chart in rng.sample(mine[username], min(8, len(mine[username]))):
            _read(people[username], chart, rng)
        others = [chart for chart in charts if chart not in mine[username]]
        for chart in rng.sample(others, min(2, len(others))):
            _be_refused(people[username], chart)
    for chart in rng.sample(charts, min(12, len(charts))):
        patients.search_patients(by=people["clerk"], text=chart.patient.family[:4].lower())
        patients.open_chart(by=people["clerk"], patient_id=chart.patient.pk)
    _answer_requests(charts, people["roi"], rng)
    _complete_charts(charts, people["supervisor"], rng)


def _answer_requests(charts: list[Chart], roi: User, rng: random.Random) -> None:
    """She reads what is asked for, while the request is in her hands."""
    asked = set(RecordRequest.objects.filter(logged_by=roi, closed_at=None).values_list("patient", flat=True))
    for chart in charts:
        if chart.patient.pk in asked:
            _read(roi, chart, rng)


def _complete_charts(charts: list[Chart], supervisor: User, rng: random.Random) -> None:
    """She looks whether the charts of those who went home lately are complete, and at two more for no reason."""
    lately = timezone.now() - timedelta(days=settings.WORK_DAYS)
    went_home = {
        chart.patient.pk for chart in charts if any(_ended_after(row, lately) for row in chart.encounters)
    }
    for chart in charts:
        if chart.patient.pk in went_home:
            patients.search_patients(by=supervisor, text=chart.patient.mrn)
            _read(supervisor, chart, rng)
    others = [chart for chart in charts if chart.patient.pk not in went_home]
    with context.use(request_id=PLANTED):
        for chart in rng.sample(others, min(2, len(others))):
            patients.search_patients(by=supervisor, text=chart.patient.family)
            _read(supervisor, chart, rng)


def _ended_after(encounter: Encounter, instant: datetime) -> bool:
    return encounter.ended_at is not None and encounter.ended_at > instant


def _read(user: User, chart: Chart, rng: random.Random) -> None:
    patients.open_chart(by=user, patient_id=chart.patient.pk)
    rows = list(visible_to(user).filter(patient=chart.patient).order_by("-service_date", "pk")[:20])
    for document in rng.sample(rows, min(rng.randint(1, 3), len(rows))):
        documents.open_document(by=user, document_id=document.pk)


def _be_refused(user: User, chart: Chart) -> None:
    try:
        patients.open_chart(by=user, patient_id=chart.patient.pk)
    except (Denied, NotFound) as refusal:
        refusals.note(refusal, user, path=f"/patients/{chart.patient.pk}/")
