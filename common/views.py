"""Pages for errors that no view answers. No patient data, a reference number, what to do."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.api import problem_response, wants_json


def _answer(request: HttpRequest, status: int, code: str, text: str) -> HttpResponse:
    if wants_json(request):
        return problem_response(status, code, text)
    return render(request, f"errors/{status}.html", {"text": text}, status=status)


@login_not_required
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the browser sent something that is no request of ours."""
    return _answer(request, 400, "bad_request", "The browser sent something Chartroom cannot read.")


@login_not_required
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 from the framework itself."""
    return _answer(request, 403, "role", "You may not do this.")


@login_not_required
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return _answer(request, 404, "not_found", "There is no such page, or it is not yours to see.")


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours."""
    return _answer(
        request, 500, "fault", "Something went wrong inside Chartroom. Your last step was not done."
    )


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "", **kwargs: Any) -> HttpResponse:
    """403: a form without its token, usually a page left open over a sign-out."""
    return _answer(request, 403, "csrf", "This form had expired. Go back, reload the page and send it again.")
