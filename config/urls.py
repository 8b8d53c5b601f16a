"""Every address of the house."""

from django.urls import include, path

from config import api_docs, chart, home, system
from patients.urls import urlpatterns as patient_pages

urlpatterns = [
    path("", home.home, name="home"),
    path("counts/", home.counts, name="home-counts"),
    path("system/", system.system, name="system"),
    path("jobs/<uuid:job_id>/", system.job, name="job-page"),
    path("notices/", include("common.notices.urls")),
    path("", include("accounts.urls")),
    path("patients/", include((chart.urlpatterns + patient_pages, "patients"))),
    path("documents/", include("records.documents.urls")),
    path("capture/", include("records.capture.urls")),
    path("release/", include("records.release.urls")),
    path("log/", include("audit.review.urls")),
    path("api/v1/", include("config.api_urls")),
    path("api/schema/", api_docs.SchemaView.as_view(), name="api-schema"),
    path("api/docs/", api_docs.docs, name="api-docs"),
    path("", include("config.health_urls")),
]

handler400 = "common.views.bad_request"
handler403 = "common.views.forbidden"
handler404 = "common.views.not_found"
handler500 = "common.views.server_error"
