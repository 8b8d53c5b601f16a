"""Addresses of this room's pages."""

from django.urls import path

from audit.review import views

app_name = "review"
urlpatterns = [
    path("", views.log, name="log"),
    path("export/", views.export, name="export"),
    path("chart/<uuid:patient_id>/", views.chart, name="chart"),
    path("<int:event_id>/", views.event, name="event"),
]
