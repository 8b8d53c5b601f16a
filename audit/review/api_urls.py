"""Addresses of this room's API, below /api/v1/."""

from django.urls import path

from audit.review.api import EventsView, EventView
from audit.review.feeds.api import AuditEventsView, AuditEventView, ExportView
from audit.review.proof_api import CheckpointsView, VerifyView
from audit.review.watch_api import AlertsView, AlertView, SetAsideView

urlpatterns = [
    path("audit/fhir/AuditEvent", AuditEventsView.as_view(), name="audit-fhir-events"),
    path("audit/fhir/AuditEvent/<str:resource_id>", AuditEventView.as_view(), name="audit-fhir-event"),
    path("audit/export/", ExportView.as_view(), name="audit-export"),
    path("audit/events/", EventsView.as_view(), name="audit-events"),
    path("audit/events/<str:event_id>/", EventView.as_view(), name="audit-event"),
    path("audit/alerts/", AlertsView.as_view(), name="audit-alerts"),
    path("audit/alerts/<str:alert_id>/", AlertView.as_view(), name="audit-alert"),
    path("audit/alerts/<str:alert_id>/set-aside/", SetAsideView.as_view(), name="audit-alert-set-aside"),
    path("audit/verify/", VerifyView.as_view(), name="audit-verify"),
    path("audit/checkpoints/", CheckpointsView.as_view(), name="audit-checkpoints"),
]
