"""Chartroom's settings with only what a bare view needs: session and user."""

from pathlib import Path

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS as CHARTROOM_APPS

INSTALLED_APPS = ["bench.floor.apps.Bare" if name == "allauth.account" else name for name in CHARTROOM_APPS]
ROOT_URLCONF = "bench.floor.urls"
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {"context_processors": ["django.contrib.auth.context_processors.auth"]},
    }
]
