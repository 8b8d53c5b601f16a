"""The authorization matrix: for every address, method and relation to the patient, what each role is answered.

Beside the roles of the house: `hospital_role` is one made by a hospital, with the rights to find and read every chart;
`interface` is a program's account with the role of a records clerk, by a token whose scopes are to find, read and file.

One walk over `scene`, each request undone before the next, so that the order does not matter. The words of a cell:

`shows` the answer carries the patient's data; `yes` it was done or shown without her data; `moves on` a redirect;
`asks` (400, 422) and `state` (409) the door is open and more is needed; `no: CODE` refused with 403 and that code;
`absent` 404; `sign in` 401, or the way to the sign-in page. Anything else is the bare status.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.test import Client

from accounts import services as accounts
from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from tests.architecture import bodies
from tests.architecture.no_patient_data import NO_PATIENT_DATA
from tests.architecture.scene import (
    API,
    HOSPITAL_ROLE,
    INTERFACE,
    READS,
    Own,
    Route,
    Scene,
    browser,
    content_of,
    last_event,
)
from tests.conftest import confirmed

FILE = Path(settings.BASE_DIR, "docs", "reference", "authorization-matrix.csv")
METHODS = ("get", "post", "put", "patch", "delete")  # pages take the first two
STRANGER = "stranger"
ROLES = sorted(role.value for role in Role if role is not Role.SERVICE)
HOLDERS = [*ROLES, HOSPITAL_ROLE, INTERFACE]
COLUMNS = [STRANGER, *HOLDERS]
FORM = "application/x-www-form-urlencoded"
NOBODY = UUID("0192f0aa-0000-7000-8000-000000000000")

IN_CARE, OUTSIDE, OWN, ANOTHERS, ABSENT, NONE = "in care", "outside", "own", "another's", "absent", "-"
Row = tuple[str, str, str]  # address, method, relation
Matrix = dict[Row, dict[str, str]]


@dataclass(frozen=True)
class Ask:
    """One request: where, how, about whose thing."""

    route: Route
    method: str
    relation: str

    @property
    def row(self) -> Row:
        """Where its answers stand in the matrix."""
        return f"/{self.route.text}", self.method.upper(), self.relation

    def address(self, scene: Scene, asking: User | None) -> str:
        """The address, with ids that nobody has where the relation says so."""
        if self.relation == ABSENT:
            text = self.route.text
            for part in self.route.parts:
                value = scene.value(self.route, part)
                if isinstance(value, int):
                    value = value if part == "number" else 10**15
                else:
                    value = NOBODY
                text = text.replace(f"<{part}>", str(value))
            return f"/{text}"
        colleague = scene.colleagues["records_clerk"]
        return scene.address(self.route, whose=colleague if self.relation == ANOTHERS else asking)

    def this(self, scene: Scene, name: str) -> Any:
        """A thing that the query or the body names: absent only where the address itself names none."""
        return NOBODY if self.relation == ABSENT and not self.route.parts else scene.values[name]

    def query(self, scene: Scene) -> dict[str, str]:
        """The question in the address."""
        if self.method != "get":
            return {}
        asked = scene.query(self.route)
        if "patient" in asked:
            asked = {**asked, "patient": str(self.this(scene, "patient_id"))}
        return asked

    def body(self, scene: Scene) -> dict[str, Any]:
        """What is sent along."""
        make = (
            bodies.API.get((self.route.name, self.method))
            if self.route.is_api
            else bodies.PAGES.get(self.route.name)
        )
        return make(scene, lambda name: self.this(scene, name)) if make else {}


def relations(scene: Scene, route: Route, method: str) -> list[str]:
    """How somebody may stand to what this address is about."""
    if any(isinstance(scene.value(route, part), Own) for part in route.parts):
        return [OWN, ANOTHERS, ABSENT]
    if route.name.startswith("accounts:") or (not route.parts and route.name in NO_PATIENT_DATA):
        return [NONE, ABSENT] if route.parts else [NONE]
    ask = Ask(route, method, NONE)
    names_her = "patient" in ask.query(scene) or "patient" in ask.body(scene)
    return [IN_CARE, OUTSIDE, *([ABSENT] if route.parts or names_her else [])]


def send(client: Client, ask: Ask, scene: Scene, asking: User | None) -> Any:
    """The answer to one request."""
    body = ask.body(scene)
    return send_to(client, ask.route, ask.method, ask.address(scene, asking), ask.query(scene), body)


def send_to(
    client: Client, route: Route, method: str, address: str, query: dict[str, Any], body: dict[str, Any]
) -> Any:
    """The answer of an address: a form to a page, JSON to the API, parts where there is a file."""
    if query:
        address = f"{address}?{urlencode(query, doseq=True)}"
    if method == "get":
        return client.get(address)
    if method == "post" and any(hasattr(value, "chunks") for value in body.values()):
        return client.post(address, body)
    if not route.is_api:
        return client.post(address, urlencode(body, doseq=True), content_type=FORM)
    return getattr(client, method)(address, json.dumps(body), content_type="application/json")


def cell(answer: Any, scene: Scene, since: int) -> str:
    """An answer in a word."""
    status = answer.status_code
    content = content_of(answer)
    if status in {301, 302, 303}:
        return "sign in" if "/sign-in/" in answer["Location"] else "moves on"
    if 200 <= status < 300:
        return "shows" if scene.is_about(content) else "yes"
    if status == 403:
        event = Event.objects.filter(id__gt=since, outcome="denied").order_by("-id").first()
        return f"no: {event.detail.get('code', '')}" if event else "no, unlogged"
    words = {400: "asks", 422: "asks", 401: "sign in", 404: "absent", 409: "state"}
    return words.get(status, str(status))


def _asked(scene: Scene, routes: Iterable[Route]) -> Iterator[Ask]:
    """Everything there is to ask: methods that an address does not take are left out."""
    probe = browser(scene.people["records_supervisor"])
    for route in routes:
        for method in METHODS if route.is_api else METHODS[:2]:
            ask = Ask(route, method, NONE)
            with undone(probe):
                takes = send(probe, ask, scene, scene.people["records_clerk"]).status_code != 405
            if takes:
                yield from (Ask(route, method, relation) for relation in relations(scene, route, method))


@contextmanager
def undone(client: Client) -> Iterator[None]:
    """A request whose rows are gone after it, and the browser's cookies as they were."""
    kept = deepcopy(client.cookies)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    client.cookies = kept


