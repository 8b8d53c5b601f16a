"""My second factors: an authenticator app, security keys, recovery codes."""

import json

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import authenticators, queries, services
from accounts.confirming import confirm_first
from accounts.forms import AppForm, KeyForm
from accounts.views import me
from common.errors import RuleBroken
from common.keyring import KeyringError
from common.sealing import seal, unseal
from common.web import rule_errors_on

NEW_SECRET = "new_secret"  # noqa: S105  (where a session keeps it, sealed, until the app has shown a code)


@require_GET
def second_factor(request: HttpRequest) -> HttpResponse:
    """What stands beside my password, and what may be added."""
    user = me(request)
    factors = list(queries.second_factors_of(user))
    context = {
        "factors": factors,
        "has_app": any(factor.type == authenticators.TYPES.TOTP for factor in factors),
        "codes_left": authenticators.recovery_codes_left(user) if user.has_second_factor else 0,
        "is_needed": user.needs_second_factor,
        "must_add": user.needs_second_factor and not user.has_second_factor,
    }
    return render(request, "accounts/second_factor.html", context)


def _secret(request: HttpRequest) -> str:
    """The secret being shown: the same until an app has taken it, so that a mistyped code needs no new picture."""
    bound_to = f"enrol:{me(request).pk}"
    try:
        return unseal(request.session.get(NEW_SECRET, ""), bound_to=bound_to)
    except KeyringError:
        secret = authenticators.new_secret()
        request.session[NEW_SECRET] = seal(secret, bound_to=bound_to)
        return secret


@confirm_first
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def add_app(request: HttpRequest) -> HttpResponse:
    """Show the picture; the code it leads to proves that the app has it."""
    form = AppForm(request.POST or None)
    secret = _secret(request)
    if request.method == "POST" and form.is_valid():
        with rule_errors_on(form):
            codes = services.add_app(by=me(request), secret=secret, code=form.cleaned_data["code"])
            del request.session[NEW_SECRET]
            messages.success(request, "The authenticator app is added.")
            return _codes_or_list(request, codes)
    context = {
        "form": form,
        "picture": mark_safe(authenticators.picture(me(request), secret)),  # noqa: S308  (our own SVG)
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
    }
    return render(request, "accounts/app_add.html", context, status=422 if form.errors else 200)


@confirm_first
@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def add_key(request: HttpRequest) -> HttpResponse:
    """Ask a security key to make a credential for us."""
    form = KeyForm(request.POST or None, initial={"name": "Security key"})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with rule_errors_on(form):
            codes = services.add_key(by=me(request), name=given["name"], credential=given["credential"])
            messages.success(request, f"“{given['name']}” is added.")
            return _codes_or_list(request, codes)
    context = {"form": form, "key_options": json.dumps(authenticators.begin_key(me(request)))}
    return render(request, "accounts/key_add.html", context, status=422 if form.errors else 200)


def _codes_or_list(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """New recovery codes are shown in this answer only."""
    if not codes:
        return redirect("accounts:second-factor")
    pairs = [f"{code[:4]} {code[4:]}" for code in codes]
    return render(request, "accounts/recovery_codes.html", {"codes": pairs})


@confirm_first
@require_http_methods(["GET", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes and show them, once."""
    if request.method == "GET":  # back after confirming
        return redirect("accounts:second-factor")
    try:
        return _codes_or_list(request, services.make_recovery_codes(by=me(request)))
    except RuleBroken as refused:
        messages.error(request, refused.message)
        return redirect("accounts:second-factor")


@confirm_first
@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove my app or one of my keys."""
    try:
        services.remove_second_factor(by=me(request), authenticator_id=pk)
        messages.success(request, "The second factor is removed.")
    except RuleBroken as refused:
        messages.error(request, refused.message)
    return redirect("accounts:second-factor")
