"""A field that nobody knows is refused by name, wherever a body is taken; what API.md names is known everywhere."""

import json
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from common.api import Nothing, valid
from config.api_docs import document
from patients import serializers as patients
from records.documents.serializers import FileSerializer
from records.release import shapes as release
from tests.architecture import scene
from tests.architecture.scene import Scene, browser

CONTRACT: dict[type[serializers.Serializer[Any]], str] = {
    patients.RegisterIn: "family given middle suffix birth_date sex identifiers telecoms addresses aliases"
    " override_duplicates",
    patients.ChangeIn: "family given middle suffix birth_date sex identifiers telecoms addresses aliases",
    patients.EncounterIn: "patient kind location attending start end number",
    FileSerializer: "file patient type service_date encounter title labels",
    release.LogRequestSerializer: "patient kind requester purpose received_on channel scope delivery",
    release.RequesterSerializer: "name organization address phone email fax",
    release.ScopeSerializer: "from to types everything",
    release.DeliverySerializer: "method format",
    release.EvidenceSerializer: "kind file description discloser recipient purpose expires_on expires_event"
    " signed_on signed_by authority right_to_revoke no_conditioning redisclosure part2 psychotherapy"
    " method seen_on route documents objection_deadline objections court issued_on scope",
    release.SelectSerializer: "documents",
}


@pytest.mark.parametrize("shape", CONTRACT, ids=lambda shape: shape.__name__)
def test_the_contracts_own_fields_are_known(shape: type[serializers.Serializer[Any]]) -> None:
    assert set(CONTRACT[shape].split()) <= set(shape().fields)


def refusal(shape: type[serializers.Serializer[Any]], data: Any, **more: Any) -> dict[str, Any]:
    with pytest.raises(ValidationError) as refused:
        valid(shape, data, **more)
    return dict(refused.value.detail)  # type: ignore[arg-type]


def test_every_unknown_name_is_told_at_once_with_the_other_faults() -> None:
    body = {
        "family": "Quill",
        "birth_dat": "1961-04-09",
        "telecoms": [{"system": "phone", "value": "1"}, {"system": "phone", "value": "2", "us": "home"}],
        "sex": "female",
    }
    refused = refusal(patients.RegisterIn, body)
    assert set(refused) == {"birth_dat", "telecoms.1.us", "given", "birth_date"}
    assert refused["birth_dat"] == ["There is no such field."]
    assert set(refusal(patients.ChangeIn, {"famly": "Quill"}, partial=True)) == {"famly"}
    nested = {"requester": {"nmae": "Ada"}, "scope": {"from": "2026-01-01", "until": "2026-02-01"}}
    assert set(refusal(release.ChangeRequestSerializer, nested, partial=True)) == {
        "requester.nmae",
        "scope.until",
    }


@pytest.mark.parametrize("body", [[], "text", 7, None, [{"family": "Quill"}]])
def test_a_body_that_is_no_object_is_refused_as_before(body: Any) -> None:
    assert refusal(patients.RegisterIn, body)


def test_a_command_without_a_body_takes_none() -> None:
    assert valid(Nothing, {}) == {}
    assert set(refusal(Nothing, {"force": True})) == {"force"}


def _takes_json(operation: dict[str, Any]) -> bool:
    return "application/json" in operation.get("requestBody", {}).get("content", {})


def test_every_operation_that_takes_a_body_names_what_it_does_not_know(db: None) -> None:
    """The whole API, from its own description: 400 with the field, or a refusal that comes before the body is read."""
    here: Scene = scene.make()
    routes = {f"/{route.text}": route for route in scene.routes() if route.is_api}
    asked, named = 0, []
    for path, operations in document()["paths"].items():
        route = next(
            route
            for text, route in routes.items()
            if text.replace("<", "{").replace(">", "}") == path or _same(text, path)
        )
        for method in ("post", "patch"):
            if not _takes_json(operations.get(method, {})):
                continue
            asked += 1
            for person in ("records_supervisor", "roi_specialist"):
                answer = getattr(browser(here.people[person]), method)(
                    here.address(route), json.dumps({"no_such_field": 1}), content_type="application/json"
                )
                if answer.status_code == 400 and "no_such_field" in answer.json()["errors"]:
                    named.append((method, path))
                    break
            else:
                pytest.fail(f"{method} {path}: {answer.status_code} {answer.content[:200]!r}")
    assert asked >= 8
    assert len(named) == asked


def _same(text: str, path: str) -> bool:
    """Whether a route and a path of the description are the same, whatever their parts are called."""
    ours, theirs = text.strip("/").split("/"), path.strip("/").split("/")
    return len(ours) == len(theirs) and all(
        one == other or (one.startswith("<") and other.startswith("{"))
        for one, other in zip(ours, theirs, strict=True)
    )
