"""Addresses of this room's pages. The chart's first page, `patients:chart`, is added by `config.chart`."""

from django.urls import path

from patients.views import encounters, finding, glass, identity, needs, opening, workplaces

app_name = "patients"
urlpatterns = [
    path("", finding.search, name="search"),
    path("register/", finding.register, name="register"),
    path("outside/", glass.outside, name="outside"),
    path("<uuid:patient_id>/glass/", glass.glass, name="glass"),
    path("glass/<uuid:glass_id>/end/", glass.end, name="glass-end"),
    path("colleagues/<uuid:user_id>/workplaces/", workplaces.workplaces, name="workplaces"),
    path("<uuid:patient_id>/demographics/", identity.demographics, name="demographics"),
    path("<uuid:patient_id>/edit/", identity.edit, name="edit"),
    path("<uuid:patient_id>/state-need/", needs.state_need, name="state-need"),
    path("<uuid:patient_id>/who-may-open/", opening.who_may_open, name="opening"),
    path("<uuid:patient_id>/restrict/", opening.restrict, name="restrict"),
    path("restrictions/<uuid:restriction_id>/lift/", opening.lift, name="lift"),
    path("<uuid:patient_id>/grant/", opening.grant, name="grant"),
    path("grants/<uuid:grant_id>/revoke/", opening.revoke, name="revoke"),
    path("<uuid:patient_id>/own-entry/", opening.own_entry, name="own-entry"),
    path("own-entries/<uuid:entry_id>/end/", opening.end_own_entry, name="end-own-entry"),
    path("encounters/<uuid:encounter_id>/team/", opening.join_team, name="join-team"),
    path("team/<uuid:member_id>/leave/", opening.leave_team, name="leave-team"),
    path("<uuid:patient_id>/consult/", opening.consult, name="consult"),
    path("consults/<uuid:consult_id>/answer/", opening.answer, name="answer-consult"),
    path("<uuid:patient_id>/encounters/", encounters.encounters, name="encounters"),
    path("<uuid:patient_id>/encounters/new/", encounters.new_encounter, name="encounter-new"),
    path("encounters/<uuid:encounter_id>/edit/", encounters.edit_encounter, name="encounter-edit"),
    path("encounters/<uuid:encounter_id>/close/", encounters.close_encounter, name="encounter-close"),
]
