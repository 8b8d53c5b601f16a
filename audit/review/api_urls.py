"""Addresses of this room's API, below /api/v1/."""

from django.urls import path

from audit.review.api import EventsView, EventView

urlpatterns = [
    path("audit/events/", EventsView.as_view(), name="audit-events"),
    path("audit/events/<str:event_id>/", EventView.as_view(), name="audit-event"),
]
