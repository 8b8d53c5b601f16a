"""The chart's first page. It shows documents on a patient's page, so it stands where the floors meet."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from accounts.views import me
from patients import services

app_name = "patients"


@require_GET
def chart(request: HttpRequest, patient_id: UUID) -> HttpResponse:
    """The timeline: what the chart holds, newest first, the chosen document beside it."""
    patient = services.open_chart(by=me(request), patient_id=patient_id, part="timeline")
    return render(request, "patients/chart.html", {"patient": patient, "tab": "timeline"})


urlpatterns = [path("<uuid:patient_id>/", chart, name="chart")]