def make(scene: Scene, routes: Iterable[Route]) -> Matrix:
    """The whole matrix."""
    own = {HOSPITAL_ROLE: browser(scene.others[HOSPITAL_ROLE]), INTERFACE: _program(scene.others[INTERFACE])}
    insiders = {role: browser(scene.people[role]) for role in ROLES} | own
    outsiders = {role: browser(scene.colleagues[role]) for role in ROLES} | own
    found: Matrix = {}
    to_strangers: dict[tuple[str, str], str] = {}
    for ask in _asked(scene, routes):
        row = found.setdefault(ask.row, {})
        if ask.row[:2] not in to_strangers:  # who nobody knows has no relation to anything
            to_strangers[ask.row[:2]] = _answered(Client(raise_request_exception=False), ask, scene, None)
        row[STRANGER] = to_strangers[ask.row[:2]]
        for role in HOLDERS:
            people, clients = (
                (scene.colleagues, outsiders) if ask.relation == OUTSIDE else (scene.people, insiders)
            )
            row[role] = _answered(clients[role], ask, scene, {**people, **scene.others}[role])
    return found


def _program(account: User) -> Client:
    """Not a browser: each call comes with the token, and no session."""
    text, _ = accounts.issue_token(by=account, user=account, scopes=[*READS, "documents.file_document"])
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {text}"})


def _answered(client: Client, ask: Ask, scene: Scene, asking: User | None) -> str:
    since = last_event()
    if asking is not None and not asking.is_program:
        confirmed(client)  # the walk takes longer than some doors wait
    with undone(client):
        answer = send(client, ask, scene, asking)
        if ask.route.name == "ready" and answer.status_code == 503:
            return "yes"  # which parts of the house run beside the test is no matter of rights
        return cell(answer, scene, since)


def _in_order(row: Row) -> tuple[Any, ...]:
    address, method, relation = row
    order = (NONE, IN_CARE, OUTSIDE, OWN, ANOTHERS, ABSENT)
    return address, METHODS.index(method.lower()), order.index(relation)


def write(matrix: Matrix) -> None:
    """Keep it, one line a row, in an order that stays."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("w", newline="") as out:
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow(["address", "method", "patient or thing", *COLUMNS])
        for row in sorted(matrix, key=_in_order):
            lines.writerow([*row, *(matrix[row].get(column, "") for column in COLUMNS)])


def read(*, is_api: bool) -> Matrix:
    """As it was announced, of the API or of the pages."""
    if not FILE.exists():
        return {}
    with FILE.open(newline="") as kept:
        (_, _, _, *columns), *lines = csv.reader(kept)
    return {
        (address, method, relation): dict(zip(columns, cells, strict=True))
        for address, method, relation, *cells in lines
        if address.startswith(f"/{API}") is is_api
    }
