"""The access log: what a compliance officer asks, and what the look itself leaves behind."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.review import keyset, services
from audit.review.keyset import Order
from audit.review.questions import Question, branches
from audit.services import record
from patients import services as patients
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.support import events

Browse = Callable[[User], Client]


def _look(user: User, patient_id: UUID, times: int = 1, **more: Any) -> None:
    for _ in range(times):
        record("patient.viewed", by=user, patient=patient_id, **more)


def test_the_officer_sees_who_opened_a_chart_and_why(
    compliance: User, clinician: User, browse: Browse
) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    patients.open_chart(by=clinician, patient_id=patient.pk)
    page = browse(compliance).get("/log/", {"patient": patient.mrn_display}).content.decode()
    assert clinician.username in page
    assert "opened the chart" in page
    assert "attending: encounter" in page
    assert "Clinician" in page
    assert patient.display_name in page


def test_looking_into_the_log_is_a_look(compliance: User, clerk: User, browse: Browse) -> None:
    """Invariant 1: the event says what was asked and whose charts the answer named."""
    patient, other = PatientFactory.create(), PatientFactory.create()
    _look(clerk, patient.pk)
    _look(clerk, other.pk)
    browse(compliance).get("/log/", {"actor": clerk.username, "action": "view"})
    [event] = events("log.viewed", actor_id=compliance.pk)
    assert event.action == "review"
    assert set(event.patient_ids or []) == {patient.pk, other.pk}
    assert event.detail is not None
    assert event.detail["asked"]["actor"] == clerk.username
    assert event.detail["shown"] == 2


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COMPLIANCE_OFFICER])
@pytest.mark.parametrize("address", ["/log/", "/log/export/", "/log/1/"])
def test_nobody_else_reads_the_log(role: Role, address: str, browse: Browse, db: None) -> None:
    user = make_user(role)
    assert browse(user).get(address).status_code == 403
    assert events("access.denied", actor_id=user.pk)
    assert not events("log.viewed", actor_id=user.pk)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ({"actor": "WHO"}, {"a", "b", "c", "e"}),
        ({"actor": "nobody-of-this-name"}, set()),
        ({"action": "search"}, {"c"}),
        ({"event": "patient.viewed"}, {"a", "b", "d"}),
        ({"outcome": "denied"}, {"b"}),
        ({"request": "ref-12345678"}, {"d"}),
        ({"object": "missing"}, set()),
        ({"patient": "HERS"}, {"a", "c"}),
        ({"patient": "HERS", "actor": "WHO", "action": "view"}, {"a"}),
    ],
)
def test_each_condition_narrows(
    question: dict[str, str], found: set[str], compliance: User, clerk: User, browse: Browse
) -> None:
    from audit import context

    hers, his = PatientFactory.create(), PatientFactory.create()
    other = make_user(Role.ROI_SPECIALIST)
    start = Event.objects.order_by("-id").values_list("id", flat=True)[0]
    record("patient.viewed", by=clerk, patient=hers.pk, reason="a")
    record("patient.viewed", by=clerk, patient=his.pk, reason="b", outcome="denied")
    record("patient.searched", by=clerk, patients=[hers.pk, his.pk], reason="c")
    with context.use(request_id="ref-12345678"):
        record("patient.viewed", by=other, patient=his.pk, reason="d")
    record("user.sign_in_failed", by=None, actor=clerk.username.upper(), outcome="failed", reason="e")
    words = {"WHO": clerk.username.upper(), "HERS": hers.mrn}
    asked = {name: words.get(value, value) for name, value in question.items()}
    context_shown = browse(compliance).get("/log/", asked).context
    rows = [line.event for line in context_shown["lines"]]
    rows += [event for line in context_shown["lines"] for event in line.folded]
    assert {row.reason for row in rows if row.id > start} == found
    assert len(context_shown["lines"]) >= len(found)


def test_dates_bound_the_answer(compliance: User, clerk: User, browse: Browse) -> None:
    _look(clerk, PatientFactory.create().pk)
    client = browse(compliance)
    today = timezone.localdate()
    shown = client.get("/log/", {"actor": clerk.username, "since": today, "until": today}).context["lines"]
    assert shown
    tomorrow = today + timedelta(days=1)
    assert not client.get("/log/", {"actor": clerk.username, "since": tomorrow}).context["lines"]
    wrong = client.get("/log/", {"since": tomorrow, "until": today})
    assert wrong.status_code == 422
    assert "lies before" in wrong.content.decode()


@pytest.mark.parametrize("text", ["no such number", "00000000", "\x00", "é" * 60, "%s", "' or 1=1"])
def test_a_number_nobody_has_is_said_so(text: str, compliance: User, browse: Browse) -> None:
    answer = browse(compliance).get("/log/", {"patient": text})
    assert answer.status_code == 422
    assert "lines" not in answer.context


def test_repeated_looks_fold_into_one_row(compliance: User, clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create()
    _look(clerk, patient.pk, times=5)
    answer = browse(compliance).get("/log/", {"patient": patient.mrn, "event": "patient.viewed"})
    [line] = answer.context["lines"]
    assert line.times == 5
    assert "5 times in a row" in answer.content.decode()


@pytest.mark.parametrize(
    "sort", ["at", "-at", "actor", "-actor", "event", "-outcome", "patient", "-patient", "reason"]
)
def test_pages_cover_every_event_once_both_ways(sort: str, compliance: User, browse: Browse) -> None:
    """Forth to the end and back again shows the same rows, whatever the column; some have no patient."""
    people = [make_user(Role.RECORDS_CLERK) for _ in range(3)]
    charts = [PatientFactory.create().pk for _ in range(3)]
    for number in range(125):
        record(
            ("patient.viewed", "patient.searched", "encounter.listed")[number % 3],
            by=people[number % 3],
            patient=charts[number % 2] if number % 5 else None,
            reason=f"row {number % 7}",
            outcome=("success", "denied")[number % 2],
        )
    expected = set(Event.objects.exclude(event__startswith="log.").values_list("id", flat=True))
    client = browse(compliance)
    address = "/log/"
    params: dict[str, str] | None = {"sort": sort, "period": "day"}
    forth: list[list[int]] = []
    while True:
        context = client.get(address, params).context
        forth.append([row.id for line in context["lines"] for row in [line.event, *line.folded]])
        if not context["next_url"]:
            break
        address, params = "/log/" + context["next_url"], None
    seen = [key for page in forth for key in page if key in expected]
    assert len(seen) == len(set(seen))
    assert set(seen) == expected
    back = [forth[-1]]
    while context["previous_url"]:
        context = client.get("/log/" + context["previous_url"]).context
        back.append([row.id for line in context["lines"] for row in [line.event, *line.folded]])
    logged = set(Event.objects.filter(event__startswith="log.").values_list("id", flat=True))
    assert [k for page in reversed(back) for k in page if k not in logged] == seen


@pytest.mark.parametrize(
    "cursor", ["a", "b99999999999999999999", "x1", "a-1", "a1; drop", "\x00", "a999999999999"]
)
def test_a_made_up_cursor_starts_at_the_top(cursor: str, compliance: User, browse: Browse) -> None:
    answer = browse(compliance).get("/log/", {"cursor": cursor})
    assert answer.status_code == 200
    assert answer.context["lines"]
    assert not answer.context["previous_url"]


def test_the_whole_event_shows_before_and_after(compliance: User, clerk: User, browse: Browse) -> None:
    patient = PatientFactory.create(given="Ada")
    patients.update_patient(by=clerk, patient_id=patient.pk, given="Adah")
    event = events("patient.updated", about=patient)[-1]
    answer = browse(compliance).get(f"/log/{event.pk}/")
    page = answer.content.decode()
    assert re.search(r"given</th>\s*<td[^>]*>Ada</td>\s*<td[^>]*>Adah</td>", page)
    assert clerk.username in page
    assert "Records clerk" in page
    [look] = events("log.event_viewed", actor_id=compliance.pk)
    assert look.patient_id == patient.pk
    assert look.detail == {"id": event.pk, "event": "patient.updated"}


@pytest.mark.parametrize("number", ["0", "999999999999", "9" * 40])
def test_an_event_that_is_not_there(number: str, compliance: User, browse: Browse) -> None:
    assert browse(compliance).get(f"/log/{number}/").status_code == 404


def test_text_of_an_event_is_shown_as_text(compliance: User, browse: Browse) -> None:
    record(
        "user.sign_in_failed", by=None, actor="<script>alert(1)</script>", outcome="failed", reason="<b>x</b>"
    )
    page = browse(compliance).get("/log/", {"action": "sign-in-failed"}).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_page_needs_few_queries(
    compliance: User, clerk: User, browse: Browse, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(30):
        _look(clerk, PatientFactory.create().pk)
    client = browse(compliance)
    client.get("/log/")
    with django_assert_max_num_queries(15):
        assert client.get("/log/").context["shown"] == 50


def _plan(question: Question) -> str:
    """How PostgreSQL would answer, told to avoid reading whole tables if it can."""
    with connection.cursor() as cursor:
        cursor.execute("set local enable_seqscan = off")
        text = []
        for branch in branches(question):
            sql, params = branch.order_by("-at", "-id")[:51].query.sql_with_params()
            cursor.execute(f"explain {sql}", params)
            text += [row[0] for row in cursor.fetchall()]
    return "\n".join(text)


def test_who_opened_a_chart_reads_no_whole_table(compliance: User) -> None:
    """UNION ALL of the two index paths; never a sequential scan."""
    plan = _plan(Question(patient=PatientFactory.create().pk))
    assert "Seq Scan" not in plan
    assert "patient_id_at_idx" in plan
    assert "patient_ids_idx" in plan


def test_what_a_person_did_reads_no_whole_table(clerk: User) -> None:
    plan = _plan(Question(actor=clerk.username))
    assert "Seq Scan" not in plan
    assert "actor_id_date_trunc_idx" in plan


def test_a_person_s_week_is_asked_for_by_the_days_of_the_index(clerk: User) -> None:
    """An interface writes ten thousand events a day: what is asked for is not its whole month."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("select pg_get_indexdef('audit_event_actor'::regclass)")
        (definition,) = cursor.fetchone()
    day = "date_trunc('day'::text, (at AT TIME ZONE 'UTC'::text))"
    assert f"(actor_id, {day})" in definition
    plan = _plan(Question(actor=clerk.username, since=now - timedelta(days=7), until=now))
    assert f"({day} >= " in plan
    assert f"({day} <= " in plan


