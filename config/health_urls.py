"""Addresses that a load balancer asks."""

from django.urls import path

from config import health, metrics

urlpatterns = [
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
    path("metrics", metrics.metrics, name="metrics"),
]
