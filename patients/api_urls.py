"""Addresses of this room's API, below /api/v1/."""

from django.urls import path

from patients import api, glass_api

urlpatterns = [
    path("patients/", api.PatientsView.as_view(), name="api-patients"),
    path("patients/<str:patient_id>/", api.PatientView.as_view(), name="api-patient"),
    path("patients/<str:patient_id>/history/", api.HistoryView.as_view(), name="api-patient-history"),
    path("patients/<str:patient_id>/state-need/", api.StateNeedView.as_view(), name="api-patient-state-need"),
    path(
        "patients/<str:patient_id>/break-glass/",
        glass_api.BreakGlassView.as_view(),
        name="api-break-glass",
    ),
    path("encounters/", api.EncountersView.as_view(), name="api-encounters"),
    path("encounters/<str:encounter_id>/", api.EncounterView.as_view(), name="api-encounter"),
]
