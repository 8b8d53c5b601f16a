"""Addresses of this room's pages. The chart's first page, `patients:chart`, is added by `config.chart`."""

from django.urls import path

from patients.views import encounters, finding, identity, needs

app_name = "patients"
urlpatterns = [
    path("", finding.search, name="search"),
    path("register/", finding.register, name="register"),
    path("<uuid:patient_id>/demographics/", identity.demographics, name="demographics"),
    path("<uuid:patient_id>/edit/", identity.edit, name="edit"),
    path("<uuid:patient_id>/state-need/", needs.state_need, name="state-need"),
    path("<uuid:patient_id>/encounters/", encounters.encounters, name="encounters"),
    path("<uuid:patient_id>/encounters/new/", encounters.new_encounter, name="encounter-new"),
    path("encounters/<uuid:encounter_id>/edit/", encounters.edit_encounter, name="encounter-edit"),
    path("encounters/<uuid:encounter_id>/close/", encounters.close_encounter, name="encounter-close"),
]
