"""The same 25 rows as the measured pages list, straight from the table into a template."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from patients.models import Patient
from records.documents.models import Document


def patients(request: HttpRequest) -> HttpResponse:
    """25 patients by name."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    rows = Patient.objects.order_by("family_key", "given_key", "pk")[:25]
    return render(request, "floor/patients.html", {"rows": rows})


def documents(request: HttpRequest, patient_id: str) -> HttpResponse:
    """25 documents of one patient, newest first."""
    if not request.user.is_authenticated:
        return HttpResponse(status=401)
    rows = (
        Document.objects.filter(patient=patient_id)
        .select_related("type", "current", "encounter")
        .order_by("-service_date", "-id")[:25]
    )
    return render(request, "floor/documents.html", {"rows": rows})


urlpatterns = [path("patients/", patients), path("documents/<uuid:patient_id>/", documents)]
