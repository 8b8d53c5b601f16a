"""The API's lists: whole however many rows have one value, and strict about what they are asked."""

import json
from typing import Any

import pytest

from accounts.models import User
from common.paging import Paging
from tests.factories import EncounterFactory, PatientFactory


def _walk(client: Any, address: str, key: str) -> list[list[str]]:
    pages: list[list[str]] = []
    while address:
        answer = client.get(address).json()
        pages.append([row["id"] for row in answer["results"]])
        address = answer[key]
    return pages


def test_rows_of_one_value_come_once_there_and_back(
    clerk: User, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are counted by nothing: the framework's cursors came round again past a thousand of one value."""
    monkeypatch.setattr(Paging, "offset_cutoff", 1)
    patient = PatientFactory.create()
    first = EncounterFactory.create(patient=patient)
    EncounterFactory.create_batch(6, patient=patient, started_at=first.started_at)
    address = f"/api/v1/encounters/?patient={patient.pk}&page_size=2"
    forth = _walk(api(clerk), address, "next")
    seen = [pk for page in forth for pk in page]
    assert [len(page) for page in forth] == [2, 2, 2, 1]
    assert seen == sorted(set(seen), reverse=True)
    page = api(clerk).get(address).json()
    while page["next"]:
        page = api(clerk).get(page["next"]).json()
    back = _walk(api(clerk), page["previous"], "previous")
    assert back == forth[-2::-1]


def test_a_row_filed_meanwhile_neither_hides_nor_doubles_another(clerk: User, api: Any) -> None:
    patient = PatientFactory.create()
    first = EncounterFactory.create(patient=patient)
    EncounterFactory.create_batch(3, patient=patient, started_at=first.started_at)
    page = api(clerk).get(f"/api/v1/encounters/?patient={patient.pk}&page_size=2").json()
    EncounterFactory.create(patient=patient, started_at=first.started_at)
    rest = api(clerk).get(page["next"]).json()
    seen = [row["id"] for row in page["results"] + rest["results"]]
    assert len(set(seen)) == 4
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_size", "201"),
        ("page_size", "0"),
        ("page_size", "-1"),
        ("page_size", "two"),
        ("page_size", "9" * 3_900),
        ("cursor", "nonsense"),
        ("cursor", "bz0yNQ=="),
        ("cursor", "W2ZhbHNlLCBbInllc3RlcmRheSIsICJ4Il1d"),
    ],
)
def test_a_size_or_cursor_that_is_none_is_refused(clerk: User, api: Any, name: str, value: str) -> None:
    answer = api(clerk).get("/api/v1/documents/", {name: value})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert set(answer.json()["errors"]) == {name}


def test_nesting_without_end_is_no_json(clerk: User, api: Any) -> None:
    answer = api(clerk).post("/api/v1/patients/", b"[" * 100_000, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert "nested" in json.dumps(answer.json())
