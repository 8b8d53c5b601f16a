"""Request reference, audit context, and refusals: what every request passes before a view sees it."""

import hashlib
import ipaddress
import logging
import re
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.crypto import salted_hmac

from audit import context, refusals
from common import ids
from common.api import problem_response, wants_json
from common.errors import Refusal, TooMany, Unavailable

logger = logging.getLogger("chartroom.requests")
GetResponse = Callable[[HttpRequest], HttpResponse]

REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
# HL7 v3 ActReason codes a request may give as its purpose of use.
PURPOSES = frozenset(
    "TREAT ETREAT BTG HPAYMT COVERAGE HOPERAT RECORDMGT HLEGAL HCOMPL PATRQT FAMRQT PWATRNY SUPNWK PUBHLTH"
    " HRESCH DECSD THREAT HSYSADMIN".split()
)


def client_address(request: HttpRequest) -> str | None:
    """The caller's address. X-Forwarded-For counts only as far as trusted proxies wrote it, from the right."""
    trusted = settings.TRUSTED_PROXIES
    hops = [request.META.get("REMOTE_ADDR", "")]
    hops += reversed([hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")])
    address: str | None = None
    for hop in hops:
        try:
            parsed = ipaddress.ip_address(hop)
        except ValueError:
            return address
        parsed = getattr(parsed, "ipv4_mapped", None) or parsed
        address = str(parsed)
        if not any(parsed in network for network in trusted):
            return address
    return address


def session_digest(key: str | None) -> str:
    """Tells sessions apart in the log and opens none."""
    return salted_hmac("chartroom.session", key).hexdigest()[:16] if key else ""


def token_digest(header: str) -> str:
    """The same for an API token."""
    return hashlib.sha256(header.encode("utf-8", "replace")).hexdigest()[:16] if header else ""


class RequestIdMiddleware:
    """Every request has a reference, the caller's own when it is well formed; the answer carries it."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        reference = given if REFERENCE.match(given) else ids.reference()
        request.reference = reference  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-ID"] = reference
        return response


class ContextMiddleware:
    """Puts what the request says of itself into `audit.context` for the time of the request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        purpose = request.headers.get("X-Purpose-Of-Use", "").strip().upper()
        token = request.headers.get("Authorization", "")
        session = session_digest(request.session.session_key)
        with context.use(
            context.Context(
                channel="api" if wants_json(request) else "web",
                session=token_digest(token) if token else session,
                ip=client_address(request),
                request_id=getattr(request, "reference", ""),
                purpose=purpose if purpose in PURPOSES else "",
            )
        ):
            return self.get_response(request)


class RefusalMiddleware:
    """Turns refusals into pages, after writing the event of a denied look. API views answer for themselves."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """An answer for a refusal or a database fault; None leaves true faults to the 500 page."""
        if isinstance(exception, DatabaseError):
            logger.error(
                "Database fault at %s: %s",
                request.resolver_match and request.resolver_match.view_name,
                type(exception).__name__,
            )
            refusal: Refusal = Unavailable(
                "The record could not be read or written just now. Nothing was changed. Try again in a minute."
            )
        elif isinstance(exception, Refusal):
            refusal = exception
        else:
            return None
        try:
            refusals.note(refusal, request.user if request.user.is_authenticated else None, path=request.path)
        except DatabaseError:
            refusal = Unavailable("The access log cannot be written just now, so nothing is shown.")
        if wants_json(request):
            return problem_response(refusal.status, refusal.code, refusal.message)
        page = refusal_page(request, refusal)
        page.refusal = refusal  # type: ignore[attr-defined]  # for middleware above
        return page


def refusal_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page for a refusal: what happened, what to do, a reference; no patient data."""
    response = render(request, "errors/refusal.html", {"refusal": refusal}, status=refusal.status)
    if refusal.status == 503:
        response["Retry-After"] = "30"
    if isinstance(refusal, TooMany):
        response["Retry-After"] = str(refusal.wait)
    return response
