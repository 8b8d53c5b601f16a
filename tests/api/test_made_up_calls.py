"""Calls made up from the OpenAPI document, sent as every role: no fault, no undescribed answer, nobody else's data.

schemathesis makes the calls, in process and through WSGI, each with a real token. Ids are those of the scene, or of a
chart that is closed to everybody by name, as often as made-up ones: calls about nothing reach nothing. Seeded, so that
what was found is found again. `--made-up-calls 200` asks each operation more often than the usual run.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as trying
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import services as accounts
from config.api_docs import document
from patients.models import ChartRestriction, Restriction
from tests.architecture import scene
from tests.architecture.matrix import ROLES
from tests.architecture.scene import Own, Scene

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BODY_IDS = {"patient": "patient_id", "encounter": "encounter_id"}
# As the document calls a part of an address, and what the scene has for it.
PARTS = {"id": "document_id", "pk": "document_id"}


@dataclass
class House:
    """One's own chart, the other one, and a token for each role."""

    own: Scene
    other: Scene
    tokens: dict[str, str]


@pytest.fixture
def house(db: None) -> Iterator[House]:
    own, other = scene.make(), scene.make("Vexillomancer", "Thessaly", "archaeopteryx")
    for role in ROLES:
        ChartRestriction.objects.create(
            patient=other.patient,
            kind=Restriction.PERSON,
            user=own.people[role],
            why="a neighbour",
            set_by=other.people["records_supervisor"],
        )
    people = {role: own.people[role] for role in ROLES}
    tokens = {role: accounts.issue_token(by=user, user=user)[0] for role, user in people.items()}
    # The test's transaction is one connection; what a server does between requests would close it.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield House(own, other, tokens)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def _with_ids(case: Case, whose: Scene | None, *, in_body: bool) -> None:
    """The ids of a chart in place of made-up ones."""
    if whose is None:
        return
    for name in case.path_parameters or {}:
        value = whose.values.get(PARTS.get(name, name))
        if value is not None:
            owner = whose.people["records_clerk"].pk
            case.path_parameters[name] = str(value[owner] if isinstance(value, Own) else value)
    for given_values in (case.query, case.body if in_body else None):
        for name, key in BODY_IDS.items():
            if isinstance(given_values, dict) and name in given_values:
                given_values[name] = str(whose.values[key])


def _operations() -> list[APIOperation]:
    schema = schemathesis.openapi.from_dict(document())
    schema.app = WSGIHandler()
    return [result.ok() for result in schema.get_all_operations()]


def _ask(case: Case, house: House, role: str) -> str:
    """What is wrong with the answer to this call, as this role; nothing, when all is well."""
    with transaction.atomic():
        answer = case.call(headers={"Authorization": f"Bearer {house.tokens[role]}"})
        transaction.set_rollback(True)
    what = f"{case.method} {case.formatted_path} as {role}: {answer.status_code}"
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as wrong:
        return f"{what}: " + " ".join(" ".join(str(each).split())[:300] for each in wrong.exceptions)
    shown = house.other.is_about(answer.content)
    is_log = (
        "/audit/" in case.path and shown == house.other.patient.given
    )  # in the reason why somebody looked
    return f"{what}: shows {shown!r}" if shown and not is_log else ""


def _asked(operation: APIOperation, mode: GenerationMode, house: House, often: int) -> Iterator[str]:
    """What is wrong with this operation's answers."""
    wrong: list[str] = []

    @seed(11)
    @trying(
        max_examples=often,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode), whose=st.sampled_from([None, house.own, house.other]))
    def ask(case: Case, whose: Scene | None) -> None:
        _with_ids(case, whose, in_body=mode is GenerationMode.POSITIVE)
        wrong.extend(_ask(case, house, role) for role in ROLES)

    ask()
    assert wrong, "nothing was asked"
    yield from {text[-60:]: text for text in wrong if text}.values()


def test_no_made_up_call_gets_what_it_should_not(house: House, request: pytest.FixtureRequest) -> None:
    often = request.config.getoption("--made-up-calls")
    operations = _operations()
    assert len(operations) > 30
    wrong = [
        text
        for operation in operations
        for mode in GenerationMode
        for text in _asked(operation, mode, house, often)
    ]
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)
