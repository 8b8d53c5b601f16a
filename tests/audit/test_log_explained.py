"""Explanations on the pages, in the API and in files: explained, unexplained, spoken against (MON-1, MON-3)."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.review import sifting
from audit.review.forms import PAGE_SORTS, QuestionForm
from audit.review.keyset import SORTS, Order
from audit.services import record
from common.ids import uuid7
from patients.models import ChartRestriction, Encounter, OwnEntry, Patient, PatientStatus, Restriction
from tests.architecture.scene import content_of
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]


@pytest.fixture
def chart(clinician: User) -> Patient:
    """The clinician attends her; nobody else has anything to do with her."""
    encounter: Encounter = EncounterFactory.create(
        attending=clinician, patient=PatientFactory.create(family="Quillfeather")
    )
    return encounter.patient


def look(user: User, chart: Patient, **more: Any) -> Event:
    record("patient.viewed", by=user, patient=chart.pk, **more)
    return Event.objects.latest("id")


def own(user: User, chart: Patient) -> None:
    with transaction.atomic():
        OwnEntry.objects.create(user=user, patient=chart)
        record("chart.own_entry_set", by=user, patient=chart.pk)


def cells(answer: Any, event: Event) -> str:
    """The standing shown for this event; empty when it is no access."""
    for line in [*answer.context["lines"], *answer.context.get("on_top", [])]:
        if event.pk in {line.event.pk, *(other.pk for other in line.folded)}:
            return str(line.explained.standing) if line.explained else ""
    raise AssertionError("not shown")


def test_each_access_says_what_it_comes_to(
    compliance: User, clinician: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    own(make_user(Role.CLINICIAN), chart)
    relative = OwnEntry.objects.get().user
    good, bare, bad = look(clinician, chart), look(clerk, chart), look(relative, chart)
    record("patient.searched", by=clerk, patients=[chart.pk])
    answer = browse(compliance).get("/log/", {"patient": chart.mrn})
    assert cells(answer, good) == "explained"
    assert cells(answer, bare) == "unexplained"
    assert cells(answer, bad) == "contradicted"
    assert cells(answer, Event.objects.get(event="patient.searched")) == ""
    page = answer.content.decode()
    for words in ("Explained", "Unexplained", "Speaks against", "attending of encounter", "their own chart"):
        assert words in page


def _chips(page: str) -> list[str]:
    """What the chips that unfold the rows say to somebody who hears the page."""
    found = re.findall(r'<details class="unfold">\s*<summary>(.*?)</summary>', page, re.DOTALL)
    heard = [re.sub(r'<span aria-hidden="true">.*?</span>|<svg.*?</svg>', "", chip) for chip in found]
    return [" ".join(re.sub(r"<[^>]+>", " ", chip).split()) for chip in heard]


def test_a_chip_says_the_kind_and_the_row_every_reason(
    compliance: User, clinician: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    """One line for the eye; whoever hears the page, unfolds the row or prints it has all of it."""
    own(clinician, chart)
    look(clinician, chart)
    look(clerk, chart)
    record("patient.searched", by=clerk, patients=[chart.pk])
    page = browse(compliance).get("/log/", {"patient": chart.mrn, "action": "view"}).content.decode()
    assert _chips(page) == ["Unexplained", "Speaks against: Own chart and 1 more"]
    reasons = re.findall(r'<ul class="plain unfold-words">(.*?)</ul>', page, re.DOTALL)
    assert len(reasons) == 1
    against, explains = re.findall(r"<li>(.*?)</li>", reasons[0])
    assert "their own chart" in against
    assert "attending of encounter" in explains
    searched = browse(compliance).get("/log/", {"action": "search"}).content.decode()
    assert _chips(searched) == ["The whole row"]


def test_a_refusal_is_no_access(compliance: User, clerk: User, chart: Patient, browse: Browse) -> None:
    refused = look(clerk, chart, outcome="denied")
    assert cells(browse(compliance).get("/log/", {"patient": chart.mrn}), refused) == ""


@pytest.mark.parametrize("rows", [1, 40])
def test_explanations_cost_a_page_a_fixed_number_of_queries(
    rows: int, compliance: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    """Two more, however many rows and explainers: one for merged entries, one that asks all rooms."""
    for _ in range(rows):
        look(clinician, chart, reason=str(uuid7()))
    client = browse(compliance)
    client.get("/log/")
    with at_most_queries(12):
        assert len(client.get("/log/", {"actor": clinician.username}).context["lines"]) == rows + 1
    with at_most_queries(17):
        client.get(f"/log/chart/{chart.pk}/")


def test_the_chart_shows_what_nobody_explains_on_top(
    supervisor: User, clinician: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    """J8; a records supervisor may see it, and has no way into the log."""
    old = look(clerk, chart)
    for _ in range(60):
        look(clinician, chart, reason=str(uuid7()))
    answer = browse(supervisor).get(f"/log/chart/{chart.pk}/")
    assert [line.event.pk for line in answer.context["on_top"]] == [old.pk]
    assert answer.context["on_top_words"] == "1 not explained among 61 accesses looked at"
    page = answer.content.decode()
    assert page.index("To be asked about") < page.index("Who did what with this chart")
    assert f"/log/{old.pk}/" not in page


def test_a_chart_where_all_is_explained_shows_no_such_list(
    compliance: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    look(clinician, chart)
    answer = browse(compliance).get(f"/log/chart/{chart.pk}/")
    assert "on_top" not in answer.context
    assert "To be asked about" not in answer.content.decode()


def _shown(answer: Any) -> list[int]:
    rows = [line.event.pk for line in answer.context["lines"]]
    return rows + [other.pk for line in answer.context["lines"] for other in line.folded]


@pytest.mark.parametrize("of", ["chart", "person", "tab"])
def test_only_what_nothing_explains(
    of: str, compliance: User, clinician: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    bare = [look(clerk, chart).pk, look(clerk, chart).pk]
    look(clinician, chart)
    asked = {"chart": {"patient": chart.mrn}, "person": {"actor": clerk.username}, "tab": {}}[of]
    address = f"/log/chart/{chart.pk}/" if of == "tab" else "/log/"
    answer = browse(compliance).get(address, {**asked, "explained": "unexplained", "period": "all"})
    assert sorted(_shown(answer)) == bare
    assert "2 not explained among" in answer.content.decode()


def test_it_is_asked_of_one_chart_or_one_person(compliance: User, browse: Browse) -> None:
    answer = browse(compliance).get("/log/", {"explained": "unexplained"})
    assert answer.status_code == 422
    assert "Say whose chart, or who" in answer.content.decode()


@pytest.mark.parametrize("checked", [1, 3, 7, 100])
def test_going_on_finds_every_one_once_and_says_how_far(
    checked: int,
    compliance: User,
    clinician: User,
    clerk: User,
    chart: Patient,
    browse: Browse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Pages of what was looked at, not of what was found: an empty one still leads on."""
    monkeypatch.setattr(sifting, "CHECKED", checked)
    monkeypatch.setattr(sifting.sift, "__kwdefaults__", {"cursor": "", "checked": checked})
    bare = [look(clerk if number % 4 == 0 else clinician, chart).pk for number in range(17)][::4]
    client = browse(compliance)
    found: list[int] = []
    address, looked = f"/log/?patient={chart.mrn}&explained=unexplained", 0
    while address:
        answer = client.get(address)
        found += _shown(answer)
        looked += 1
        assert looked < 30
        address = f"/log/{answer.context['next_url']}" if answer.context["next_url"] else ""
        if address:
            assert "as far as" in answer.content.decode()
    assert found == sorted(bare, reverse=True)


