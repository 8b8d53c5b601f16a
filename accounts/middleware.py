"""Sign-in required everywhere, and the idle limit."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from accounts import services
from common.api import problem_response, wants_json

GetResponse = Callable[[HttpRequest], HttpResponse]
SEEN_AT = "seen_at"
STAMP_EVERY_SECONDS = 30


class IdleMiddleware:
    """Signs a session out that was idle too long (45 CFR 164.312(a)(2)(iii); 170.315(d)(5)).

    Requests that a page sends by itself (header `X-Background: 1`, progress polls) are no activity.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.session.session_key or not request.user.is_authenticated:
            return self.get_response(request)
        now = int(time.time())
        seen_at = int(request.session.get(SEEN_AT, now))
        if now - seen_at > settings.IDLE_MINUTES * 60:
            services.end_session(request, idle=True)
        elif (
            now - seen_at >= STAMP_EVERY_SECONDS or SEEN_AT not in request.session
        ) and not request.headers.get("X-Background"):
            request.session[SEEN_AT] = now
        return self.get_response(request)


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Everybody signs in first; after it they return to where they were."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> HttpResponse:  # type: ignore[override]
        """Redirect to the sign-in page; a part loaded by htmx makes the whole page go there."""
        if wants_json(request):
            return problem_response(401, "not_authenticated", "Sign in first.")
        address = reverse(settings.LOGIN_URL)
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=401)
            back = request.headers.get("HX-Current-URL", "/")
            path = "/" + back.split("/", 3)[3] if back.count("/") >= 3 else "/"
            response["HX-Redirect"] = f"{address}?{urlencode({'next': path})}"
            return response
        response = HttpResponse(status=302)
        response["Location"] = f"{address}?{urlencode({'next': request.get_full_path()})}"
        return response
