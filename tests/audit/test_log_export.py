"""The access log as a file: whole, bounded, harmless in a spreadsheet, and itself in the log."""

import csv
import io
from collections.abc import Callable

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from audit.review import exporting
from audit.services import record
from common import sheets
from patients import services as patients
from tests.factories import PatientFactory
from tests.support import events

Browse = Callable[[User], Client]


def _rows(client: Client, **query: object) -> list[dict[str, str]]:
    answer = client.get("/log/export/", query)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text)))


def test_the_file_holds_what_the_page_shows(compliance: User, clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create(given="Ada")
    patients.open_chart(by=clerk, patient_id=patient.pk)
    patients.update_patient(by=clerk, patient_id=patient.pk, given="Adah")
    rows = _rows(browse(compliance), actor=clerk.username)
    acts = [row for row in rows if row["event"].startswith("patient.")]
    assert [row["event"] for row in acts] == ["patient.updated", "patient.viewed"]
    assert {row["mrn"] for row in acts} == {patient.mrn}
    assert {row["roles"] for row in acts} == {"Records clerk"}
    assert '"Adah"' in acts[0]["detail"]


def test_taking_it_out_is_in_the_log(compliance: User, clerk: User, browse: Browse) -> None:
    one, two = PatientFactory.create(), PatientFactory.create()
    record("patient.viewed", by=clerk, patient=one.pk)
    record("patient.searched", by=clerk, patients=[two.pk])
    rows = _rows(browse(compliance), actor=clerk.username)
    [event] = events("log.exported", actor_id=compliance.pk)
    assert event.action == "export"
    assert set(event.patient_ids or []) == {one.pk, two.pk}
    assert event.detail is not None
    assert event.detail["rows"] == len(rows)
    assert event.detail["is_cut"] is False


def test_the_event_is_there_before_the_first_byte(compliance: User, browse: Browse) -> None:
    answer = browse(compliance).get("/log/export/")
    assert events("log.exported", actor_id=compliance.pk)
    assert answer.streaming


def test_what_happens_meanwhile_is_not_in_it(compliance: User, clerk: User, browse: Browse) -> None:
    """The event counted the rows; an event written while the file is read does not slip in."""
    record("home.viewed", by=clerk)
    answer = browse(compliance).get("/log/export/", {"actor": clerk.username, "event": "home.viewed"})
    record("home.viewed", by=clerk)
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[arg-type]
    assert len(lines) == 2


def test_a_long_answer_is_cut_and_says_so(
    compliance: User, clerk: User, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audit.review.services.log.EXPORT_LIMIT", 7)
    monkeypatch.setattr(exporting, "PIECE", 3)
    for number in range(9):
        record("home.viewed", by=clerk, reason=f"n{number}")
    rows = _rows(browse(compliance), actor=clerk.username, event="home.viewed")
    assert [row["reason"] for row in rows[:7]] == [f"n{number}" for number in range(8, 1, -1)]
    assert len(rows) == 8
    assert (
        rows[7]["id"]
        == "This file ends after 7 events; more answer the question. Narrow the dates and export again."
    )


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1"]
)
def test_no_cell_is_a_formula(text: str, compliance: User, clerk: User, browse: Browse) -> None:
    record("user.sign_in_failed", by=None, actor=text, outcome="failed", reason=text)
    rows = _rows(browse(compliance), action="sign-in-failed", outcome="failed")
    assert rows[0]["reason"].startswith("'")
    assert rows[0]["reason"][1:].strip() == text.strip()
    assert rows[0]["actor"].startswith("'")


@given(st.text())
def test_any_text_survives_and_none_starts_a_formula(text: str) -> None:
    cell = sheets.safe_cell(text)
    assert cell.removeprefix("'") == text.removeprefix("'") or cell == f"'{text}"
    assert not cell.lstrip(" ").startswith(sheets.FORMULA_STARTS)


def test_a_wrong_question_gives_no_file(compliance: User, browse: Browse) -> None:
    assert browse(compliance).get("/log/export/", {"patient": "nobody"}).status_code == 422
    assert not events("log.exported", actor_id=compliance.pk)
