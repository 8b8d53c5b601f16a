"""What the OpenAPI document says beside what the views say themselves: how to sign in, and how refusals look."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from common.api import TITLES

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem details. Programs match on `code`; it never names a patient.",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": {"type": "string", "example": "about:blank"},
        "title": {"type": "string", "example": TITLES[422]},
        "status": {"type": "integer", "example": 422},
        "detail": {"type": "string", "description": "What to do, for a person."},
        "code": {"type": "string", "description": "`chart_denied`, `role`, `stale`, or the ID of a rule."},
        "errors": {
            "type": "object",
            "description": "Texts by field.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
WORDS = {
    400: "A parameter or field is missing, unknown or malformed.",
    401: "No credentials, or bad ones.",
    403: "Your role or this chart's rules do not allow it; the attempt is in the access log.",
    404: "There is no such thing, or none that you may know of.",
    409: "It is in a state, or was changed meanwhile so, that this cannot happen now.",
    413: "Larger than Chartroom takes.",
    415: "A kind of file that Chartroom does not take.",
    422: "A rule of law or of the record refuses; `code` is the rule's ID.",
    429: "Too many attempts; `Retry-After` says how many seconds to wait.",
    503: "Not available now, nothing was done or shown; try again after `Retry-After` seconds.",
}


class BearerScheme(OpenApiAuthenticationExtension):
    """A program's token from POST /tokens/."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """`Authorization: Bearer TOKEN`."""
        return {"type": "http", "scheme": "bearer", "description": "A token from POST /api/v1/tokens/."}


class BrowserScheme(OpenApiAuthenticationExtension):
    """A signed-in browser."""

    target_class = "accounts.authentication.BrowserAuthentication"
    name = "browser"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """The session's cookie; changes need the CSRF token too."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "chartroom_session",
            "description": "The browser's session; changes need the header X-CSRFToken too.",
        }


# What a query or a body may name and that may not be there.
NAMED = {"patient", "encounter", "document", "documents"}


def _names_something(operation: dict[str, Any], schemas: dict[str, Any]) -> bool:
    names = {parameter["name"] for parameter in operation.get("parameters", [])}
    for body in operation.get("requestBody", {}).get("content", {}).values():
        shape = body.get("schema", {})
        shape = schemas.get(shape.get("$ref", "").rpartition("/")[2], shape)
        names |= set(shape.get("properties", {}))
    return bool(names & NAMED)


def refusals_of(path: str, method: str, operation: dict[str, Any], schemas: dict[str, Any]) -> list[int]:
    """The statuses by which this operation may refuse."""
    bodies = operation.get("requestBody", {}).get("content", {})
    found = {503}
    if operation.get("security") != [{}] and operation.get("security") != []:
        found |= {401, 403}
    if operation.get("parameters") or bodies:
        found.add(400)
    if "{" in path or _names_something(operation, schemas):
        found.add(404)
    if method in {"post", "put", "patch"}:
        found |= {409, 422}
    if "multipart/form-data" in bodies:
        found |= {413, 415, 429}
    if path.endswith("/search/"):
        found.add(422)  # nothing is left of the words to look for
    if path.endswith("/tokens/"):
        found = {400, 401, 403, 429, 503}  # 403: a stranger sends a file
    return sorted(found)


def add_refusals(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Every operation says how it refuses: one shape, one media type."""
    schemas = result["components"].setdefault("schemas", {})
    schemas["Problem"] = PROBLEM
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for status in refusals_of(path, method, operation, schemas):
                operation["responses"][str(status)] = {
                    "description": WORDS[status],
                    "content": {
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                    },
                }
            operation["responses"] = dict(sorted(operation["responses"].items()))
    return result
