"""Addresses of this room's pages."""

from django.urls import path

from records.capture import views

app_name = "capture"
urlpatterns = [path("", views.home, name="home")]
