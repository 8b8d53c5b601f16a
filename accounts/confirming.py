"""Sign in again: pages that ask for it send through /confirm/ and get back what was being done.

    @confirm_first
    def change_something(request): ...

A form that was being sent is kept (sealed, in the session) and sent on after the confirmation. Files are not kept.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from accounts import services
from common.errors import Denied
from common.keyring import KeyringError
from common.sealing import seal, unseal

KEPT = "confirm_kept"
REFUSED = "refused_kept"
MOST_KEPT_BYTES = 100_000
NEVER_KEPT = {"csrfmiddlewaretoken"}

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Kept:
    """A form that waits for the confirmation: where it was going, and its fields in their order."""

    path: str
    fields: list[tuple[str, str]]


def _bound_to(request: HttpRequest) -> str:
    return f"confirm:{request.user.pk}"


def keep(request: HttpRequest, slot: str = KEPT) -> None:
    """Keep the form that is being sent, unless it is larger than a session may be. One form a slot."""
    fields = [
        (name, value) for name, values in request.POST.lists() if name not in NEVER_KEPT for value in values
    ]
    text = json.dumps({"path": request.get_full_path(), "fields": fields})
    if len(text) <= MOST_KEPT_BYTES:
        request.session[slot] = seal(text, bound_to=_bound_to(request))


def take(request: HttpRequest, slot: str = KEPT) -> Kept | None:
    """The form that waits, once; None when there is none."""
    sealed = request.session.pop(slot, "")
    if not sealed:
        return None
    try:
        kept = json.loads(unseal(sealed, bound_to=_bound_to(request)))
    except KeyringError:  # the keys changed meanwhile
        return None
    return Kept(kept["path"], [(name, value) for name, value in kept["fields"]])


class RefusedFormMiddleware:
    """Keeps a form that was refused for want of something its sender can do herself (`Denied.way_on`).

    The page of the refusal says so, and whatever lifts it sends the form on: nothing that was typed is lost.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        refusal = getattr(response, "refusal", None)
        if request.method == "POST" and isinstance(refusal, Denied) and refusal.way_on:
            keep(request, REFUSED)
        return response


def _back(request: HttpRequest) -> str:
    """Where to go on after the confirmation: this address, or the page whose form this is."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    source = request.headers.get("HX-Current-URL", "") or request.headers.get("Referer", "")
    return "/" + source.split("/", 3)[3] if source.count("/") >= 3 else request.get_full_path()


def ask(request: HttpRequest) -> HttpResponse:
    """Send the browser to /confirm/, keeping the form that was being sent."""
    request.session.pop(KEPT, None)
    if request.method == "POST":
        keep(request)
    address = f"{reverse('accounts:confirm')}?{urlencode({'next': _back(request)})}"
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponse(status=303, headers={"Location": address})


def confirm_first(view: View | None = None, *, within_seconds: int | None = None) -> Any:
    """Let the view run only for somebody who signed in or confirmed a short while ago; ask everybody else.

    `within_seconds` replaces CONFIRM_SECONDS for what needs it fresher.
    """

    def decorate(inner: View) -> View:
        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            limit = settings.CONFIRM_SECONDS if within_seconds is None else within_seconds
            if not services.recently_confirmed(request, within_seconds=limit):
                return ask(request)
            return inner(request, *args, **kwargs)

        return guarded

    return decorate(view) if view else decorate
