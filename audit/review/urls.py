"""Addresses of this room's pages."""

from django.urls import path

from audit.review import glass_views, proof_views, views

app_name = "review"
urlpatterns = [
    path("", views.log, name="log"),
    path("export/", views.export, name="export"),
    path("evidence/", views.evidence, name="evidence"),
    path("proof/", proof_views.state, name="proof"),
    path("proof/check/", proof_views.check, name="proof-check"),
    path("glass/", glass_views.glass_list, name="glass-list"),
    path("glass/<uuid:review_id>/", glass_views.glass, name="glass"),
    path("chart/<uuid:patient_id>/", views.chart, name="chart"),
    path("<int:event_id>/", views.event, name="event"),
]