def test_a_page_that_is_full_goes_on_after_its_last_row(
    compliance: User, clerk: User, chart: Patient
) -> None:
    from audit.review.questions import Question

    bare = [look(clerk, chart).pk for _ in range(5)]
    asked = Question(patient=chart.pk, is_unexplained=True)
    first = sifting.sift(asked, size=2)
    second = sifting.sift(asked, cursor=first.cursor, size=2)
    third = sifting.sift(asked, cursor=second.cursor, size=2)
    assert [row.pk for row in [*first.rows, *second.rows, *third.rows]] == bare[::-1]
    assert (first.checked, third.checked, third.cursor) == (2, 1, "")


def test_the_event_leads_to_the_evidence_by_right(
    compliance: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    """MON-3."""
    event = look(clinician, chart)
    link = f'href="/patients/{chart.pk}/encounters/"'
    page = browse(compliance).get(f"/log/{event.pk}/").content.decode()
    assert "attending of encounter" in page
    assert link in page
    with (
        transaction.atomic()
    ):  # closed to the officer: she is told that it was explained, and goes no further
        ChartRestriction.objects.create(
            patient=chart, kind=Restriction.PERSON, user=compliance, why="said so", set_by=clinician
        )
        record("chart.restricted", by=clinician, patient=chart.pk)
    page = browse(compliance).get(f"/log/{event.pk}/").content.decode()
    assert "attending of encounter" in page
    assert link not in page


def test_an_unexplained_event_says_so(compliance: User, clerk: User, chart: Patient, browse: Browse) -> None:
    event = look(clerk, chart)
    page = browse(compliance).get(f"/log/{event.pk}/").content.decode()
    assert "Nothing that the hospital knew then explains" in page


def test_the_api_explains_when_asked(
    compliance: User, clinician: User, clerk: User, chart: Patient, api: Callable[[User], APIClient]
) -> None:
    good, bare = look(clinician, chart), look(clerk, chart)
    record("patient.searched", by=clerk, patients=[chart.pk])
    client = api(compliance)
    address = "/api/v1/audit/events/"
    plain = client.get(address, {"patient": chart.pk}).json()["results"]
    assert all((row["standing"], row["explanations"]) == (None, []) for row in plain)
    rows = {
        row["id"]: row
        for row in client.get(address, {"patient": chart.pk, "explain": "true"}).json()["results"]
    }
    assert rows[str(good.pk)]["standing"] == "explained"
    [one] = rows[str(good.pk)]["explanations"]
    assert (one["kind"], one["verdict"]) == ("attending", "explained")
    assert one["evidence"].startswith("patients.encounter:")
    assert (rows[str(bare.pk)]["standing"], rows[str(bare.pk)]["explanations"]) == ("unexplained", [])
    searched = str(Event.objects.get(event="patient.searched").pk)
    assert (rows[searched]["standing"], rows[searched]["explanations"]) == (None, [])
    assert client.get(f"{address}{good.pk}/").json()["standing"] == "explained"
    assert client.get(address, {"explains": "true"}).status_code == 400
    assert client.get(address, {"explain": "perhaps"}).status_code == 400


HOSTILE = [
    "=cmd|'/c calc'!A1",
    "<script>alert(1)</script>",
    '"; drop table',
    "\u202egnp.exe",
    "+1",
    "@SUM(1)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_of_an_explanation_stay_words(
    text: str, compliance: User, clinician: User, chart: Patient, browse: Browse
) -> None:
    """Somebody's stated need, a unit's name: what people typed comes back in explanations."""
    with transaction.atomic():
        place = chart.encounters.get().location
        place.name = text
        place.save()
        record("location.added", by=clinician, patient=chart.pk)
    other = make_user(Role.CLINICIAN)
    told = f"unit: {text}, encounter {chart.encounters.get().number}"
    event = look(other, chart, reason=told)
    client = browse(compliance)
    for address in (f"/log/?patient={chart.mrn}", f"/log/{event.pk}/", f"/log/chart/{chart.pk}/"):
        assert "<script>alert" not in client.get(address).content.decode()
    file = content_of(client.get("/log/export/", {"patient": chart.mrn})).decode("utf-8-sig")
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(file))}
    row = rows[str(event.pk)]
    assert row["standing"] == "explained"
    assert row["explanation"] == f"works on {text}, encounter {chart.encounters.get().number}"
    assert not any(value.startswith(("=", "+", "@", "-")) for value in row.values() if value)