def test_the_first_and_last_day_of_what_a_person_did_are_whole(clerk: User, compliance: User) -> None:
    """Its days are those of UTC, its ends instants: nothing at the edges is lost, nothing beyond them shown."""
    _look(clerk, PatientFactory.create().pk)
    at = Event.objects.filter(actor_id=clerk.pk).latest("id").at
    zone = ZoneInfo("Pacific/Kiritimati")
    least = timedelta(microseconds=1)
    for since, until, found in (
        (at, at + least, 1),
        (at - timedelta(days=1), at, 0),
        (at + least, at + timedelta(days=1), 0),
        (at.astimezone(zone), (at + least).astimezone(zone), 1),
    ):
        asked = Question(actor=clerk.username, event="patient.viewed", since=since, until=until)
        assert len(services.view_log(by=compliance, question=asked).page.rows) == found


def test_a_period_reads_only_its_months(db: None) -> None:
    """Partitions that cannot hold an answer are left alone."""
    plan = _plan(Question(since=timezone.now() - timedelta(days=1)))
    this_month = f"audit_event_{timezone.now():%Y%m}"
    later = f"audit_event_{timezone.now() + timedelta(days=70):%Y%m}"
    assert this_month in plan
    ended = _plan(Question(since=timezone.now() - timedelta(hours=1), until=timezone.now()))
    assert later not in ended


