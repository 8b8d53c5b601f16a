"""Who asks about days of an archived month is told so, everywhere. Never a silent empty answer."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from audit.archiving import services
from audit.archiving.months import Month
from audit.models import Event
from audit.review import exporting
from tests.audit.archiving.conftest import FEBRUARY, MARCH
from tests.audit.test_log_prints import text_of
from tests.factories import PatientFactory, make_user

pytestmark = pytest.mark.committed
Counts = dict[Month, int]


@contextmanager
def an_officer() -> Iterator[User]:
    """Somebody who asks, in a transaction that is taken back: she holds nothing when months move."""
    with transaction.atomic():
        yield make_user(Role.COMPLIANCE_OFFICER)
        transaction.set_rollback(True)


def test_the_page_says_what_is_not_in_the_answer(old_log: Counts, browse: Callable[[User], Client]) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        client = browse(officer)
        page = client.get("/log/", {"since": "2015-03-05", "until": "2015-03-06"}).content.decode()
        assert "A month of this time is archived" in page
        assert "March 2015: 11 events in" in page
        assert "audit_attach --month 2015-03" in page
        page = client.get("/log/person/", {"who": officer.username, "week": "2015-03-05"}).content.decode()
        assert "A month of this time is archived" in page
        for elsewhere in ({"since": "2015-04-01", "until": "2015-04-02"}, {"period": "month"}):
            assert "audit_attach" not in client.get("/log/", elsewhere).content.decode()
    services.archive(FEBRUARY)
    with an_officer() as officer:
        page = browse(officer).get("/log/", {"period": "all"}).content.decode()
        assert "2 months of this time are archived" in page


def test_the_api_says_so_too(old_log: Counts, api: Callable[[User], APIClient]) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        client = api(officer)
        body = client.get("/api/v1/audit/events/", {"from": "2015-03-05", "to": "2015-03-06"}).json()
        assert body["results"] == []
        [told] = body["archived"]
        assert (told["month"], told["events"]) == ("2015-03", 11)
        assert told["attach"] == "audit_attach --month 2015-03"
        assert client.get("/api/v1/audit/events/", {"from": "2015-04-01"}).json()["archived"] == []
    services.attach(MARCH)
    with an_officer() as officer:
        body = api(officer).get("/api/v1/audit/events/", {"from": "2015-03-01", "to": "2015-03-31"}).json()
        assert body["archived"] == []
        assert len(body["results"]) == 11


def test_fhir_says_so_too(old_log: Counts, api: Callable[[User], APIClient]) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        address = "/api/v1/audit/fhir/AuditEvent?date=ge2015-03-05&date=le2015-03-06"
        [entry] = api(officer).get(address).json()["entry"]
    assert entry["search"]["mode"] == "outcome"
    [issue] = entry["resource"]["issue"]
    assert issue["code"] == "incomplete"
    assert "audit_attach --month 2015-03" in issue["diagnostics"]


def test_the_check_tells_programs_where_the_events_are(
    old_log: Counts, api: Callable[[User], APIClient]
) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        body = api(officer).get("/api/v1/audit/verify/").json()
    assert list(body["archived"].values()) == [11]


def _file(answer: Any) -> tuple[str, bytes]:
    assert answer.status_code == 200
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer["Content-Disposition"].split('"')[1], data


# Evidence and paper go to nobody who may not open every chart in them: they are asked about somebody who did nothing.
APART = {"since": "2015-02-20", "until": "2015-03-06"}
ELSEWHERE = {"since": "2015-04-01", "until": "2015-04-02"}
FILES = [("/log/export/", "csv"), ("/log/export/", "jsonl"), ("/log/evidence/", ""), ("/log/print/", "")]


@pytest.mark.parametrize(("address", "form"), FILES)
def test_a_file_says_so_in_its_name_its_header_and_inside(
    address: str, form: str, old_log: Counts, browse: Callable[[User], Client]
) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        client = browse(officer)
        only = {"form": form} if form else {"actor": officer.username}
        answer = client.get(address, {**APART, **only})
        name, data = _file(answer)
        other = client.get(address, {**ELSEWHERE, **only})
        other_name, other_data = _file(other)
        details = [event.detail or {} for event in Event.objects.filter(actor_id=officer.pk)]
    assert "-without-2015-03." in name
    assert answer["X-Archived-Months"] == "2015-03"
    assert "without" not in other_name
    assert "X-Archived-Months" not in other
    if form == "csv":  # a table and nothing else
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
        assert {len(row) for row in rows} == {len(exporting.HEAD)}
        assert len(rows) > 1
    if form == "jsonl":
        [told] = json.loads(data.splitlines()[-1])["archived"]
        assert (told["month"], told["events"]) == ("2015-03", 11)
        assert b'"archived"' not in other_data
    if "print" in address:
        assert "What happened in March 2015 is kept in the archive" in text_of(data)
        assert "archive" not in text_of(other_data)
    else:
        assert [detail["absent"] for detail in details if "absent" in detail] == [["2015-03"], []]


def test_a_bundle_lists_them_and_its_script_names_them(
    old_log: Counts, browse: Callable[[User], Client], tmp_path: Path
) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        _, data = _file(browse(officer).get("/log/evidence/", {**APART, "actor": officer.username}))
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    [told] = json.loads((tmp_path / "bundle.json").read_text())["archived"]
    assert told["file"].startswith("access-log-2015-03.jsonl.gz")
    assert "2015-03: 11 events in access-log-2015-03.jsonl.gz" in (tmp_path / "README.txt").read_text()
    command = [sys.executable, "-I", "-S", str(tmp_path / "verify.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Not in this bundle: 11 events of 2015-03, archived in access-log-2015-03.jsonl.gz" in done.stdout
    assert done.returncode == 0, done.stdout + done.stderr


def test_files_of_the_api_say_so(old_log: Counts, api: Callable[[User], APIClient]) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        program = api(officer)
        answer = program.get("/api/v1/audit/export/", {"from": "2015-03-05", "to": "2015-03-06"})
        name, data = _file(answer)
        assert name.endswith("-without-2015-03.jsonl")
        assert answer["X-Archived-Months"] == "2015-03"
        assert [list(json.loads(line)) for line in data.splitlines()] == [["archived"]]
        answer = program.get("/api/v1/audit/fhir/AuditEvent?date=ge2015-03-05&date=le2015-03-06")
        assert answer["X-Archived-Months"] == "2015-03"
        assert "X-Archived-Months" not in program.get("/api/v1/audit/fhir/AuditEvent?date=ge2016-03-05")


def test_a_file_over_several_months_is_named_by_the_first_and_the_last(
    old_log: Counts, browse: Callable[[User], Client]
) -> None:
    services.archive(FEBRUARY)
    services.archive(MARCH)
    with an_officer() as officer:
        answer = browse(officer).get("/log/export/", {"period": "all"})
        name, _ = _file(answer)
    assert name.endswith("-without-2015-02-to-2015-03.csv")
    assert answer["X-Archived-Months"] == "2015-02, 2015-03"


def test_the_patients_paper_does_not_say_that_nobody_looked(
    old_log: Counts, browse: Callable[[User], Client]
) -> None:
    services.archive(MARCH)
    with an_officer() as officer:
        chart, client = PatientFactory.create(), browse(officer)
        address = f"/log/chart/{chart.pk}/for-the-patient/"
        days, other = ({"since": f"2015-{n}-05", "until": f"2015-{n}-06"} for n in ("03", "04"))
        page = client.get(address, days).content.decode()
        assert "What happened in March 2015 is kept in the archive and is not in this list." in page
        assert "Nobody opened this chart" not in page
        words = text_of(client.get(address, {**days, "format": "pdf"}).content)
        assert "What happened in March 2015 is kept in the archive" in words
        assert "Nobody opened your chart" not in words
        page = client.get(address, other).content.decode()
        assert "Nobody opened this chart" in page
        assert "kept in the archive" not in page
