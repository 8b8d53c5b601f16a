"""The administrator's look at how somebody signs in: sessions, second factors, tokens, a new password."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import queries, services
from accounts.confirming import confirm_first
from accounts.forms import GivenPasswordForm
from accounts.models import User
from accounts.views import me
from common.web import rule_errors_on


def _page(request: HttpRequest, person: User, form: GivenPasswordForm) -> HttpResponse:
    context: dict[str, Any] = {
        "person": person,
        "form": form,
        "sittings": queries.sittings_of(person),
        "factors": queries.second_factors_of(person),
        "tokens": queries.own_tokens(person),
        "is_self": person.pk == me(request).pk,
    }
    return render(request, "accounts/user_access.html", context, status=422 if form.errors else 200)


@require_GET
def user_access(request: HttpRequest, pk: UUID) -> HttpResponse:
    """How somebody signs in, and where she is signed in now."""
    return _page(request, queries.user_for(me(request), pk), GivenPasswordForm())


@confirm_first
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def give_password(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A password to sign in with once."""
    person = queries.user_for(me(request), pk)
    form = GivenPasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            services.give_password(by=me(request), user_id=pk, **form.cleaned_data)
            messages.success(
                request, f"{person.username} signs in with this password once and sets another one then."
            )
            return redirect("accounts:user-access", pk)
    return _page(request, person, form)


@confirm_first
@require_http_methods(["GET", "POST"])
def reset_second_factor(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Remove the second factors of somebody who lost them."""
    person = queries.user_for(me(request), pk)
    if request.method == "POST":
        person = services.reset_second_factor(by=me(request), user_id=pk)
        messages.success(request, f"{person.username} has no second factor now.")
    return redirect("accounts:user-access", pk)


@require_POST
def end_sittings(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Sign out every browser of somebody."""
    ended = services.end_sittings(by=me(request), user_id=pk)
    messages.success(request, f"{ended} {'browser is' if ended == 1 else 'browsers are'} signed out.")
    return redirect("accounts:user-access", pk)


@require_POST
def end_sitting(request: HttpRequest, pk: UUID, number: UUID) -> HttpResponse:
    """Sign out one browser of somebody."""
    services.end_sitting(by=me(request), user_id=pk, number=number)
    messages.success(request, "That browser is signed out.")
    return redirect("accounts:user-access", pk)


@require_POST
def revoke_token(request: HttpRequest, pk: UUID, token_id: UUID) -> HttpResponse:
    """End one of somebody's tokens at once."""
    person = queries.user_for(me(request), pk)
    services.revoke_token(by=me(request), token=queries.token_of(person, token_id))
    messages.success(request, "The token is revoked. Programs that use it are refused from now on.")
    return redirect("accounts:user-access", pk)
