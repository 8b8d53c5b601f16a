"""Sign in and out, the second step of it, and confirming who one is."""

import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import authenticators, confirming, queries, services, single_sign_on
from accounts.forms import CodeForm, ConfirmForm, SignInForm
from accounts.middleware import whose
from accounts.models import User
from accounts.services.second_factor import NOT_ANSWERED, WRONG_CODE
from accounts.views import me
from common.errors import TooMany

HOME = "/"


def next_path(request: HttpRequest) -> str:
    """Where to go after signing in: a path of our own, or home. Never another site, never a sign-in loop."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    if not wanted.startswith("/") or not is_ours or wanted.startswith(("/sign-in", "/sign-out", "/confirm")):
        return HOME
    return wanted


def after_for(user: User, wanted: str, left_by: str) -> str:
    """The same, but home for whoever did not leave that page herself: a page of somebody else is not hers to see."""
    return wanted if not left_by or constant_time_compare(left_by, whose(user)) else HOME


def _after(request: HttpRequest, user: User) -> str:
    left_by = request.POST.get("of") or request.GET.get("of") or ""
    return after_for(user, next_path(request), left_by)


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """User name and password. Which of the two was wrong is not told."""
    if request.user.is_authenticated and request.method == "GET":
        return redirect(_after(request, me(request)))
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                user = services.check_password(request=request, **form.cleaned_data)
            except TooMany as refused:
                form.add_error(None, refused.message)
                return _sign_in_page(request, form, status=429, headers={"Retry-After": str(refused.wait)})
            if user is not None:
                return arrived(request, user, _after(request, user))
            form.add_error(None, "The user name or the password is wrong. Check both and try again.")
    return _sign_in_page(request, form, status=status)


def arrived(request: HttpRequest, user: User, after: str, means: str = "password") -> HttpResponse:
    """On to where she wants to go, or to the second step."""
    is_in = services.arrive(request=request, user=user, after=after, means=means)
    return redirect(after if is_in else "accounts:code")


def _sign_in_page(
    request: HttpRequest, form: SignInForm, *, status: int, headers: dict[str, str] | None = None
) -> HttpResponse:
    context = {
        "form": form,
        "next": next_path(request),
        "of": request.POST.get("of") or request.GET.get("of") or "",
        "is_idle": "idle" in request.GET,
        "is_switch": "switch" in request.GET,
        "demo_password": services.DEMO_PASSWORD,
        "provider": single_sign_on.provider(),
    }
    response = render(request, "accounts/sign_in.html", context, status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


@login_not_required
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """The second step: a code of the app, a recovery code, or a security key."""
    waits = services.who_waits(request)
    if waits is None:
        return redirect("accounts:sign-in")
    user, after = waits
    form = CodeForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given = form.cleaned_data
            try:
                if services.finish_sign_in(
                    request=request, user=user, code=given["code"], credential=given["credential"]
                ):
                    return redirect(after)
                form.add_error("code", NOT_ANSWERED if given["credential"] else WRONG_CODE)
            except TooMany as refused:
                form.add_error(None, refused.message)
                status = 429
    context = {"form": form, "key_options": key_options(user), "title": "Second step"}
    return render(request, "accounts/code.html", context, status=status)


def key_options(user: User) -> str:
    """What the browser needs to ask a security key, as JSON; nothing for somebody without one."""
    options = authenticators.ask_key(user)
    return json.dumps(options) if options else ""


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """The password or a second factor once more, before something that matters; then on with what was being done."""
    after = next_path(request)
    form = ConfirmForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                if services.confirm(request=request, by=me(request), **form.cleaned_data):
                    return go_on(request, after)
                form.add_error(*_what_was_wrong(form.cleaned_data))
            except TooMany as refused:
                form.add_error(None, refused.message)
                status = 429
    user = me(request)
    context = {
        "form": form,
        "next": after,
        "waits": confirming.KEPT in request.session,
        "has_factor": user.has_second_factor,
        "key_options": key_options(user) if user.has_second_factor else "",
        "provider": single_sign_on.provider() if queries.has_identity(user) else None,
    }
    return render(request, "accounts/confirm.html", context, status=status)


def _what_was_wrong(given: dict[str, Any]) -> tuple[str | None, str]:
    if given["password"]:
        return "password", "That is not your password."
    return (None, NOT_ANSWERED) if given["credential"] else ("code", WRONG_CODE)


def go_on(request: HttpRequest, after: str) -> HttpResponse:
    """To where one was; a form that was being sent is sent now, with a fresh CSRF token and through every check."""
    kept = confirming.take(request)
    if kept is None:
        return redirect(after)
    return render(request, "accounts/resume.html", {"kept": kept})


@require_http_methods(["GET", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """POST ends the session. GET (a link, a bookmark) asks first: a stray link must not sign anybody out."""
    if request.method == "GET":
        return render(request, "accounts/sign_out.html")
    services.end_session(request, reason="idle" if request.POST.get("reason") == "idle" else "")
    return redirect("accounts:sign-in")


@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """At a shared work station: out at once, and a form that asks who is next. She comes to her own home."""
    services.end_session(request, reason="switch")
    return redirect("/sign-in/?switch=1")


@require_POST
def still_here(request: HttpRequest) -> HttpResponse:
    """Somebody works on the page without loading one: IdleMiddleware has noted it by now."""
    return HttpResponse(status=204)
