"""An explainer that raises an error takes nothing down: the others answer, and everybody is told what is missing."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from audit import explaining
from audit.explaining import Access, explain
from audit.models import Event
from audit.review import services
from audit.review.models import Alert
from audit.services import record
from common.notices.queries import notices_of
from patients.models import Encounter, Patient
from tests.audit.breaking import BROKEN, VICTIM, WORDS, break_explainer
from tests.audit.watch.making import looked
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.support import events

Browse = Callable[[User], Client]


@pytest.fixture(autouse=True)
def nothing_told_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explaining, "_told", {})


@pytest.fixture
def chart(clinician: User) -> Patient:
    """The clinician attends her; nobody else has anything to do with her."""
    encounter: Encounter = EncounterFactory.create(
        attending=clinician, patient=PatientFactory.create(family="Quillfeather")
    )
    return encounter.patient


def look(user: User, chart: Patient) -> Event:
    record("patient.viewed", by=user, patient=chart.pk)
    return Event.objects.latest("id")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    break_explainer(monkeypatch)


@pytest.fixture
def short_patience(db: None) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = '300ms'")
    yield
    with connection.cursor() as cursor:
        cursor.execute("set local statement_timeout = 0")


def _plan_cache_mode() -> str:
    with connection.cursor() as cursor:
        cursor.execute("show plan_cache_mode")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("few", [explaining.FEW, 0])  # by a plan that is kept, and by one for the day
def test_the_others_answer(
    how: str,
    few: int,
    clinician: User,
    clerk: User,
    chart: Patient,
    monkeypatch: pytest.MonkeyPatch,
    short_patience: None,
) -> None:
    monkeypatch.setattr(explaining, "FEW", few)
    good, bare = look(clinician, chart), look(clerk, chart)
    asked = [access for access in map(Access.of, (good, bare)) if access]
    mode, before = _plan_cache_mode(), explain(asked)
    assert before.missing == ()
    assert not events("explainer.failed")
    break_explainer(monkeypatch, how)
    found = explain(asked)
    assert found == before
    assert [one.kind for one in found[good.pk]] == ["attending"]
    assert found.missing == (VICTIM,)
    [event] = events("explainer.failed")
    assert (event.reason, event.outcome, event.actor) == (VICTIM, "failed", "system:log")
    assert _plan_cache_mode() == mode  # the transaction goes on, and so do its settings


def test_several_may_fail(clinician: User, chart: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access.of(look(clinician, chart))
    assert access
    break_explainer(monkeypatch, "no such column", "attending")
    break_explainer(monkeypatch, "Python", "case")
    found = explain([access])
    assert found == {}
    assert found.missing == ("attending", "case")
    assert {event.reason for event in events("explainer.failed")} == {"attending", "case"}


def test_it_is_told_once_an_hour(
    clinician: User,
    chart: Patient,
    broken: None,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    access = Access.of(look(clinician, chart))
    assert access
    now = [1000.0]
    monkeypatch.setattr(explaining.time, "monotonic", lambda: now[0])

    def ask_once() -> None:
        with django_capture_on_commit_callbacks(execute=True):
            explain([access])

    with pytest.raises(RuntimeError), transaction.atomic():
        explain([access])
        raise RuntimeError("rolled back: nothing was told")
    assert not events("explainer.failed")
    for seconds, told in ((0, 1), (3599, 1), (3601, 2), (3602, 2)):
        now[0] = 1000.0 + seconds
        ask_once()
        assert len(events("explainer.failed")) == told
    assert caplog.text.count("The explainer 'consult' raised an error") == 3  # the one rolled back too


def test_a_database_that_is_gone_is_no_explainers_fault(
    clinician: User, chart: Patient, broken: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access.of(look(clinician, chart))
    assert access
    monkeypatch.setattr(connection, "is_usable", lambda: False)
    with pytest.raises(DatabaseError), transaction.atomic():
        explain([access])


def test_every_page_and_file_says_what_is_missing(
    compliance: User,
    supervisor: User,
    clinician: User,
    clerk: User,
    chart: Patient,
    browse: Browse,
    api: Callable[[User], APIClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    look(clinician, chart)
    bare = look(clerk, chart)
    browser, program = browse(compliance), api(compliance)
    pages = [
        (browser, f"/log/?actor={clerk.username}"),
        (browser, f"/log/?actor={clerk.username}&explained=unexplained"),
        (browser, f"/log/?actor={clinician.username}&explained=unexplained"),  # an empty list too
        (browser, f"/log/{bare.pk}/"),
        (browser, f"/log/person/?who={clerk.username}"),
        (browse(supervisor), f"/log/chart/{chart.pk}/"),
        (browse(supervisor), f"/log/chart/{chart.pk}/timeline/"),
    ]
    for client, address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert WORDS not in answer.content.decode(), address
    break_explainer(monkeypatch)
    for client, address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert WORDS in answer.content.decode(), address
    assert "Nothing that the hospital knew then" not in browser.get(f"/log/{bare.pk}/").content.decode()
    events_of = program.get(
        "/api/v1/audit/events/", {"actor": clerk.username, "action": "view", "explain": "1"}
    )
    assert events_of.json()["results"][0]["explanations_missing"] == [VICTIM]
    one = program.get(f"/api/v1/audit/events/{bare.pk}/").json()
    assert (one["standing"], one["explanations_missing"]) == ("unexplained", [VICTIM])
    query = {"actor": clerk.username, "action": "view"}
    sheet = b"".join(browser.get("/log/export/", query).streaming_content).decode("utf-8-sig")  # type: ignore[arg-type]
    assert [row["explanations_missing"] for row in csv.DictReader(io.StringIO(sheet))][-1] == VICTIM
    lines = b"".join(browser.get("/log/export/", {**query, "form": "jsonl"}).streaming_content)  # type: ignore[arg-type]
    assert json.loads(lines.splitlines()[-1])["explanations_missing"] == [VICTIM]


def test_the_watch_raises_nothing_half_blind_without_saying_so(
    compliance: User, browse: Browse, api: Callable[[User], APIClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    chart: Patient = PatientFactory.create(family="Plumtree", given="Una")
    clerk = make_user(Role.RECORDS_CLERK, name="Cora Plumtree")
    looked(clerk, chart)
    break_explainer(monkeypatch)
    run = services.run_watch(week_on=timezone.localdate())
    assert run.missing == [VICTIM]
    [alert] = Alert.objects.all()
    assert alert.missing == [VICTIM]
    [event] = events("watch.ran", about=run)
    assert event.detail
    assert event.detail["explanations_missing"] == [VICTIM]
    [notice] = notices_of(compliance.pk)
    assert WORDS in notice.text
    client = browse(compliance)
    assert WORDS in client.get(f"/log/watch/?week={run.week_on}").content.decode()
    page = client.get(alert.get_absolute_url()).content.decode()
    assert WORDS in page
    assert "When this alert was raised" not in page
    rows = api(compliance).get("/api/v1/audit/alerts/", {"week": str(run.week_on)}).json()["results"]
    assert rows[0]["explanations_missing"] == [VICTIM]
    monkeypatch.undo()
    assert f"When this alert was raised: {WORDS}" in client.get(alert.get_absolute_url()).content.decode()
    again = services.run_watch(week_on=timezone.localdate())
    alert.refresh_from_db()
    assert (again.missing, alert.missing) == ([], [])
    assert WORDS not in client.get(alert.get_absolute_url()).content.decode()
    assert WORDS not in client.get(f"/log/watch/?week={run.week_on}").content.decode()
