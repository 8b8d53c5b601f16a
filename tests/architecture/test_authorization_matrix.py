"""Who is answered what, everywhere: docs/reference/authorization-matrix.csv says so and this holds it.

A cell that changes is a door that opened or closed. When that is meant, run
`./chartroom test tests/architecture/test_authorization_matrix.py --write-matrix` and commit the file with the change.
"""

from collections.abc import Iterator

import pytest
from django.urls import resolve

from tests.architecture import matrix, scene
from tests.architecture.matrix import ABSENT, ANOTHERS, COLUMNS, HOLDERS, OUTSIDE, STRANGER, Matrix, Row
from tests.architecture.no_patient_data import BEFORE_THE_GLASS, PUBLIC

HOW = "If this is meant: ./chartroom test tests/architecture/test_authorization_matrix.py --write-matrix"
OPEN = {"shows", "yes", "moves on"}
AJAR = OPEN | {"asks", "state"}  # past the question of rights

# Nobody gets through with what the walk sends, and why.
NOBODY_GETS_THROUGH = {
    "/documents/<document_id>/retry/": "only what could not be read is read again; tests/records/documents",
    "/api/v1/documents/<pk>/retry/": "the same",
    "/api/v1/patients/<patient_id>/break-glass/": "nobody here has one open to see or end; patients/test_glass_api.py",
    "/release/package/<release_id>/approve/": "the scene's is small; tests/records/release/test_second_person.py",
    "/api/v1/releases/<release_id>/approve/": "the same",
    "/api/v1/patients/<patient_id>/state-need/": "the scene's chart asks for no reason; tests/patients/test_opening.py",
    "/api/v1/documents/<pk>/state-need/": "the same; tests/records/documents/test_labels.py",
    "/welcome/<text>/": "a link works once and for a stranger only; tests/accounts/test_life.py",
    "/sign-out/": "the way out leads to the sign-in page",
    "/switch-user/": "the same",
    "/drafts/": "a script sends JSON, no form; tests/accounts/test_drafts.py",
    "/sign-in/sso/": "no provider in tests of the whole; tests/accounts/test_single_sign_on.py",
    "/sign-in/sso/back/": "the same",
    "/account/sso/": "the same",
    "/account/sso/connected/": "the same",
    "/log/cases/<case_id>/evidence/": "nothing is sealed within a test; tests/audit/cases/test_evidence.py",
    "/sign-in/code/": "a second step without a first leads back there; tests/accounts/test_second_factor.py",
}


def _said(row: Row) -> str:
    address, method, relation = row
    return f"{method} {address} [{relation}]"


@pytest.mark.parametrize("is_api", [False, True], ids=["pages", "api"])
def test_everybody_is_answered_as_announced(is_api: bool, db: None, request: pytest.FixtureRequest) -> None:
    found = matrix.make(scene.make(), [route for route in scene.routes() if route.is_api is is_api])
    kept = matrix.read(is_api=is_api)
    if request.config.getoption("--write-matrix"):
        matrix.write({**matrix.read(is_api=not is_api), **found})
        kept = matrix.read(is_api=is_api)
    wrong = [f"{_said(row)}: is not in the file" for row in sorted(found.keys() - kept.keys())]
    wrong += [f"{_said(row)}: is only in the file" for row in sorted(kept.keys() - found.keys())]
    for row in sorted(found.keys() & kept.keys()):
        wrong += [
            f"{_said(row)}, {column}: was {kept[row].get(column)!r}, is {found[row][column]!r}"
            for column in COLUMNS
            if kept[row].get(column) != found[row][column]
        ]
    assert not wrong, "\n".join([*wrong, HOW])


def _kept() -> Matrix:
    return {**matrix.read(is_api=True), **matrix.read(is_api=False)}


def _holes(row: Row, cells: dict[str, str]) -> Iterator[str]:
    address, _, relation = row
    if [answer for answer in cells.values() if answer.isdigit()]:
        yield "a fault, or a status nobody expects"
    if "no, unlogged" in cells.values():
        yield "a refusal that left no event"
    if cells[STRANGER] != "sign in" and not _is_public(address):
        yield "open to strangers"
    if cells["administrator"] == "shows":
        yield "an administrator sees a chart"
    of_roles = {cells[role] for role in HOLDERS}
    if relation == ABSENT and of_roles & (OPEN if "<" in address else OPEN - {"yes"}):
        yield "what is not there was shown or done"
    if relation == ANOTHERS and {cells[role] for role in HOLDERS if role != "administrator"} & AJAR:
        yield "another person's own thing"
    if (
        relation == OUTSIDE
        and "<" in address
        and not _leads_to_the_glass(address)
        and cells["clinician"] in AJAR
    ):
        yield "open to a clinician outside her care"


# Open to whoever has the secret that stands in the address.
BY_LINK = {"/welcome/<text>/"}


def _leads_to_the_glass(address: str) -> bool:
    """The way into a chart outside one's care, and the page before it: `no_patient_data.BEFORE_THE_GLASS`."""
    return address in {f"/{route.text}" for route in scene.routes() if route.name in BEFORE_THE_GLASS}


def _is_public(address: str) -> bool:
    if address in BY_LINK:
        return True
    return "<" not in address and resolve(address).view_name in PUBLIC


def test_no_announcement_makes_a_hole_right() -> None:
    wrong = [f"{_said(row)}: {hole}" for row, cells in _kept().items() for hole in _holes(row, cells)]
    assert not wrong, "\n".join(wrong)


def test_somebody_gets_through_every_door() -> None:
    """A door that nobody passes shows nothing about who is kept out: `bodies` must send what is asked for."""
    doors: dict[tuple[str, str], set[str]] = {}
    for (address, method, _), cells in _kept().items():
        doors.setdefault((address, method), set()).update(cells[role] for role in HOLDERS)
    shut = {address for (address, _), answers in doors.items() if not answers & OPEN}
    assert shut == set(NOBODY_GETS_THROUGH), "say in tests/architecture/bodies.py what it takes"
