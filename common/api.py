"""The shape of the API (API.md): problem details, cursor paging, strict parameters, idempotent POST."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import DatabaseError, transaction
from django.http import Http404, HttpRequest, JsonResponse
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import exceptions, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.serializer_helpers import ReturnDict
from rest_framework.views import APIView

from common.errors import Refusal, RulesBroken, TooMany
from common.once import claim

FORM_PART = re.compile(r"[.\[]")
TITLES = {
    400: "Bad request",
    401: "Sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    414: "Address too long",
    415: "Unsupported kind",
    422: "Refused by a rule",
    429: "Too many requests",
    503: "Not available now",
}


TWICE = "Give this once: which of several values counts is told by nobody."


def problem_body(
    status: int, code: str, detail: str, errors: dict[str, list[str]] | None = None
) -> dict[str, Any]:
    """RFC 9457 problem details with our `code` and `errors` by field."""
    return {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": errors or {},
    }


def problem_response(status: int, code: str, detail: str) -> JsonResponse:
    """The same outside the REST framework's views."""
    return JsonResponse(
        problem_body(status, code, detail), status=status, content_type="application/problem+json"
    )


def _flat(detail: Any, field: str = "non_field_errors") -> dict[str, list[str]]:
    """DRF's nested error details as {field: [text]}, nested names joined with dots."""
    if isinstance(detail, dict):
        flat: dict[str, list[str]] = {}
        for key, value in detail.items():
            name = str(key) if field == "non_field_errors" else f"{field}.{key}"
            flat.update(_flat(value, name))
        return flat
    if isinstance(detail, list):
        texts = [str(item) for item in detail if not isinstance(item, (dict, list))]
        flat = {field: texts} if texts else {}
        for position, item in enumerate(detail):
            if isinstance(item, (dict, list)):
                flat.update(_flat(item, f"{field}.{position}"))
        return flat
    return {field: [str(detail)]}


