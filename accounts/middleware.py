"""Sign-in required everywhere, and the idle limit."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.http import urlencode

from accounts import services, throttling
from accounts.models import User
from accounts.services.signing_in import FACTOR_ELSEWHERE
from accounts.sessions import SEEN_AT, SITTING
from common.api import problem_response, wants_json
from common.errors import Denied

GetResponse = Callable[[HttpRequest], HttpResponse]
STAMP_EVERY_SECONDS = 30
SECOND_FACTOR_PAGES = {
    "accounts:second-factor",
    "accounts:app-add",
    "accounts:key-add",
    "accounts:confirm",
}
ALWAYS_OPEN = {"accounts:sign-out", "accounts:switch", "accounts:still-here"}


class FloodMiddleware:
    """Refuses an attempt to sign in, while the house is full, before anything is read, asked or drawn for it.

    So a flood costs next to nothing, and whoever works goes on working.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        names = ("accounts:sign-in", "accounts:code", "accounts:confirm", "tokens")
        self.doors = frozenset(reverse(name) for name in names)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or request.path not in self.doors or not throttling.is_full():
            return self.get_response(request)
        if wants_json(request):
            answer: HttpResponse = problem_response(429, "throttled", throttling.FULL)
        else:
            answer = HttpResponse(throttling.FULL, status=429, content_type="text/plain; charset=utf-8")
        answer["Retry-After"] = "3"
        return answer


class IdleMiddleware:
    """Signs a session out that was idle too long, or has lasted too long (45 CFR 164.312(a)(2)(iii); 170.315(d)(5)).

    Requests that a page sends by itself (header `X-Background: 1`, progress polls) are no activity.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.session.session_key or not request.user.is_authenticated:
            return self.get_response(request)
        now = int(time.time())
        seen_at = int(request.session.get(SEEN_AT, now))
        began_at = (request.session.get(SITTING) or {}).get("at", seen_at)
        if now - seen_at > settings.IDLE_MINUTES * 60:
            self._end(request, "idle")
        elif now - began_at > settings.SESSION_HOURS * 3600:
            self._end(request, "too long")
        elif (
            now - seen_at >= STAMP_EVERY_SECONDS or SEEN_AT not in request.session
        ) and not request.headers.get("X-Background"):
            request.session[SEEN_AT] = now
        return self.get_response(request)

    def _end(self, request: HttpRequest, reason: str) -> None:
        """End the session; whoever signs in next must be the same person to go on at this address."""
        request.left_by = whose(request.user)  # type: ignore[attr-defined]
        services.end_session(request, reason=reason)


def whose(user: Any) -> str:
    """Tells in an address whose page it was, and tells nobody who that is."""
    return salted_hmac("accounts.whose", str(user.pk)).hexdigest()[:20]


def sign_in_address(path: str, left_by: str = "") -> str:
    """Where to sign in to go on at `path`."""
    query = {"next": path, **({"of": left_by} if left_by else {})}
    return f"{reverse(settings.LOGIN_URL)}?{urlencode(query)}"


class SignInRequiredMiddleware(LoginRequiredMiddleware):
    """Everybody signs in first; after it they return to where they were."""

    def handle_no_permission(self, request: HttpRequest, view_func: Callable[..., Any]) -> HttpResponse:  # type: ignore[override]
        """Redirect to the sign-in page; a part loaded by htmx makes the whole page go there."""
        if wants_json(request):
            return problem_response(401, "not_authenticated", "Sign in first.")
        left_by = getattr(request, "left_by", "")
        if request.headers.get("HX-Request"):
            response = HttpResponse(status=401)
            back = request.headers.get("HX-Current-URL", "/")
            path = "/" + back.split("/", 3)[3] if back.count("/") >= 3 else "/"
            response["HX-Redirect"] = sign_in_address(path, left_by)
            return response
        response = HttpResponse(status=302)
        response["Location"] = sign_in_address(request.get_full_path(), left_by)
        return response


class FirstStepsMiddleware:
    """Nothing opens for somebody who must first set a password of her own or add the second factor her role needs."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], *args: Any
    ) -> HttpResponse | None:
        """Lead a page to what is to be done first; a program is told."""
        user = request.user
        is_open = not getattr(view_func, "login_required", True) and not wants_json(request)
        if not isinstance(user, User) or is_open:
            return None
        name = request.resolver_match.view_name if request.resolver_match else ""
        if name in ALWAYS_OPEN:
            return None
        if user.must_change_password:
            page, others = "accounts:password", set[str]()
        elif self._lacks_factor(request, user):
            page, others = "accounts:second-factor", SECOND_FACTOR_PAGES
        else:
            return None
        if name == page or name in others:
            return None
        if wants_json(request):
            try:
                services.check_may_work(user)
            except Denied as refused:
                return problem_response(refused.status, refused.code, refused.message)
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Redirect": reverse(page)})
        return redirect(page)

    @staticmethod
    def _lacks_factor(request: HttpRequest, user: User) -> bool:
        if not user.needs_second_factor or user.has_second_factor:
            return False
        return not request.session.get(FACTOR_ELSEWHERE)
