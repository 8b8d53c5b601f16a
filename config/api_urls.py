"""Every address of the API, version 1: each room adds its own."""

from django.urls import include, path

from common.jobs.api import JobView
from common.notices.api import NoticeReadView, NoticesView

urlpatterns = [
    path("", include("accounts.api_urls")),
    path("", include("patients.api_urls")),
    path("", include("records.documents.api_urls")),
    path("", include("records.capture.api_urls")),
    path("", include("records.release.api_urls")),
    path("", include("audit.review.api_urls")),
    path("jobs/<str:job_id>/", JobView.as_view(), name="job"),
    path("notices/", NoticesView.as_view(), name="api-notices"),
    path("notices/<str:notice_id>/read/", NoticeReadView.as_view(), name="api-notice-read"),
]
