"""Signing in through the hospital's own sign-on (OpenID Connect), and connecting an account with it."""

import time
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_GET, require_POST

from accounts import queries, services, single_sign_on
from accounts.confirming import confirm_first
from accounts.models import User
from accounts.services.signing_in import FACTOR_ELSEWHERE
from accounts.single_sign_on import Asked, NotBelieved, Provider
from accounts.views import me
from accounts.views.signing_in import after_for, arrived, go_on, next_path
from common.errors import NotFound, RuleBroken

ASKED = "sso_asked"
OFFERED = "sso_offered"
ANSWER_WITHIN_SECONDS = 600

WORDS = {
    "down": "The sign-on of the hospital does not answer just now.",
    "unknown": "The hospital's sign-on knows you, but Chartroom has no account for you. Ask the administrator.",
    "taken": (
        "Chartroom has an account of your user name already. Sign in with its password and connect it to single"
        " sign-on under My account."
    ),
    "no role": "The hospital's sign-on gives you no role in Chartroom. Ask the administrator.",
    "disabled": "Your account in Chartroom is switched off. Ask the administrator.",
    "state": "This answer belongs to no question that was asked from here. Start again.",
    "refused": "The hospital's sign-on did not let you in.",
    "another": "The hospital's sign-on says that you are somebody else. Sign out there and try again.",
}
NOT_RIGHT = "The answer of the hospital's sign-on is not right ({code}): nobody was signed in. Tell the administrator."


def _provider() -> Provider:
    found = single_sign_on.provider()
    if found is None:
        raise NotFound
    return found


def _back(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("accounts:sso-back"))


def _refused(request: HttpRequest, code: str) -> HttpResponse:
    """A clear page, and an event."""
    services.refuse_single_sign_on(code=code)
    words = WORDS.get(code) or NOT_RIGHT.format(code=code)
    status = 503 if code == "down" else 403
    return render(
        request, "accounts/sso_refused.html", {"words": words, "next": next_path(request)}, status=status
    )


def _start(request: HttpRequest, purpose: str) -> HttpResponse:
    asked = Asked.new()
    try:
        address = single_sign_on.address_to_ask(
            _provider(), asked, _back(request), afresh=purpose != "sign in"
        )
    except NotBelieved as error:
        return _refused(request, error.code)
    request.session[ASKED] = {
        **asdict(asked),
        "purpose": purpose,
        "next": next_path(request),
        "of": request.GET.get("of", "")[:40],
        "at": int(time.time()),
    }
    return HttpResponse(status=302, headers={"Location": address})


@login_not_required
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """To the provider, and back to where one wanted to go. Who is signed in confirms that it is still her."""
    return _start(request, "confirm" if request.user.is_authenticated else "sign in")


@confirm_first
@require_GET
def connect(request: HttpRequest) -> HttpResponse:
    """To the provider, to connect my account with what it calls me."""
    return _start(request, "connect")


@login_not_required
@require_GET
def back(request: HttpRequest) -> HttpResponse:
    """The provider's answer, to a question that this browser asked; each is answered once."""
    waiting = request.session.pop(ASKED, None)
    by = _provider()
    state = request.GET.get("state", "")
    is_ours = waiting is not None and constant_time_compare(state, waiting["state"])
    if not is_ours or not 0 <= time.time() - waiting["at"] <= ANSWER_WITHIN_SECONDS:
        return _refused(request, "state")
    if request.GET.get("iss", by.issuer) != by.issuer:  # RFC 9207
        return _refused(request, "issuer")
    if "error" in request.GET or not request.GET.get("code"):
        return _refused(request, "refused")
    asked = Asked(waiting["state"], waiting["nonce"], waiting["verifier"])
    try:
        claims = single_sign_on.claims_for(by, asked, request.GET["code"], _back(request))
        return _go(request, by, claims, waiting)
    except NotBelieved as error:
        return _refused(request, error.code)


def _go(request: HttpRequest, by: Provider, claims: dict[str, Any], waiting: dict[str, Any]) -> HttpResponse:
    """On with what the question was asked for."""
    if waiting["purpose"] != "sign in":
        user = request.user
        is_fresh = claims.get("auth_time", 0) >= waiting["at"] - single_sign_on.LEEWAY_SECONDS
        if not isinstance(user, User) or not is_fresh:
            raise NotBelieved("state" if is_fresh else "expired")
        if waiting["purpose"] == "connect":
            request.session[OFFERED] = {"issuer": by.issuer, "subject": claims["sub"]}
            shown = claims.get(by.username_claim) or claims.get("email") or claims["sub"]
            return render(request, "accounts/sso_connect.html", {"shown": shown, "provider": by})
        if not queries.is_identity_of(user, by.issuer, claims["sub"]):
            raise NotBelieved("another")
        services.note_confirmed(request, by=user)
        return go_on(request, waiting["next"])
    user = services.recognise(by=by, claims=claims)
    given = claims.get("amr", [])
    is_double = bool(set(by.second_factors) & set(given if isinstance(given, list) else []))
    after = after_for(user, waiting["next"], waiting["of"])
    if not is_double:
        return arrived(request, user, after, means="single sign-on")
    services.sign_in(request=request, user=user, means=["single sign-on", *sorted(map(str, given))[:5]])
    request.session[FACTOR_ELSEWHERE] = True
    return redirect(after)


@require_POST
def connected(request: HttpRequest) -> HttpResponse:
    """Yes, that is me there: connect it."""
    offered = request.session.pop(OFFERED, None)
    if offered is None:
        raise NotFound
    try:
        services.connect_identity(by=me(request), **offered)
        messages.success(
            request, "Your account is connected. You can sign in through the hospital's sign-on now."
        )
    except RuleBroken as refused:
        messages.error(request, refused.message)
    return redirect("accounts:account")


@confirm_first
@require_POST
def disconnect(request: HttpRequest) -> HttpResponse:
    """My account is signed in with its password only."""
    try:
        services.disconnect_identity(by=me(request))
        messages.success(request, "Your account is no longer connected.")
    except RuleBroken as refused:
        messages.error(request, refused.message)
    return redirect("accounts:account")
