"""Addresses of this room's API, below /api/v1/."""

from django.urls import path

from accounts.api import CurrentTokenView, MeView, TokensView

urlpatterns = [
    path("tokens/", TokensView.as_view(), name="tokens"),
    path("tokens/current/", CurrentTokenView.as_view(), name="token-current"),
    path("me/", MeView.as_view(), name="me"),
]
