"""Addresses of this room's API, below /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from records.documents import api

router = SimpleRouter()
router.register("documents", api.DocumentViewSet, basename="api-document")
urlpatterns = [
    *router.urls,
    path("search/", api.SearchView.as_view(), name="api-search"),
    path("document-types/", api.TypeListView.as_view(), name="api-document-types"),
]
