"""Middleware with no hospital words in it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from common.api import problem_response, wants_json

GetResponse = Callable[[HttpRequest], HttpResponse]


class BrowserPolicyMiddleware:
    """What no page of ours uses of a browser it may not use, and no other site may embed anything of ours.

    An answer of the API is no page: a browser that is led there saves it and shows nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Permissions-Policy"] = settings.PERMISSIONS_POLICY
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        if "json" in response.get("Content-Type", "") and wants_json(request):
            response.setdefault("Content-Disposition", 'attachment; filename="answer.json"')
        return response


class NoStoreMiddleware:
    """Nothing that may show a patient is kept by a browser or a proxy; static files are the exception."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response


MAX_ADDRESS = 4_000
TOO_LONG = "This address is longer than Chartroom reads. Nothing was done. Ask a shorter question."


class LongAddressMiddleware:
    """Refuses an address beyond what any page of ours has, before a part of it is looked at."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if len(request.META.get("QUERY_STRING", "")) + len(request.path) <= MAX_ADDRESS:
            return self.get_response(request)
        if wants_json(request):
            return problem_response(414, "address_too_long", TOO_LONG)
        return render(request, "errors/414.html", {"text": TOO_LONG}, status=414)


def too_long_unread() -> bytes:
    """The same page as a whole answer, for an address so long that the server did not read it to its end."""
    page = render_to_string("errors/414.html", {"text": TOO_LONG}).encode()
    head = (
        "HTTP/1.1 414 URI Too Long\r\nConnection: close\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Cache-Control: no-store\r\nContent-Length: {len(page)}\r\n\r\n"
    )
    return head.encode() + page


class NotAllowedPageMiddleware:
    """An empty 405 becomes a page that says so: somebody came back to an address that only takes a form."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.streaming or response.content or wants_json(request):
            return response
        page = render(request, "errors/405.html", status=405)
        page["Allow"] = response["Allow"]
        return page
