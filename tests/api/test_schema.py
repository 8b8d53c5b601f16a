"""The OpenAPI document: valid, whole, and true."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from accounts import services
from accounts.models import User
from accounts.roles import Role
from config.api_docs import ROOMS, document
from tests.factories import make_user

Api = Callable[[User], APIClient]


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            yield method, path, operation


def test_it_is_valid_and_nothing_was_guessed() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=io.StringIO())


def _routes(resolver: URLResolver | URLPattern, prefix: str = "") -> Iterator[str]:
    here = prefix + str(resolver.pattern).removeprefix("^/")
    if isinstance(resolver, URLPattern):
        yield here
        return
    for inner in resolver.url_patterns:
        yield from _routes(inner, here)


def test_every_route_of_the_api_is_in_it() -> None:
    described = {path.strip("/").count("/") for path in document()["paths"]}
    assert described
    routes = [route for route in _routes(get_resolver()) if route.startswith("api/v1/")]
    assert len(set(routes)) == len(document()["paths"])


def test_every_list_has_its_envelope() -> None:
    for method, path, operation in _operations():
        for answer in operation["responses"].values():
            for body in answer.get("content", {}).values():
                assert body["schema"].get("type") != "array", (method, path)


def test_every_list_that_pages_says_how() -> None:
    paged = {path for _, path, operation in _operations() if "cursor" in str(operation.get("parameters"))}
    assert {path.removeprefix("/api/v1/") for path in paged} == {
        "audit/alerts/", "audit/events/", "audit/fhir/AuditEvent", "documents/", "encounters/", "notices/",
        "patients/{patient_id}/disclosures/", "patients/{patient_id}/history/", "requests/",
    }  # fmt: skip


def test_a_stranger_is_refused_in_json_and_a_person_goes_to_sign_in(client: Client) -> None:
    refused = client.get("/api/schema/")
    assert (refused.status_code, refused["Content-Type"]) == (401, "application/problem+json")
    assert json.loads(refused.content)["code"] == "not_authenticated"
    page = client.get("/api/docs/")
    assert (page.status_code, page["Location"]) == (302, "/sign-in/?next=%2Fapi%2Fdocs%2F")


def test_every_refusal_is_a_problem() -> None:
    for method, path, operation in _operations():
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "4"}
        assert "503" in refusals, (method, path)
        for answer in refusals.values():
            assert list(answer["content"]) == ["application/problem+json"], (method, path)
        if "{" in path:
            assert "404" in refusals, (method, path)


def test_every_operation_but_signing_in_needs_credentials() -> None:
    for method, path, operation in _operations():
        if path == "/api/v1/tokens/":
            assert not any(operation.get("security", []))
        else:
            assert {"bearer": []} in operation["security"], (method, path)
            assert "401" in operation["responses"], (method, path)


def test_every_operation_says_what_it_does_and_belongs_to_a_room() -> None:
    names = [operation["operationId"] for _, _, operation in _operations()]
    assert len(names) == len(set(names))
    for method, path, operation in _operations():
        assert operation.get("description"), (method, path)
        assert operation["tags"][0] in ROOMS, (method, path)


def test_a_secret_is_in_no_answer_but_the_token() -> None:
    for name, schema in document()["components"]["schemas"].items():
        fields = set(schema.get("properties", {}))
        assert not fields & {"digest", "secret", "key"}, name
        assert "password" not in fields or "Credentials" in name


def test_strangers_do_not_get_it(db: None) -> None:
    assert APIClient().get("/api/schema/").status_code == 401
    assert Client().get("/api/docs/").status_code in {302, 401}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
def test_whoever_is_signed_in_gets_it(role: Role, api: Api, db: None) -> None:
    accept = "application/vnd.oai.openapi+json"
    answer = api(make_user(role)).get("/api/schema/", headers={"Accept": accept})
    assert answer.status_code == 200
    assert json.loads(answer.content)["openapi"].startswith("3.")


def test_a_program_gets_it_with_its_token(clerk: User) -> None:
    text, _ = services.issue_token(by=clerk, user=clerk)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    answer = client.get("/api/schema/")
    assert answer.status_code == 200
    assert b"/api/v1/me/" in answer.content
