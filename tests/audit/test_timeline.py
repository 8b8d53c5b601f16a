"""Timelines: like looks are one line, no event is lost or told twice, and a line is not cut where a page ends."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.review import folding, services, telling
from audit.review.folding import PAUSE
from audit.review.services import timeline as timeline_verbs
from audit.services import record
from common.ids import uuid7
from patients.models import Patient
from records.documents.models import Document
from tests.factories import EncounterFactory, make_user
from tests.records.documents.conftest import file
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]
PEOPLE, CHARTS, THINGS = [uuid7(), uuid7()], [uuid7(), uuid7()], [str(uuid7()), str(uuid7())]
START = datetime(2026, 6, 15, tzinfo=UTC)


def made(
    number: int, at: datetime, kind: str = "view", who: int = 0, chart: int = 0, thing: int | None = None
) -> Event:
    """An event that stands in no table."""
    return Event(
        id=number,
        at=at,
        event={"view": "document.page_viewed", "search": "patient.searched"}.get(kind, "document.printed"),
        action=kind,
        actor_id=PEOPLE[who],
        actor=f"p{who}",
        patient_id=None if kind == "search" else CHARTS[chart],
        object_type="patients.patient" if thing is None else folding.DOCUMENT,
        object_id="" if thing is None else THINGS[thing],
        outcome="success",
    )


streams = st.lists(
    st.tuples(
        st.integers(0, 40 * 60),  # seconds after the one before
        st.sampled_from(["view", "view", "view", "search", "print"]),
        st.integers(0, 1),
        st.integers(0, 1),
        st.sampled_from([None, 0, 1]),
    ),
    max_size=60,
)


def rows_of(stream: list[Any]) -> list[Event]:
    """Newest first."""
    at, rows = START, []
    for number, (seconds, kind, who, chart, thing) in enumerate(stream):
        at += timedelta(seconds=seconds)
        rows.append(made(number, at, kind, who, chart, thing))
    return rows[::-1]


@given(streams)
def test_folding_loses_nothing_and_tells_nothing_twice(stream: list[Any]) -> None:
    rows = rows_of(stream)
    groups = folding.fold(rows)
    told = [event.pk for group in groups for event in group.events]
    assert sorted(told) == sorted(row.pk for row in rows)
    assert [group.newest.pk for group in groups] == sorted(
        (group.newest.pk for group in groups), reverse=True
    )
    for group in groups:
        assert len({folding.key_of(event) for event in group.events}) == 1
        assert len(group.events) == 1 or folding.key_of(group.newest) is not None
        gaps = [later.at - earlier.at for later, earlier in zip(group.events, group.events[1:], strict=False)]
        assert all(timedelta(0) <= gap <= PAUSE for gap in gaps)


@given(streams, st.integers(1, 12), st.integers(0, 20))
def test_pages_together_tell_what_one_page_would(stream: list[Any], size: int, more: int) -> None:
    """Unless there was no pause within `most` events, and then still nothing is lost or told twice."""
    rows = rows_of(stream)
    whole = [[event.pk for event in group.events] for group in folding.fold(rows)]
    left, pages, was_cut = rows, [], False
    while left:
        end = folding.page_end(left[: size + more + 1], size=size, most=size + more)
        assert 1 <= end <= size + more
        pages += [[event.pk for event in group.events] for group in folding.fold(left[:end])]
        was_cut |= end < len(left) and left[end - 1].at - left[end].at <= PAUSE
        left = left[end:]
    assert sorted(key for group in pages for key in group) == sorted(row.pk for row in rows)
    if not was_cut:
        assert pages == whole


def test_what_is_told_of_a_document() -> None:
    rows = []
    for number in range(12):
        event = made(number, START + timedelta(seconds=16 * number), thing=0)
        event.detail = {"version": 1, "page": number + 1, "size": "view"}
        small = made(100 + number, event.at, thing=0)
        small.detail = {"version": 1, "page": 40 + number, "size": "thumbnail"}
        rows += [event, small]
    [group] = folding.fold(rows[::-1])
    assert (group.pages, telling.duration(group.took)) == (12, "3 min")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, ""), (59, "59 s"), (60, "1 min"), (3_599, "1 h"), (3_600, "1 h"), (3_900, "1 h 5 min")],
)
def test_durations(seconds: int, words: str) -> None:
    assert telling.duration(timedelta(seconds=seconds)) == words


@pytest.fixture
def chart(clinician: User) -> Patient:
    patient: Patient = EncounterFactory.create(attending=clinician).patient
    return patient


@pytest.fixture
def letter(clerk: User, chart: Patient) -> Document:
    return file(clerk, chart, b"%PDF-1.4 a letter", title="Discharge summary")


def read(user: User, document: Document, pages: int) -> None:
    record("document.viewed", by=user, patient=document.patient_id, about=document)
    for page in range(1, pages + 1):
        record(
            "document.page_viewed",
            by=user,
            patient=document.patient_id,
            about=document,
            detail={"version": 1, "page": page, "size": "view"},
        )


def lines_of(answer: Any) -> list[telling.TimelineLine]:
    return [line for day in answer.context["days"] for line in day.lines]


def test_forty_page_views_are_one_line_that_unfolds(
    compliance: User, clinician: User, chart: Patient, letter: Document, browse: Browse
) -> None:
    read(clinician, letter, 40)
    record("document.printed", by=clinician, patient=chart.pk, about=letter)
    answer = browse(compliance).get(f"/log/chart/{chart.pk}/timeline/")
    told = {line.words.partition(", 40 pages")[0]: line for line in lines_of(answer)}
    assert len(told["read “Discharge summary”"].group.events) == 41
    assert "printed the document" in told
    page = answer.content.decode()
    assert "41 events" in page
    for event in Event.objects.filter(event="document.page_viewed"):
        assert f"/log/{event.pk}/" in page
    [look] = events("log.chart_access_viewed", actor_id=compliance.pk)
    assert (look.patient_id, look.detail and look.detail["as"]) == (chart.pk, "timeline")


def test_a_line_of_which_one_look_is_unexplained_is_unexplained(
    compliance: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    for _ in range(3):
        record("patient.viewed", by=clerk, patient=chart.pk)
    [line] = [
        line
        for line in lines_of(browse(compliance).get(f"/log/chart/{chart.pk}/timeline/"))
        if line.event.actor_id == clerk.pk
    ]
    assert line.words == "looked at the chart, 3 times"
    assert line.explained is not None
    assert line.explained.standing == "unexplained"


def test_the_pages_of_a_long_timeline_hold_every_event_once(
    compliance: User,
    clinician: User,
    clerk: User,
    chart: Patient,
    letter: Document,
    browse: Browse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timeline_verbs, "SIZE", 7)
    monkeypatch.setattr(timeline_verbs, "MOST", 11)
    for number in range(9):
        read(clinician if number % 2 else clerk, letter, 3)
    everything = set(Event.objects.filter(patient_id=chart.pk).values_list("pk", flat=True))
    client = browse(compliance)
    told: list[int] = []
    address = f"/log/chart/{chart.pk}/timeline/"
    before = f"/log/chart/{chart.pk}/timeline/"
    for _ in range(40):
        answer = client.get(address)
        told += [event.pk for line in lines_of(answer) for event in line.group.events]
        if not answer.context["older_url"]:
            break
        assert "may go on on the next page" in answer.content.decode()
        address = before + answer.context["older_url"]
    assert len(told) == len(set(told))
    assert everything <= set(told)


def test_a_person_s_week(
    compliance: User, clinician: User, clerk: User, chart: Patient, letter: Document, browse: Browse
) -> None:
    read(clinician, letter, 5)
    for _ in range(4):
        record("patient.searched", by=clinician, patients=[chart.pk])
    record(
        "patient.viewed", by=clinician, patient=chart.pk, about=chart, outcome="denied", reason="chart_denied"
    )
    answer = browse(compliance).get("/log/person/", {"who": clinician.username.upper()})
    words = [line.words for line in lines_of(answer)]
    assert words[0] == "was refused a chart"
    assert words[1].startswith("searched, 4 times")
    assert words[2].startswith("read “Discharge summary”, 5 pages")
    assert all(line.event.actor_id == clinician.pk for line in lines_of(answer))
    [look] = events("log.person_viewed", actor_id=compliance.pk)
    assert look.patient_ids == [chart.pk]
    assert look.object_id == str(clinician.pk)


@pytest.mark.parametrize("week", ["", "2026-11-25", "tomorrow", "9999-12-31", "0001-01-01", "2026-02-30"])
def test_a_week_is_asked_for_by_one_of_its_days(
    week: str, compliance: User, clinician: User, browse: Browse
) -> None:
    answer = browse(compliance).get("/log/person/", {"who": clinician.username, "week": week})
    assert answer.status_code == 200
    assert answer.context["monday"].weekday() == 0


def test_the_week_before_is_another_one(
    compliance: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    record("patient.viewed", by=clinician, patient=chart.pk)
    client = browse(compliance)
    before = timezone.localdate() - timedelta(days=7)
    assert not lines_of(client.get("/log/person/", {"who": clinician.username, "week": before.isoformat()}))
    assert lines_of(
        client.get("/log/person/", {"who": clinician.username, "week": timezone.localdate().isoformat()})
    )


def test_nobody_of_this_name(compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    assert client.get("/log/person/").status_code == 200
    answer = client.get("/log/person/", {"who": "nobody-here"})
    assert answer.status_code == 422
    assert "Nobody here has this user name" in answer.content.decode()
    assert not events("log.person_viewed", actor_id=compliance.pk)


def test_a_supervisor_sees_a_chart_s_timeline_and_nobody_s_week(
    supervisor: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    record("patient.viewed", by=clinician, patient=chart.pk)
    client = browse(supervisor)
    page = client.get(f"/log/chart/{chart.pk}/timeline/")
    assert lines_of(page)
    assert f"/log/{Event.objects.latest('id').pk - 1}/" not in page.content.decode()
    assert client.get("/log/person/", {"who": clinician.username}).status_code == 403


@pytest.mark.parametrize("pages", [2, 60])
def test_a_timeline_takes_few_queries_however_long(
    pages: int, compliance: User, clinician: User, chart: Patient, letter: Document, browse: Browse
) -> None:
    read(clinician, letter, pages)
    client = browse(compliance)
    client.get(f"/log/chart/{chart.pk}/timeline/")
    with at_most_queries(13):
        client.get(f"/log/chart/{chart.pk}/timeline/")
    with at_most_queries(13):
        client.get("/log/person/", {"who": clinician.username})


HOSTILE = ["<script>alert(1)</script>", "“”\u202e\u0000x", "{{ 7*7 }}", "'\"><img src=x>"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_stay_words(
    text: str, compliance: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    document = file(clerk, chart, b"%PDF-1.4 a letter", title=text.replace("\0", ""))
    other = make_user(Role.CLINICIAN, username=text.replace("\0", "")[:50])
    record("document.viewed", by=other, patient=chart.pk, about=document, reason=text)
    for address in (f"/log/chart/{chart.pk}/timeline/", "/log/person/?who=x"):
        page = browse(compliance).get(address).content.decode()
        assert "<script>alert" not in page
        assert "<img src=x>" not in page
        assert ">49<" not in page


def test_the_long_day_is_one_day(db: None) -> None:
    """When clocks are set back, both one o'clocks stand under the same date, in their order."""
    first = made(1, datetime(2026, 11, 1, 6, 30, tzinfo=UTC), "print")
    second = made(2, datetime(2026, 11, 1, 7, 30, tzinfo=UTC), "print")
    with timezone.override("America/Chicago"):
        [day] = telling.days(services.Timeline(folding.fold([second, first])))
    assert [line.event.pk for line in day.lines] == [2, 1]