def test_a_file_of_what_nothing_explains_holds_nothing_else(
    compliance: User, clinician: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    look(clinician, chart)
    bare = look(clerk, chart)
    asked = {"patient": chart.mrn, "explained": "unexplained"}
    file = content_of(browse(compliance).get("/log/export/", asked)).decode("utf-8-sig")
    assert [row["id"] for row in csv.DictReader(io.StringIO(file))] == [str(bare.pk)]


@pytest.mark.parametrize("sort", [sign + key for key in PAGE_SORTS for sign in ("", "-")])
def test_the_page_sorts_by_each_element(
    sort: str, compliance: User, clinician: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    """45 CFR 170.315(d)(3)."""
    look(clinician, chart, reason="b", purpose="TREAT")
    look(clerk, chart, reason="a", purpose="HCOMPL", outcome="denied")
    look(clerk, PatientFactory.create(), reason="c")
    answer = browse(compliance).get("/log/", {"sort": sort})
    assert answer.status_code == 200
    key = sort.removeprefix("-")
    rows = [line.event for line in answer.context["lines"]]
    values = [tuple(getattr(row, column.partition("__")[0]) for column in SORTS[key]) for row in rows]
    values = [value for value in values if None not in value]
    assert values == sorted(values, reverse=sort.startswith("-"))
    assert f'value="{sort}" selected' in answer.content.decode() or sort == "-at"


def test_a_sort_there_is_not_is_left_out(compliance: User, browse: Browse) -> None:
    assert browse(compliance).get("/log/", {"sort": "password"}).status_code == 200


def test_who_opened_a_chart_asks_under_every_number_the_person_had(
    compliance: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    """A look at an entry that has been merged since belongs to the person; after the merge was undone, no more."""
    former, stranger = PatientFactory.create(), PatientFactory.create()
    seen = [look(clerk, former).pk, look(clerk, chart).pk]
    look(clerk, stranger)
    record("patient.searched", by=clerk, patients=[former.pk, stranger.pk])
    seen.append(Event.objects.latest("id").pk)

    def merge(into: Patient | None) -> None:
        with transaction.atomic():
            status = PatientStatus.MERGED if into else PatientStatus.ACTIVE
            Patient.objects.filter(pk=former.pk).update(status=status, merged_into=into)
            record("patient.updated", by=None, actor="test", patients=[former.pk, chart.pk])

    merge(chart)
    asked = {"patient": chart.mrn, "actor": clerk.username}
    client = browse(compliance)
    assert set(_shown(client.get("/log/", asked))) == set(seen)
    merge(None)
    assert set(_shown(client.get("/log/", asked))) == {seen[1]}


def test_a_person_who_was_renamed_keeps_what_she_did(
    compliance: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    event = look(clerk, chart)
    before = clerk.username
    with transaction.atomic():
        User.objects.filter(pk=clerk.pk).update(username="married.name")
        record("user.created", by=compliance, about=clerk)
    client = browse(compliance)
    answer = client.get("/log/", {"actor": "married.name"})
    assert event.pk in _shown(answer)
    assert before in answer.content.decode()  # as she was called then
    gone = client.get("/log/", {"actor": before})
    assert "Nobody here has this user name" in gone.content.decode()


def test_the_look_says_that_it_was_about_unexplained_ones(
    compliance: User, clerk: User, chart: Patient, browse: Browse
) -> None:
    look(clerk, chart)
    browse(compliance).get("/log/", {"patient": chart.mrn, "explained": "unexplained"})
    [event] = events("log.viewed", actor_id=compliance.pk)
    assert event.detail is not None
    assert event.detail["asked"]["is_unexplained"] == "True"


def test_a_day_asked_for_is_the_hospital_s_own(compliance: User, db: None) -> None:
    """On the day on which clocks are set back, the 25th hour belongs to it."""
    with timezone.override("America/Chicago"):
        form = QuestionForm(
            {"since": "2026-11-01", "until": "2026-11-01", "period": "dates"}, user=compliance
        )
        assert form.is_valid()
        asked = form.question(Order())
    assert asked.since is not None
    assert asked.until is not None
    assert asked.until.astimezone(UTC) - asked.since.astimezone(UTC) == timedelta(hours=25)
