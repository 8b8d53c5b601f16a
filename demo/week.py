"""A week's looks at charts, made by the verbs themselves as the demonstration's people: real events, at
today's clock.

The log takes its time from the database and refuses any other, so nothing here is back-dated: a
demonstration shows what a week of work leaves behind, all of it written while the demonstration was loaded,
by the command channel.
"""

from __future__ import annotations

import random

from accounts.models import User
from audit import refusals
from common.errors import Denied, NotFound
from demo.charts import Chart
from patients import services as patients
from patients.access import allows, check_may_open
from records.documents import services as documents
from records.documents.access import visible_to


def look_around(charts: list[Chart], *, people: dict[str, User], rng: random.Random) -> None:
    """Searches, charts and documents opened, pages turned, a few refusals."""
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
    for chart in rng.sample(charts, min(5, len(charts))):
        patients.search_patients(by=people["supervisor"], text=chart.patient.mrn)
        _read(people["supervisor"], chart, rng)


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
