"""My account: password and API tokens."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries, services, single_sign_on
from accounts.confirming import confirm_first
from accounts.forms import PasswordForm, TokenForm
from accounts.models import Voucher
from accounts.services.signing_in import FACTOR_ELSEWHERE
from accounts.views import me
from common.web import rule_errors_on


def _account_page(
    request: HttpRequest,
    *,
    token_form: TokenForm | None = None,
    new_token: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "tokens": queries.own_tokens(me(request)),
        "token_form": token_form or TokenForm(owner=me(request)),
        "sittings": queries.sittings_of(me(request)),
        "this_session": request.session.session_key,
        "provider": single_sign_on.provider(),
        "is_connected": queries.has_identity(me(request)),
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
    form = PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            user = services.change_own_password(
                by=me(request), session_key=request.session.session_key, **form.cleaned_data
            )
            update_session_auth_hash(request, user)
            messages.success(
                request, "Your password is changed. Other places where you were signed in are signed out."
            )
            return redirect("accounts:account" if not me(request).must_change_password else "home")
    context = {"form": form, "must": me(request).must_change_password}
    return render(request, "accounts/password.html", context, status=422 if form.errors else 200)


@require_POST
def end_sitting(request: HttpRequest, number: UUID) -> HttpResponse:
    """Sign out one of my browsers."""
    services.end_sitting(by=me(request), user_id=me(request).pk, number=number)
    messages.success(request, "That browser is signed out.")
    return redirect("accounts:account")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Sign out every browser of mine but this one."""
    ended = services.end_sittings(by=me(request), user_id=me(request).pk, but=request.session.session_key)
    messages.success(request, f"{ended} other {'browser is' if ended == 1 else 'browsers are'} signed out.")
    return redirect("accounts:account")


@confirm_first
@require_http_methods(["GET", "POST"])
def issue_token(request: HttpRequest) -> HttpResponse:
    """Make an API token and show its text, once, in this answer only."""
    if request.method == "GET":  # back after signing in again
        return redirect("accounts:account")
    form = TokenForm(request.POST, owner=me(request))
    if form.is_valid():
        with rule_errors_on(form):
            vouched_by = Voucher.PROVIDER if request.session.get(FACTOR_ELSEWHERE) else Voucher.NOBODY
            text, _ = services.issue_token(
                by=me(request), user=me(request), vouched_by=vouched_by, **form.asked()
            )
            return _account_page(request, new_token=text)
    return _account_page(request, token_form=form, status=422)


@require_POST
def revoke_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """End one of my tokens at once."""
    services.revoke_token(by=me(request), token=queries.token_of(me(request), pk))
    messages.success(request, "The token is revoked. Programs that use it are refused from now on.")
    return redirect("accounts:account")
