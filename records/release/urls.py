"""Addresses of this room's pages."""

from django.urls import path

from records.release import views

app_name = "release"
urlpatterns = [
    path("", views.work_list, name="list"),
    path("new/", views.new, name="new"),
    path("chart/<uuid:patient_id>/", views.chart, name="chart"),
    path("package/<uuid:release_id>/download/", views.download, name="download"),
    path("package/<uuid:release_id>/approve/", views.approve, name="approve"),
    path("package/<uuid:release_id>/mailed/", views.mailed, name="mailed"),
    path("<uuid:request_id>/", views.detail, name="detail"),
    path("<uuid:request_id>/edit/", views.edit, name="edit"),
    path("<uuid:request_id>/identity/", views.add_identity, name="identity"),
    path("<uuid:request_id>/authorization/", views.add_authorization, name="authorization"),
    path("<uuid:request_id>/evidence/<uuid:evidence_id>/", views.evidence_file, name="evidence"),
    path("<uuid:request_id>/documents/", views.choose, name="choose"),
    path("<uuid:request_id>/build/", views.build, name="build"),
    path("<uuid:request_id>/cancel/", views.cancel, name="cancel"),
    path("<uuid:request_id>/assign/", views.assign, name="assign"),
]
