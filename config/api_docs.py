"""The API described: OpenAPI at /api/schema/, and a page made from it that needs nothing from outside.

Both are for whoever is signed in, with a browser or a token: they hold no patient data, but strangers need not know
which doors a hospital's system has.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from config import openapi  # noqa: F401  (registers how to sign in)

ROOMS = {
    "accounts": "Signing in",
    "patients": "Patients and encounters",
    "records.documents": "Documents",
    "records.capture": "Capture",
    "records.release": "Requests, releases, disclosures",
    "audit.review": "Access log",
    "audit.proof": "Proof of the log",
    "common.jobs": "Background jobs",
    "common.notices": "Notices",
}
EXAMPLES = {
    "uuid": "0198c0de-0000-7000-8000-000000000001",
    "date": "2026-05-03",
    "date-time": "2026-05-03T14:05:00Z",
    "decimal": "12.50",
    "uri": "https://records.example/",
    "email": "ada@records.example",
    "binary": "@scan.pdf",
}
DEEPEST = 3


@dataclass
class Field:
    """A parameter or a field of a body: where it stands, its type in a word, and what it means."""

    name: str
    kind: str
    is_required: bool
    text: str
    place: str = ""


@dataclass
class Answer:
    """A status, what it means, and the fields that come with it."""

    status: str
    text: str
    media: str
    fields: list[Field] = field(default_factory=list)

    @property
    def is_refusal(self) -> bool:
        """Whether it is a problem+json."""
        return self.status >= "4"


@dataclass
class Operation:
    """A method on a path."""

    key: str
    method: str
    path: str
    title: str
    text: str
    parameters: list[Field]
    body: list[Field]
    media: str
    answers: list[Answer]
    curl: str


@dataclass
class Room:
    """The operations of one room."""

    key: str
    title: str
    operations: list[Operation] = field(default_factory=list)


def plain(text: str) -> str:
    """Text without the marks of code."""
    return text.replace("`", "")


class Reader:
    """Reads an OpenAPI document with its references followed."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def follow(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The schema itself, where it is only a reference to one."""
        reference = schema.get("$ref")
        if reference is None and len(schema.get("allOf", [])) == 1:
            reference = schema["allOf"][0].get("$ref")
        if reference is None:
            return schema
        found: dict[str, Any] = self.document["components"]["schemas"][reference.rsplit("/", 1)[1]]
        return {**found, **{key: value for key, value in schema.items() if key not in {"$ref", "allOf"}}}

    def kind(self, schema: dict[str, Any]) -> str:
        """The type in a word: `text`, `date`, `list of uuid`, `one of a, b`."""
        schema = self.follow(schema)
        if schema.get("oneOf"):
            return " or ".join(self.kind(part) for part in schema["oneOf"])
        if schema.get("enum"):
            return "one of " + ", ".join(str(value) for value in schema["enum"] if value not in ("", None))
        if schema.get("type") == "array":
            return f"list of {self.kind(schema.get('items', {}))}"
        word = schema.get("format") or schema.get("type") or "anything"
        return {"string": "text", "object": "object", "binary": "file"}.get(word, str(word))

    def fields(self, schema: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[Field]:
        """The fields of an object, those of objects inside it below with dotted names."""
        schema = self.follow(schema)
        if schema.get("type") == "array":
            yield from self.fields(schema.get("items", {}), f"{prefix}[]." if prefix else "[].", depth)
            return
        required = schema.get("required", [])
        for name, part in schema.get("properties", {}).items():
            whole = self.follow(part)
            text = whole.get("description", "") if part is not whole or "$ref" not in part else ""
            yield Field(f"{prefix}{name}", self.kind(part), name in required, plain(text))
            inner = self.follow(whole.get("items", {})) if whole.get("type") == "array" else whole
            if inner.get("properties") and depth < DEEPEST:
                mark = "[]" if whole.get("type") == "array" else ""
                yield from self.fields(inner, f"{prefix}{name}{mark}.", depth + 1)

    def example(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """A plausible value; of an object only what is required."""
        schema = self.follow(schema)
        if "example" in schema:
            return schema["example"]
        if schema.get("oneOf"):
            return self.example(schema["oneOf"][0], depth)
        if schema.get("enum"):
            return schema["enum"][0]
        kind = schema.get("type")
        if kind == "array":
            return [self.example(schema.get("items", {}), depth + 1)]
        if kind == "object" or "properties" in schema:
            required = schema.get("required", [])
            properties = schema.get("properties", {})
            chosen = required or list(properties)[:1]
            return {name: self.example(properties[name], depth + 1) for name in chosen if depth < DEEPEST}
        if kind in {"integer", "number"}:
            return schema.get("minimum", 1)
        if kind == "boolean":
            return True
        return EXAMPLES.get(schema.get("format", ""), "text")

    def parameters(self, operation: dict[str, Any]) -> list[Field]:
        """What stands in the path, the query and the headers."""
        return [
            Field(
                item["name"],
                self.kind(item.get("schema", {})),
                item.get("required", False),
                plain(item.get("description", "")),
                item["in"],
            )
            for item in operation.get("parameters", [])
        ]

    def body(self, operation: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Media type and schema of what is sent: JSON where it may be, or a form where there is a file."""
        content = operation.get("requestBody", {}).get("content", {})
        for media in ("multipart/form-data", "application/json"):
            schema = content.get(media, {}).get("schema")
            if schema is not None:
                has_file = any(item.kind == "file" for item in self.fields(schema))
                if media == "application/json" or has_file or len(content) == 1:
                    return media, schema
        return "", {}

    def curl(self, method: str, path: str, operation: dict[str, Any]) -> str:
        """A command that can be pasted; $CHARTROOM and $TOKEN are set at the head of the page."""
        for item in operation.get("parameters", []):
            if item["in"] == "path":
                path = path.replace("{" + item["name"] + "}", str(self.example(item.get("schema", {}))))
        lines = [f'curl "$CHARTROOM{path}"']
        if method != "GET":
            lines[0] = f'curl -X {method} "$CHARTROOM{path}"'
        if operation.get("security") not in ([], [{}], None):
            lines.append('-H "Authorization: Bearer $TOKEN"')
        media, schema = self.body(operation)
        if media == "application/json":
            lines.append("-H 'Content-Type: application/json'")
            lines.append(f"-d '{json.dumps(self.example(schema))}'")
        elif media:
            given = self.example(schema)
            lines += [f"-F '{name}={value}'" for name, value in given.items()]
        return " \\\n  ".join(lines)

    def answers(self, operation: dict[str, Any]) -> list[Answer]:
        """Each status it may answer with."""
        found = []
        for status, answer in operation["responses"].items():
            contents: dict[str, Any] = answer.get("content", {})
            media = next(iter(contents), "")
            content: dict[str, Any] = contents.get(media, {})
            fields = [] if status >= "4" else list(self.fields(content.get("schema", {})))
            found.append(Answer(status, plain(answer.get("description", "")), media, fields))
        return found

    def operation(self, method: str, path: str, operation: dict[str, Any]) -> Operation:
        """One method on a path, for the page."""
        title, _, rest = operation.get("description", "").strip().partition("\n")
        media, schema = self.body(operation)
        return Operation(
            key=operation["operationId"],
            method=method,
            path=path,
            title=plain(operation.get("summary") or title),
            text=plain(rest.strip()),
            parameters=self.parameters(operation),
            body=list(self.fields(schema)),
            media=media,
            answers=self.answers(operation),
            curl=self.curl(method, path, operation),
        )


class SchemaView(SpectacularAPIView):
    """The OpenAPI document."""

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """The document is YAML unless JSON is asked for; a refusal is JSON like any other."""
        answer: Response = super().finalize_response(request, response, *args, **kwargs)
        if answer.status_code >= 400:
            answer.accepted_renderer = JSONRenderer()
        return answer


def document() -> dict[str, Any]:
    """The OpenAPI document as a dict."""
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return found


@cache
def rooms() -> tuple[Room, ...]:
    """Every operation by room, in the order of the house; made once per process."""
    reader = Reader(document())
    found = {key: Room(key.replace(".", "-"), title) for key, title in ROOMS.items()}
    for path, operations in reader.document["paths"].items():
        for method, operation in operations.items():
            key = operation["tags"][0]
            room = found.setdefault(key, Room(key.replace(".", "-"), key))
            room.operations.append(reader.operation(method.upper(), path, operation))
    return tuple(room for room in found.values() if room.operations)


@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """The same for people: no script, no outside file."""
    context = {"rooms": rooms(), "site": f"{request.scheme}://{request.get_host()}"}
    return render(request, "api/docs.html", context)