def test_a_chart_closed_to_the_reader_stays_an_id(
    compliance: User, clerk: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from patients.models import Patient

    patient = PatientFactory.create()
    _look(clerk, patient.pk)
    monkeypatch.setattr("patients.access.visible_to", lambda user: Patient.objects.none())
    answer = services.view_log(by=compliance, question=Question(patient=patient.pk))
    assert not answer.patients
    assert answer.page.rows[0].patient_id == patient.pk


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.RECORDS_SUPERVISOR, 200),
        (Role.COMPLIANCE_OFFICER, 200),
        (Role.RECORDS_CLERK, 403),
        (Role.ROI_SPECIALIST, 403),
        (Role.CLINICIAN, 403),
        (Role.ADMINISTRATOR, 403),
    ],
)
def test_who_sees_who_looked(role: Role, status: int, browse: Browse, clerk: User) -> None:
    patient = PatientFactory.create()
    _look(clerk, patient.pk)
    user = make_user(role)
    answer = browse(user).get(f"/log/chart/{patient.pk}/")
    assert answer.status_code == status
    assert len(events("log.chart_access_viewed", actor_id=user.pk, patient_id=patient.pk)) == (status == 200)
    if status == 200:
        assert clerk.username in answer.content.decode()


def test_the_attending_does_not_see_who_looked_either(clinician: User, browse: Browse) -> None:
    patient = EncounterFactory.create(attending=clinician).patient
    assert browse(clinician).get(f"/log/chart/{patient.pk}/").status_code == 403


def test_a_supervisor_learns_nothing_of_others_in_a_list(
    supervisor: User, clerk: User, browse: Browse
) -> None:
    patient, neighbour = PatientFactory.create(), PatientFactory.create(family="Neighbour")
    record("patient.searched", by=clerk, patients=[patient.pk, neighbour.pk], detail={"q": "Neighbour"})
    page = browse(supervisor).get(f"/log/chart/{patient.pk}/").content.decode()
    assert "among 2 shown" in page
    assert "Neighbour" not in page
    assert str(neighbour.pk) not in page


def test_order_is_whole_for_every_column() -> None:
    """Every key ends in the unique id, so that no row falls between two pages."""
    for key in keyset.SORTS:
        assert Order(key).columns[-1] == "id"
