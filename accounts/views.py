"""Sign in and out, my account, and the administrator's users."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access, queries, services
from accounts.forms import NewUserForm, PasswordForm, SignInForm, TokenForm, UserForm
from accounts.models import User
from common.errors import TooMany
from common.once import once
from common.web import rule_errors_on


def me(request: HttpRequest) -> User:
    """The person signed in; SignInRequiredMiddleware let nobody else through."""
    return cast(User, request.user)


def _next_path(request: HttpRequest) -> str:
    """Where to go after signing in: a path of our own, or home. Never another site, never a sign-in loop."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None, require_https=request.is_secure())
    if not wanted.startswith("/") or not is_ours or wanted.startswith(("/sign-in", "/sign-out")):
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


def _account_page(
    request: HttpRequest,
    *,
    token_form: TokenForm | None = None,
    password_form: PasswordForm | None = None,
    new_token: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "tokens": queries.own_tokens(me(request)),
        "token_form": token_form or TokenForm(),
        "password_form": password_form or PasswordForm(),
        "new_token": new_token,
    }
    return render(request, "accounts/account.html", context, status=status)


@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """My details, password and API tokens."""
    return _account_page(request)


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Replace my password; other sessions of mine end, this one goes on."""
    if request.method == "GET":  # back after signing in again
        return redirect("accounts:account")
    form = PasswordForm(request.POST)
    if form.is_valid():
        with rule_errors_on(form):
            services.change_own_password(by=me(request), **form.cleaned_data)
            me(request).refresh_from_db()
            update_session_auth_hash(request, me(request))
            messages.success(
                request, "Your password is changed. Other places where you were signed in are signed out."
            )
            return redirect("accounts:account")
    return _account_page(request, password_form=form, status=422)


@require_http_methods(["GET", "POST"])
def issue_token(request: HttpRequest) -> HttpResponse:
    """Make an API token and show its text, once, in this answer only."""
    if request.method == "GET":  # back after signing in again
        return redirect("accounts:account")
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _account_page(request, token_form=form, status=422)
    text, _ = services.issue_token(by=me(request), user=me(request), label=form.cleaned_data["label"])
    return _account_page(request, new_token=text)


@require_POST
def revoke_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End one of my tokens at once."""
    services.revoke_token(by=me(request), token=queries.token_of(me(request), pk))
    messages.success(request, "The token is revoked. Programs that use it are refused from now on.")
    return redirect("accounts:account")


@require_GET
def users(request: HttpRequest) -> HttpResponse:
    """Everybody who can sign in."""
    return render(request, "accounts/users.html", {"people": services.list_users(by=me(request))})


@sensitive_post_parameters("password")
@once
def new_user(request: HttpRequest) -> HttpResponse:
    """Add somebody."""
    access.check_may_manage_users(me(request))
    form = NewUserForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            values = {name: value for name, value in form.cleaned_data.items() if name != "version"}
            user = services.create_user(by=me(request), **values)
            messages.success(request, f"{user.display_name} can sign in now as {user.username}.")
            return redirect("accounts:users")
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/user_form.html", {"form": form}, status=status)


@once
def user_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One user: change name, address and roles; switch off and on."""
    person = queries.user_for(me(request), pk)
    start = {
        "name": person.name,
        "email": person.email,
        "roles": person.role_names,
        "version": person.version,
    }
    form = UserForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            values = dict(form.cleaned_data)
            services.change_user(by=me(request), user_id=pk, seen_version=values.pop("version"), **values)
            messages.success(request, f"{person.username} is changed.")
            return redirect("accounts:user", pk)
    context = {"form": form, "person": person, "is_self": person.pk == me(request).pk}
    return render(request, "accounts/user_form.html", context, status=422 if form.errors else 200)


@require_POST
def deactivate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Switch a user off: sessions and tokens end with their next request."""
    person = services.set_active(by=me(request), user_id=pk, is_active=False)
    messages.success(request, f"{person.username} can no longer sign in. What they did stays on record.")
    return redirect("accounts:user", pk)


@require_POST
def activate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Let a user sign in again."""
    person = services.set_active(by=me(request), user_id=pk, is_active=True)
    messages.success(request, f"{person.username} can sign in again.")
    return redirect("accounts:user", pk)
