"""Addresses of this room's API, below /api/v1/."""

from django.urls import path

from audit.review.api import EventsView, EventView
from audit.review.proof_api import CheckpointsView, VerifyView

urlpatterns = [
    path("audit/events/", EventsView.as_view(), name="audit-events"),
    path("audit/events/<str:event_id>/", EventView.as_view(), name="audit-event"),
    path("audit/verify/", VerifyView.as_view(), name="audit-verify"),
    path("audit/checkpoints/", CheckpointsView.as_view(), name="audit-checkpoints"),
]
