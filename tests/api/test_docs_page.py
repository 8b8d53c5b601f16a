"""The page that describes the API: whole, without scripts, and its examples work."""

import re
import shlex
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts import services
from accounts.models import User
from config.api_docs import Reader, document, rooms

Browse = Callable[[User], Client]


def test_every_operation_is_on_the_page_with_an_example(clerk: User, browse: Browse) -> None:
    page = unescape(browse(clerk).get("/api/docs/").content.decode())
    operations = [operation for room in rooms() for operation in room.operations]
    described = [(m, p) for p, methods in document()["paths"].items() for m in methods]
    assert len(operations) == len(described) > 20
    for operation in operations:
        assert f'id="{operation.key}"' in page
        assert f'href="#{operation.key}"' in page
        assert operation.curl in page


def test_it_needs_nothing_from_outside_and_no_script_of_its_own(clerk: User, browse: Browse) -> None:
    answer = browse(clerk).get("/api/docs/")
    page = answer.content.decode()
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\sstyle=|\son\w+=", page)
    assert not re.search(r'(?:src|href)="https?://', page)


def test_ids_are_there_once(clerk: User, browse: Browse) -> None:
    ids = re.findall(r'\sid="([^"]+)"', browse(clerk).get("/api/docs/").content.decode())
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("operation", ["me_retrieve", "patients_search", "documents_list", "requests_list"])
def test_an_example_can_be_pasted(operation: str, clerk: User) -> None:
    """What curl would send is what the API takes."""
    text, _ = services.issue_token(by=clerk, user=clerk)
    found = next(one for room in rooms() for one in room.operations if one.key == operation)
    words = shlex.split(found.curl.replace("\\\n", " "))
    assert words[0] == "curl"
    address = next(word for word in words if word.startswith("$CHARTROOM")).removeprefix("$CHARTROOM")
    header = words[words.index("-H") + 1].replace("$TOKEN", text)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=header.removeprefix("Authorization: "))
    assert client.get(address).status_code == 200


def test_examples_quote_for_the_shell() -> None:
    for room in rooms():
        for operation in room.operations:
            words = shlex.split(operation.curl.replace("\\\n", " "))
            assert words[0] == "curl"
            assert "{" not in next(word for word in words if word.startswith("$CHARTROOM"))


def test_references_nested_objects_and_lists_are_followed() -> None:
    reader = Reader(
        {
            "components": {
                "schemas": {
                    "Inner": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
                    "Outer": {
                        "type": "object",
                        "required": ["one"],
                        "properties": {
                            "one": {"allOf": [{"$ref": "#/components/schemas/Inner"}], "description": "it"},
                            "many": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
                        },
                    },
                }
            }
        }
    )
    outer = {"$ref": "#/components/schemas/Outer"}
    found = {item.name: (item.kind, item.is_required, item.text) for item in reader.fields(outer)}
    assert found == {
        "one": ("object", True, "it"),
        "one.n": ("integer", True, ""),
        "many": ("list of object", False, ""),
        "many[].n": ("integer", True, ""),
    }
    assert reader.example(outer) == {"one": {"n": 1}}
