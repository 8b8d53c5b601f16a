"""Every id of every address tried with the id of something outside one's rights: nothing comes back, a trace stays.

A second chart is closed to everybody by name. Each role then asks for everything with that chart's ids in place of its
own: in the path, in the query, in the body, one at a time and mixed with its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from accounts.models import User
from audit.models import Event
from patients.models import ChartRestriction, Restriction
from tests.architecture import bodies, scene
from tests.architecture.matrix import METHODS, ROLES, send_to, undone
from tests.architecture.scene import Own, Route, Scene, browser, content_of, last_event

# Where pages take an id in their query; the API says so itself.
ASKED_BY_ID = {
    "documents:list": ("patient",),
    "release:new": ("patient",),
    "patients:chart": ("document",),
    "review:log": ("patient",),
    "review:export": ("patient",),
    "review:evidence": ("patient",),
    "review:print": ("patient",),
}
IDS = {"patient": "patient_id", "encounter": "encounter_id", "document": "document_id"}
# The compliance officer may ask the log about every chart: of one that is closed to her it tells that somebody looked
# and why, by ids.
LOG = ("review:", "audit-")
# Whoever runs the machine sees how far every job is; a job's row says nothing of a patient.
# Whoever reviews broken glass ends any of it; the answer names nobody.
RIGHTLY = {
    ("job", "administrator"),
    ("job-page", "administrator"),
    ("patients:glass-end", "compliance_officer"),
}


@dataclass(frozen=True)
class Attempt:
    """A request with some of its ids swapped for foreign ones."""

    route: Route
    method: str
    kind: str  # path, query, body
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.route.name} with a foreign {' and '.join(self.names)} in the {self.kind}"

    def send(self, client: Client, own: Scene, other: Scene, by: User) -> Any:
        """Ask."""
        address = f"/{self.route.text}"
        for part in self.route.parts:
            is_foreign = self.kind == "path" and part in self.names
            value = (other if is_foreign else own).value(self.route, part)
            if isinstance(value, Own):
                value = value[other.people["records_clerk"].pk if is_foreign else by.pk]
            address = address.replace(f"<{part}>", str(value))
        query = own.query(self.route) if self.method == "get" else {}
        if self.kind == "query":
            query |= {name: str(other.values[IDS[name]]) for name in self.names}
        body = _body(self.route, self.method, own, lambda name: self._this(name, own, other))
        return send_to(client, self.route, self.method, address, query, body)

    def _this(self, name: str, own: Scene, other: Scene) -> Any:
        is_foreign = self.kind == "body" and name in self.names
        return (other if is_foreign else own).values[name]


def _body(route: Route, method: str, own: Scene, this: bodies.This) -> dict[str, Any]:
    make = bodies.API.get((route.name, method)) if route.is_api else bodies.PAGES.get(route.name)
    return make(own, this) if make and method != "get" else {}


def _named_in_body(route: Route, method: str, own: Scene) -> list[str]:
    named: list[str] = []

    def this(name: str) -> Any:
        named.append(name)
        return own.values[name]

    _body(route, method, own, this)
    return named


def _named_in_query(route: Route, own: Scene) -> set[str]:
    view = resolve(own.address(route)).func
    action = getattr(view, "actions", {}).get("get", "get")
    shape = getattr(getattr(view, "cls", None), "queries", {}).get(action)
    return {name for name in shape().fields if name in IDS} if shape else set(ASKED_BY_ID.get(route.name, ()))


def _attempts(own: Scene) -> Iterator[Attempt]:
    for route in scene.routes():
        parts = [part for part in route.parts if part != "number"]
        if route.name.startswith("accounts:") or route.name == "patients:workplaces":  # about people
            parts = [part for part in parts if isinstance(own.value(route, part), Own)]
        for method in METHODS if route.is_api else METHODS[:2]:
            if parts:
                yield Attempt(route, method, "path", tuple(parts))
            if len(parts) > 1:
                yield from (Attempt(route, method, "path", (part,)) for part in parts)
            if method == "get":
                for name in sorted(_named_in_query(route, own)):
                    yield Attempt(route, method, "query", (name,))
            else:
                for name in _named_in_body(route, method, own):
                    yield Attempt(route, method, "body", (name,))


def _wrong(attempt: Attempt, answer: Any, other: Scene, by: User, since: int) -> Iterator[str]:
    status, content = answer.status_code, content_of(answer)
    is_log = attempt.route.name.startswith(LOG)
    shown = other.is_about(content) or other.is_about(str(answer.headers).encode())
    if shown and not (
        is_log and shown == other.patient.given
    ):  # in the number of her encounter: the reason why
        yield f"shows {shown!r}"
    events = list(Event.objects.filter(id__gt=since, actor_id=by.pk))
    touching = [
        event.event for event in events if other.patient.pk in (event.patient_id, *(event.patient_ids or ()))
    ]
    done = [event.event for event in events if event.outcome == "success" and event.event in touching]
    if is_log or any((attempt.route.name, role) in RIGHTLY for role in by.role_names):
        return
    if done:
        yield f"did {done} with the other chart"
    if status < 400:
        yield f"answers {status}"
    is_noted = any(event.outcome == "denied" for event in events)
    if not is_noted:
        yield f"answers {status} and leaves no denied event"


@pytest.fixture
def charts(db: None) -> tuple[Scene, Scene]:
    """One's own, and another that is closed to everybody of the first by name."""
    own, other = scene.make(), scene.make("Vexillomancer", "Thessaly", "archaeopteryx")
    for person in {*own.people.values()}:
        ChartRestriction.objects.create(
            patient=other.patient,
            kind=Restriction.PERSON,
            user=person,
            why="a neighbour",
            set_by=other.people["records_supervisor"],
        )
    return own, other


def test_no_id_of_another_chart_opens_anything(charts: tuple[Scene, Scene]) -> None:
    own, other = charts
    attempts = list(_attempts(own))
    wrong: list[str] = []
    for role in ROLES:
        person = own.people[role]
        client = browser(person)
        takes = []
        for attempt in attempts:
            since = last_event()
            with undone(client):
                answer = attempt.send(client, own, other, person)
                if answer.status_code == 405:
                    continue
                takes.append(attempt)
                wrong += [
                    f"{attempt}, as {role}: {text}" for text in _wrong(attempt, answer, other, person, since)
                ]
        attempts = takes  # a method that an address does not take, it takes from nobody
    assert len(attempts) > 80
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong)
