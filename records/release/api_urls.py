"""Addresses of this room's API, below /api/v1/."""

from django.urls import path

from records.release import api

urlpatterns = [
    path("requests/", api.RequestList.as_view(), name="requests"),
    path("requests/<str:request_id>/", api.RequestDetail.as_view(), name="request"),
    path("requests/<str:request_id>/evidence/", api.EvidenceList.as_view(), name="request-evidence"),
    path("requests/<str:request_id>/selection/", api.SelectionView.as_view(), name="request-selection"),
    path("requests/<str:request_id>/release/", api.ReleaseOrder.as_view(), name="request-release"),
    path("requests/<str:request_id>/cancel/", api.CancelView.as_view(), name="request-cancel"),
    path("releases/<str:release_id>/", api.ReleaseDetail.as_view(), name="release"),
    path("releases/<str:release_id>/package/", api.PackageView.as_view(), name="release-package"),
    path("releases/<str:release_id>/approve/", api.ApproveView.as_view(), name="release-approve"),
    path("releases/<str:release_id>/deliver/", api.DeliverView.as_view(), name="release-deliver"),
    path("patients/<str:patient_id>/disclosures/", api.DisclosureList.as_view(), name="disclosures"),
]
