"""Sign in and out."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import confirming, services
from accounts.forms import ConfirmForm, SignInForm
from accounts.views import me
from common.errors import TooMany


def _next_path(request: HttpRequest) -> str:
    """Where to go after signing in: a path of our own, or home. Never another site, never a sign-in loop."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    if not wanted.startswith("/") or not is_ours or wanted.startswith(("/sign-in", "/sign-out", "/confirm")):
        return "/"
    return wanted


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """User name and password. Which of the two was wrong is not told."""
    after = _next_path(request)
    if request.user.is_authenticated and request.method == "GET":
        return redirect(after)
    form = SignInForm(request.POST or None)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            try:
                user = services.check_password(request=request, **form.cleaned_data)
            except TooMany as refused:
                form.add_error(None, refused.message)
                return _sign_in_page(
                    request, form, after, status=429, headers={"Retry-After": str(refused.wait)}
                )
            if user is not None:
                services.sign_in(request=request, user=user)
                return redirect(after)
            form.add_error(None, "The user name or the password is wrong. Check both and try again.")
        status = 422
    return _sign_in_page(request, form, after, status=status)


def _sign_in_page(
    request: HttpRequest, form: SignInForm, after: str, *, status: int, headers: dict[str, str] | None = None
) -> HttpResponse:
    context = {
        "form": form,
        "next": after,
        "is_idle": "idle" in request.GET,
        "demo_password": services.DEMO_PASSWORD,
    }
    response = render(request, "accounts/sign_in.html", context, status=status)
    for name, value in (headers or {}).items():
        response[name] = value
    return response


@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest) -> HttpResponse:
    """The password once more, before something that matters; then on with what was being done."""
    after = _next_path(request)
    form = ConfirmForm(request.POST or None)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                if services.confirm(request=request, by=me(request), password=form.cleaned_data["password"]):
                    return _go_on(request, after)
                form.add_error("password", "That is not your password.")
            except TooMany as refused:
                form.add_error(None, refused.message)
                status = 429
    context = {"form": form, "next": after, "waits": confirming.KEPT in request.session}
    return render(request, "accounts/confirm.html", context, status=status)


def _go_on(request: HttpRequest, after: str) -> HttpResponse:
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
    services.end_session(request, idle=request.POST.get("reason") == "idle")
    return redirect("accounts:sign-in")


@require_POST
def still_here(request: HttpRequest) -> HttpResponse:
    """Somebody works on the page without loading one: IdleMiddleware has noted it by now."""
    return HttpResponse(status=204)
