"""Each rule of the chart policy, so that it can be seen: who works where, care teams, a question to a colleague, a
grant, somebody in the public eye, a colleague who is a patient, an order of a court.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from demo.charts import Chart
from demo.words.people import PHYSICIANS
from patients import services as patients
from patients.access import visible_to
from patients.models import ChartRestriction, Location, Workplace


def decide(made: list[Chart], *, people: dict[str, User]) -> None:
    """Made once: what is there already is left alone."""
    if not Workplace.objects.exists():
        for username, _given, _family, _service, unit in PHYSICIANS:
            patients.set_workplaces(
                by=people["administrator"],
                user_id=User.objects.get(username=username).pk,
                units=Location.objects.filter(name=unit).select_related("facility"),
            )
    if ChartRestriction.objects.exists() or len(made) < 12:
        return
    supervisor, ward, emergency = people["supervisor"], people["clinician"], people["clinician2"]
    hers = set(visible_to(ward).values_list("pk", flat=True))
    theirs = set(visible_to(emergency).values_list("pk", flat=True))
    mine = [chart for chart in made if chart.patient.pk in hers]
    nobodys = [chart for chart in made if chart.patient.pk not in hers | theirs]
    if len(mine) < 3 or len(nobodys) < 5:
        return
    patients.restrict_chart(
        by=supervisor, patient_id=mine[-1].patient.pk, kind="vip", why="Sits on the town council"
    )
    patients.restrict_chart(
        by=supervisor, patient_id=nobodys[0].patient.pk, kind="employee", why="Works in this department"
    )
    patients.set_own_entry(by=supervisor, patient_id=nobodys[0].patient.pk, user="clerk")
    patients.restrict_chart(
        by=supervisor, patient_id=nobodys[1].patient.pk, kind="legal", why="Order 26-CV-0117, Harrow Falls"
    )
    patients.grant_chart(
        by=supervisor,
        patient_id=nobodys[2].patient.pk,
        user="clinician2",
        reason="Reviews the case for the tumor board",
        expires_at=timezone.now() + timedelta(days=14),
    )
    patients.join_care_team(
        by=supervisor, encounter_id=mine[0].encounters[-1].pk, user="demo-mbatha", function="pulmonologist"
    )
    patients.ask_consult(
        by=ward, patient_id=mine[1].patient.pk, user="clinician2", question="Syncope on the way in?"
    )
