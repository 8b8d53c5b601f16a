"""Invariant 1, by walking every page and every API operation: no look without a trace, no stranger, no fault."""

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from accounts.models import User
from tests.architecture import scene
from tests.architecture.answers import TechnicalLog, loose_headers
from tests.architecture.no_patient_data import BEFORE_THE_GLASS, NO_PATIENT_DATA, PUBLIC, WHOEVER_IS_SHOWN
from tests.architecture.scene import Route, Scene, browser, content_of, last_event
from tests.factories import PASSWORD

ROUTES = sorted(scene.routes(), key=lambda route: route.name)
PEOPLE = [
    "records_clerk",
    "roi_specialist",
    "records_supervisor",
    "clinician",
    "outsider",
    "compliance_officer",
    "administrator",
]

OPEN_TO = {
    "records_clerk": {"patients:chart", "documents:detail", "documents:page-image", "api-patient"},
    "clinician": {"patients:chart", "documents:content", "api-document-page-text"},
    "roi_specialist": {"release:detail", "request", "release", "disclosures"},
    "compliance_officer": {"review:log", "review:event", "audit-events"},
}


@pytest.fixture
def here(db: None) -> Scene:
    return scene.make()


@pytest.fixture
def technical_log() -> TechnicalLog:
    return TechnicalLog()


def _send(client: Client, method: str, address: str, route: Route, query: dict[str, str]) -> Any:
    if method == "get":
        return client.get(address, query)
    if route.is_api:
        return getattr(client, method)(address, b"{}", content_type="application/json")
    return client.post(address, b"", content_type="application/x-www-form-urlencoded")


def _walk(here: Scene, user: User, client: Client, route: Route, method: str) -> list[str]:
    """What is wrong with this route for this person; nothing, when all is well."""
    before = last_event()
    query = here.query(route) if method == "get" else {}
    answer = _send(client, method, here.address(route), route, query)
    if route.name in {"accounts:sign-out", "accounts:switch"}:
        client.force_login(user)
    content = content_of(answer)
    label = f"{method.upper()} {route.name} as {user.role_names} answered {answer.status_code}"
    wrong = [f"{label}: {text}" for text in loose_headers(answer)]
    if answer.status_code >= 500 and route.name not in {"ready"}:
        wrong.append(f"{label}: a fault")
    marker, is_named = here.is_about(content), here.named_since(before, user)
    if marker and not is_named:
        wrong.append(f"{label}: shows {marker!r} and no event names the patient")
    if route.name in NO_PATIENT_DATA:
        if marker:
            wrong.append(f"{label}: shows {marker!r} but is on the list of routes without patient data")
    elif (
        method == "get" and answer.status_code == 200 and route.name not in WHOEVER_IS_SHOWN and not is_named
    ):
        wrong.append(f"{label}: no event names the patient")
    return wrong


@pytest.mark.parametrize("person", PEOPLE)
def test_every_look_leaves_a_trace(person: str, here: Scene, technical_log: TechnicalLog) -> None:
    """Every route with what it needs, then every way of changing something with nothing in its hands.

    No answer is a fault, none shows the patient without an event that names her, and no line of the technical log
    carries a patient's data.
    """
    user = here.people[person]
    client = browser(user)
    with technical_log:
        wrong = [text for route in ROUTES for text in _walk(here, user, client, route, "get")]
        for method in ("patch", "delete", "post"):
            for route in ROUTES:
                if method == "post" or route.is_api:
                    wrong += _walk(here, user, client, route, method)
    assert not wrong, "\n".join(wrong)
    secrets = [PASSWORD, client.session.session_key, *here.secrets, here.patient.birth_date.isoformat()]
    assert not technical_log.lines_with(*here.markers, *secrets)
    assert technical_log.text, "the walk leaves lines, or this proves nothing"


def test_the_walk_notices_a_look_without_a_trace(here: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk is worth something only if it fails when a verb forgets its event."""
    route = next(route for route in ROUTES if route.name == "patients:chart")
    monkeypatch.setattr("patients.services.looking.record", lambda *args, **kwargs: None)
    monkeypatch.setattr("records.documents.services.looking.record", lambda *args, **kwargs: None)
    clerk = here.people["records_clerk"]
    assert any("no event names" in text for text in _walk(here, clerk, browser(clerk), route, "get"))


def test_a_stranger_gets_nowhere(here: Scene) -> None:
    """The sign-in page for a browser, 401 for a program; and never a word about anybody."""
    wrong = []
    for method in ("get", "patch", "delete", "post"):
        for route in ROUTES:
            answer = _send(Client(raise_request_exception=False), method, here.address(route), route, {})
            is_refused = answer.status_code == 401 or (
                answer.status_code == 302 and answer["Location"].startswith("/sign-in/")
            )
            wrong += [f"{method} {route.name}: {text}" for text in loose_headers(answer)]
            if here.is_about(content_of(answer)) or (route.name not in PUBLIC and not is_refused):
                wrong.append(f"{method} {route.name}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_doors_open_for_the_right_people_only(here: Scene) -> None:
    """A clinician who does not treat the patient has the right ids in hand; the administrator sees no chart at all."""
    wrong = []
    clients = {person: browser(user) for person, user in here.people.items()}
    for route in ROUTES:
        address, query = here.address(route), here.query(route)
        if here.is_about(content_of(clients["administrator"].get(address, query))):
            wrong.append(f"{route.name} shows the chart to the administrator")
        is_chart = route.parts and route.name not in {*NO_PATIENT_DATA, *BEFORE_THE_GLASS}
        if is_chart and not route.name.startswith("accounts:"):
            answer = clients["outsider"].get(address, query)
            if answer.status_code not in {403, 404, 405} or here.is_about(content_of(answer)):
                wrong.append(f"{route.name} is open to an outsider: {answer.status_code}")
        for person, names in OPEN_TO.items():
            if route.name in names and clients[person].get(address, query).status_code != 200:
                wrong.append(f"{route.name} is closed to {person}")
    assert not wrong, "\n".join(wrong)


def test_only_the_named_routes_are_open_to_strangers() -> None:
    """Routes are closed unless they say otherwise; those that do are on the list."""

    def patterns(resolver: Any, space: str = "") -> Any:
        for part in resolver.url_patterns:
            if hasattr(part, "url_patterns"):
                yield from patterns(part, f"{space}{part.namespace}:" if part.namespace else space)
            else:
                yield f"{space}{part.name}", part.callback

    for name, view in patterns(get_resolver()):
        if not getattr(view, "login_required", True) and not hasattr(view, "cls"):
            assert name in PUBLIC, name
        view_class = getattr(view, "cls", None)
        if view_class is not None and not any(
            permission.__name__ == "IsAuthenticated" for permission in view_class.permission_classes
        ):
            assert name in PUBLIC, name


def test_the_lists_name_routes_that_exist() -> None:
    names = {route.name for route in ROUTES}
    assert set(NO_PATIENT_DATA) <= names
    assert names >= WHOEVER_IS_SHOWN
    assert not set(NO_PATIENT_DATA) & WHOEVER_IS_SHOWN