def problem(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler: every refusal as application/problem+json. None lets a true fault be a 500."""
    headers: dict[str, str] = {}
    extra: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    if isinstance(exc, Refusal):
        status, code, detail = exc.status, exc.code, exc.message
        if exc.field:
            errors = {exc.field: [exc.message]}
        if isinstance(exc, RulesBroken):
            errors = {}
            for rule, text in exc.broken:
                errors.setdefault(rule, []).append(text)
        extra = getattr(exc, "extra", {})
    elif isinstance(exc, exceptions.ValidationError):
        status, code, detail = 400, "invalid", "Some fields need correcting."
        errors = _flat(exc.detail)
    elif isinstance(exc, exceptions.APIException):
        status, code, detail = exc.status_code, str(exc.default_code), str(exc.detail)
        if isinstance(exc, (exceptions.NotAuthenticated, exceptions.AuthenticationFailed)):
            headers["WWW-Authenticate"] = 'Bearer realm="chartroom"'
            status = 401
        wait = getattr(exc, "wait", None)
        if wait:
            headers["Retry-After"] = str(int(wait) + 1)
    elif isinstance(exc, Http404):
        status, code, detail = 404, "not_found", "There is no such thing, or it is not yours to see."
    elif isinstance(exc, (RequestDataTooBig, TooManyFieldsSent)):
        status, code, detail = 413, "too_large", "The request is larger than Chartroom takes."
    elif isinstance(exc, DatabaseError):
        status, code, detail = (
            503,
            "unavailable",
            "The record could not be written or read. Nothing was changed.",
        )
    else:
        return None
    if isinstance(exc, TooMany):
        headers["Retry-After"] = str(exc.wait)
    if status == 503:
        headers["Retry-After"] = "30"
    return Response(
        {**problem_body(status, code, detail, errors), **extra},
        status=status,
        headers=headers,
        content_type="application/problem+json",
    )


def valid(
    serializer: type[serializers.Serializer[Any]], data: Any, *, partial: bool = False, **context: Any
) -> dict[str, Any]:
    """`data` checked by the serializer's shape, as keyword arguments. Raises ValidationError (400).

    A field that the shape does not know is refused: a misspelt `birth_dat` that is silently left out is a date lost.
    """
    checked = serializer(data=data, partial=partial, context=context)
    wrong = {name: ["There is no such field."] for name in _unknown(checked, data)}
    wrong |= {name: [TWICE] for name in _twice(data) if not _takes_many(checked.fields.get(name))}
    if not checked.is_valid() or wrong:
        raise exceptions.ValidationError({**_flat(checked.errors), **wrong})
    return dict(cast("ReturnDict[str, Any]", checked.validated_data))


def _twice(data: Any) -> list[str]:
    """Names that a form or a query gives more than one value."""
    return [name for name, values in data.lists() if len(values) > 1] if hasattr(data, "lists") else []


def _takes_many(field: Any) -> bool:
    return isinstance(
        field, serializers.ListField | serializers.ListSerializer | serializers.MultipleChoiceField
    )


def _unknown(field: Any, data: Any, at: str = "") -> Iterator[str]:
    """Names in `data` that `field` does not know, at any depth, with dots between."""
    if isinstance(field, serializers.Serializer) and isinstance(data, Mapping):
        for name, value in data.items():
            # What a form posts names parts of a list or object in the key: `labels[0]`, `delivery.method`.
            known = field.fields.get(FORM_PART.split(name, 1)[0] if hasattr(data, "lists") else name)
            if known is None:
                yield f"{at}{name}"
            else:
                yield from _unknown(known, value, f"{at}{name}.")
    elif isinstance(field, serializers.ListSerializer | serializers.ListField) and isinstance(data, list):
        for number, item in enumerate(data):
            yield from _unknown(field.child, item, f"{at}{number}.")


class Nothing(serializers.Serializer[Any]):
    """The body of a command that takes none."""


def listed(row: type[serializers.BaseSerializer[Any]]) -> serializers.Serializer[Any]:
    """The shape of a list's answer, for the OpenAPI document: `next`, `previous` and `results`."""
    return inline_serializer(
        f"{row.__name__.removesuffix('Serializer').removesuffix('Out')}List",
        {
            "next": serializers.URLField(allow_null=True),
            "previous": serializers.URLField(allow_null=True),
            "results": row(many=True),
        },
    )


def _fingerprint(request: Request) -> str:
    """What this call asks for: same key and same fingerprint means the same call."""
    digest = hashlib.sha256(f"{request.method} {request.path}".encode())
    data = request.data
    if hasattr(data, "lists"):
        for name, values in sorted(data.lists()):
            for value in values:
                shown = getattr(value, "sha256", None) or getattr(value, "size", None) or value
                digest.update(f"\0{name}={shown}".encode())
    else:
        digest.update(json.dumps(data, sort_keys=True, default=str).encode())
    return digest.hexdigest()


Replayed = Callable[[Request, Any], None]
_replay_listeners: list[Replayed] = []


def on_replay(listener: Replayed) -> None:
    """Have `listener(request, data)` called before a kept answer is given again: it shows somebody something."""
    _replay_listeners.append(listener)


class Endpoint(APIView):
    """Base of every API view: strict query parameters and `Idempotency-Key` on POST.

    `queries` gives, per action (or method name), the serializer of its query parameters; whatever is not in
    it is refused (400). The checked values are in `self.query`.
    """

    queries: dict[str, type[serializers.Serializer[Any]]] = {}
    query: dict[str, Any]
    repeated: frozenset[str] = (
        frozenset()
    )  # parameters that may be given more than once: lists in the serializer
    keeps_answers = True  # for Idempotency-Key; False where the answer must not be kept

    def query_serializer(self) -> type[serializers.Serializer[Any]] | None:
        """The serializer of this action's query parameters, if it takes any."""
        action = getattr(self, "action", None) or str(self.request.method).lower()
        return self.queries.get(action)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, then check what was asked before any row is read."""
        super().initial(request, *args, **kwargs)
        shape = self.query_serializer()
        known = set(shape().fields) if shape else set()
        paged = getattr(self, "action", "") == "list" or getattr(self, "is_list", False)
        extra = {"cursor", "page_size"} if paged else set()
        unknown = set(request.query_params) - known - extra
        wrong = {name: ["There is no such parameter."] for name in sorted(unknown)}
        wrong |= {name: [TWICE] for name in _twice(request.query_params) if name not in self.repeated}
        if wrong:
            raise exceptions.ValidationError(wrong)
        given = {
            name: request.query_params.getlist(name) if name in self.repeated else value
            for name, value in request.query_params.items()
            if name in known and value != ""
        }
        self.query = valid(shape, given) if shape else {}
        if request.method == "POST" and self.keeps_answers and request.headers.get("Idempotency-Key"):
            handler = getattr(self, "post")  # noqa: B009  (set per instance by the router)
            setattr(self, "post", partial(self._post_once, handler))  # noqa: B010  (subclasses type it)

    def _post_once(self, handler: Callable[..., Any], request: Request, *args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            key = f"api:{request.headers['Idempotency-Key']}"
            row, is_new = claim(cast(UUID, request.user.pk), key, _fingerprint(request))
            if not is_new:
                data = json.loads(row.answer or "null")
                for listener in _replay_listeners:
                    listener(request, data)
                return Response(data, status=row.status)
            response = handler(request, *args, **kwargs)
            if response.status_code >= 400:
                row.delete()  # nothing was done: the same key may try again
            elif isinstance(response, Response):
                row.status = response.status_code
                row.answer = JSONRenderer().render(response.data).decode()
                row.save(update_fields=["status", "answer"])
            return response


PAGING = [
    OpenApiParameter("cursor", str, description="From `next` or `previous` of a list; opaque."),
    OpenApiParameter("page_size", int, description="1 to 200; 25 when left out."),
]


class Schema(AutoSchema):
    """Documents the query parameters that `Endpoint` checks: one declaration for both."""

    def get_tags(self) -> list[str]:
        """The room: `records.documents`, `accounts`."""
        module = type(self.view).__module__.split(".api.")[0]
        room, _, last = module.rpartition(".")
        return [room if last == "api" or last.endswith("_api") else module]

    def get_operation_id(self) -> str:
        """A GET of a collection is a list, however its view is written."""
        name: str = super().get_operation_id()
        if self.method == "GET" and not self.path.endswith("}/") and self.path.strip("/").count("/") == 2:
            return name.removesuffix("_retrieve").removesuffix("_list") + "_list"
        return name

    def get_override_parameters(self) -> list[Any]:
        """Query parameters of this action, and the headers every call may carry."""
        given: list[Any] = list(super().get_override_parameters())
        view = self.view
        if isinstance(view, Endpoint):
            action = getattr(view, "action", None) or self.method.lower()
            shape = view.queries.get(action)
            if shape is not None:
                given.append(shape)
            if self.method == "GET" and getattr(view, "is_list", False):
                given += PAGING
            if self.method == "POST" and view.keeps_answers:
                given.append(
                    OpenApiParameter(
                        "Idempotency-Key",
                        str,
                        OpenApiParameter.HEADER,
                        description="Same key and body: same answer, no second effect.",
                    )
                )
        return given


def wants_json(request: HttpRequest) -> bool:
    """Whether this request came to the API rather than to a page; the API's description is a page."""
    return request.path.startswith("/api/") and not request.path.startswith("/api/docs/")
