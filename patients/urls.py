"""Addresses of this room's pages."""

from django.urls import URLPattern

app_name = "patients"
urlpatterns: list[URLPattern] = []
