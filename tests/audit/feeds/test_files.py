"""JSON lines beside CSV: the same events, the same right, the same trace."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from audit.review.exporting import HEAD
from audit.services import record
from tests.audit.archiving.conftest import HOSTILE
from tests.factories import PatientFactory
from tests.support import events

Browse = Callable[[User], Client]
Api = Callable[[User], APIClient]


def _lines(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200, getattr(answer, "content", "")
    assert answer["Content-Type"] == "application/x-ndjson"
    assert answer["Content-Disposition"].endswith('.jsonl"')
    text = b"".join(answer.streaming_content).decode("ascii")
    assert text.endswith("\n") or not text
    return [json.loads(line) for line in text.split("\n") if line]


@pytest.fixture
def both(compliance: User, browse: Browse, api: Api) -> Callable[..., list[list[dict[str, Any]]]]:
    """The page's file and the API's."""

    def ask(**query: Any) -> list[list[dict[str, Any]]]:
        page = browse(compliance).get("/log/export/", {**query, "form": "jsonl"})
        return [_lines(page), _lines(api(compliance).get("/api/v1/audit/export/", query))]

    return ask


def test_each_event_is_an_object_with_its_types(
    both: Callable[..., Any], clerk: User, compliance: User
) -> None:
    patient = PatientFactory.create()
    record("patient.viewed", by=clerk, patient=patient.pk, about=patient, detail={"n": [1, {"é": None}]})
    for rows in both(actor=clerk.username, event="patient.viewed"):
        [row] = rows
        assert list(row) == HEAD
        assert row["patient"] == str(patient.pk)
        assert row["mrn"] == patient.mrn
        assert row["roles"] == ["records_clerk"]
        assert row["patients"] == []
        assert row["detail"] == {"n": [1, {"é": None}]}
    taken = events("log.exported", actor_id=compliance.pk)
    assert len(taken) == 2
    assert all(patient.pk in (event.patient_ids or []) for event in taken)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text])
def test_whatever_stands_in_a_field_stays_in_its_line(
    text: str, both: Callable[..., Any], clerk: User
) -> None:
    record("patient.viewed", by=clerk, reason=text, purpose=text[:20], detail={text: text})
    for rows in both(actor=clerk.username, event="patient.viewed"):
        assert len(rows) == 1
        assert rows[0]["reason"] == text
        assert rows[0]["detail"] == {text: text}


def test_a_long_answer_says_that_it_is_cut(
    both: Callable[..., Any], clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.review.services.log.EXPORT_LIMIT", 3)
    for _ in range(5):
        record("home.viewed", by=clerk)
    for rows in both(actor=clerk.username):
        assert len(rows) == 4
        assert rows[3]["cut"].startswith("This file ends after 3 events")


def test_the_api_gives_csv_too_and_refuses_nonsense(compliance: User, clerk: User, api: Api) -> None:
    record("home.viewed", by=clerk, reason="=1+1")
    answer = api(compliance).get("/api/v1/audit/export/", {"actor": clerk.username, "form": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert text.startswith("id,at,actor")
    assert "'=1+1" in text
    for wrong in ({"form": "xml"}, {"page_size": 5}, {"patient": "x"}):
        assert api(compliance).get("/api/v1/audit/export/", wrong).status_code == 400


def test_the_page_offers_it(compliance: User, browse: Browse) -> None:
    page = browse(compliance).get("/log/", {"actor": "x"}).content.decode()
    assert "/log/export/?actor=x&amp;form=jsonl" in page
