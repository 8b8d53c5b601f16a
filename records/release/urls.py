"""Addresses of this room's pages."""

from django.urls import URLPattern

app_name = "release"
urlpatterns: list[URLPattern] = []
