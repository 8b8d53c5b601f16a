"""My account: password and API tokens."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries, services
from accounts.confirming import confirm_first
from accounts.forms import PasswordForm, TokenForm
from accounts.views import me
from common.web import rule_errors_on


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


@confirm_first
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
