"""The home page: by role, what waits."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from accounts.views import me


def home(request: HttpRequest) -> HttpResponse:
    """What waits for this person."""
    return render(request, "home/home.html")


def counts(request: HttpRequest) -> HttpResponse:
    """The numbers in the rail: work that waits, by the names in `config.navigation`."""
    return JsonResponse({})
