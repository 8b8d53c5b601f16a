"""The compliance officer's desk: what is new, what runs out, whether the proof holds; few questions, no patients."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.review import counting, desk, proof
from audit.review.models import DayPerson, DayState, LogCheck, SignOff
from audit.services import record
from tests.audit.cases.making import breach, complaint, officer
from tests.audit.signing.making import backdating, happened
from tests.audit.watch.making import alert_of
from tests.factories import PatientFactory, make_user
from tests.patients.test_glass import broken
from tests.support import at_most_queries, events


def part_of(answer):
    """What the officer's part of the page was given."""
    return next(part for part in answer.context["parts"] if part["template"] == "home/_compliance.html")


@pytest.fixture
def sealed(monkeypatch):
    """As if the log had been sealed a minute ago, and events had waited for so many minutes since."""

    def at(minutes=1, waiting=None):
        since = None if waiting is None else timezone.now() - timedelta(minutes=waiting)
        monkeypatch.setattr("audit.review.desk.sealing.oldest_unsealed", lambda newest: since)
        seal = SimpleNamespace(n=3, total=41, sealed_at=timezone.now() - timedelta(minutes=minutes))
        monkeypatch.setattr("audit.review.desk.epochs.last", lambda: seal)
        monkeypatch.setattr("audit.review.desk.proof.has_key", lambda: True)

    at()
    return at


def checked(by, *, is_whole=True, first=1):
    row = LogCheck.objects.create(
        by=by,
        is_whole=is_whole,
        first_epoch=first,
        checked=12,
        text="" if is_whole else "Event 7 is not as it was sealed.",
    )
    return row


def test_what_has_come_since_the_last_visit(compliance, clinician, clerk, browse):
    complaint(compliance, clerk)
    broken(clinician, PatientFactory())
    alert_of(clerk, PatientFactory())
    news = {words: count for words, count, _ in part_of(browse(compliance).get("/"))["news"]}
    assert news == {"alerts": 1, "cases": 1, "glass broken": 1}


def test_the_last_visit_is_that_of_another_day(compliance, browse):
    yesterday = counting.bounds(timezone.localdate() - timedelta(days=1))[0]
    for _ in range(2):
        answer = browse(compliance).get("/")
        assert desk.last_visit(compliance) is None
        assert part_of(answer)["since"] == yesterday
        assert "the beginning of yesterday" in answer.content.decode()
    visited = timezone.now() - timedelta(days=1, hours=2)
    with backdating():
        happened(visited, compliance, event="home.viewed")
        answer = browse(compliance).get("/")
    assert part_of(answer)["since"] == desk.last_visit(compliance) == visited
    assert "your last visit before today" in answer.content.decode()


def test_the_proof_is_green_with_the_time_of_its_check_and_red_when_it_is_not_whole(
    compliance, browse, sealed
):
    client = browse(compliance)
    assert "not checked lately" in client.get("/").content.decode()
    checked(compliance)
    page = client.get("/").content.decode()
    assert "Sealed and whole" in page
    assert "12 events compared" in page
    checked(compliance, is_whole=False)
    page = client.get("/").content.decode()
    assert "Not whole" in page
    assert "Event 7 is not as it was sealed." in page
    assert "Sealed and whole" not in page


def test_a_check_of_less_does_not_take_back_what_was_found(compliance, browse, sealed):
    """The nightly check of the last days finds nothing wrong with an event of last month."""
    client = browse(compliance)
    checked(compliance, is_whole=False)
    checked(compliance, first=900)
    page = client.get("/").content.decode()
    assert "Not whole" in page
    assert "Event 7 is not as it was sealed." in page
    checked(compliance)
    assert "Sealed and whole" in client.get("/").content.decode()


def test_a_quiet_night_is_no_stop_of_sealing(compliance, browse, sealed):
    checked(compliance)
    sealed(600)
    assert "Sealed and whole" in browse(compliance).get("/").content.decode()
    sealed(600, waiting=1)
    assert "Sealed and whole" in browse(compliance).get("/").content.decode()


def test_the_proof_is_red_when_sealing_stopped_or_there_is_no_key(compliance, browse, sealed, monkeypatch):
    checked(compliance)
    sealed(1, waiting=11)
    assert "Sealing has stopped" in browse(compliance).get("/").content.decode()
    monkeypatch.setattr("audit.review.desk.epochs.last", lambda: None)
    assert "Not sealed yet" in browse(compliance).get("/").content.decode()
    monkeypatch.setattr("audit.review.desk.proof.has_key", lambda: False)
    assert "No key to seal with" in browse(compliance).get("/").content.decode()


def test_clocks_come_with_the_first_to_end_on_top(compliance, clerk, browse):
    late = complaint(compliance, clerk, discovered_on=timezone.localdate() - timedelta(days=70))
    soon = breach(compliance, clerk, discovered_on=timezone.localdate() - timedelta(days=50))
    today = timezone.localdate()
    with transaction.atomic():
        SignOff.objects.create(
            kind="month",
            starts_on=today.replace(day=1) - timedelta(days=31),
            ends_on=today,
            due_on=today + timedelta(days=30),
        )
        record("signoff.due", by=compliance)
    answer = browse(compliance).get("/")
    words = [clock.words for clock in part_of(answer)["clocks"]]
    assert words[0].startswith(f"Case {late.number}")
    assert words[1].startswith(f"Case {soon.number}: breach")
    assert words[2].startswith("Review of activity")
    page = answer.content.decode()
    assert "overdue" in page
    assert "10 days" in page


def test_a_case_about_her_is_not_on_her_desk(compliance, browse):
    case = complaint(officer(), compliance, discovered_on=timezone.localdate() - timedelta(days=59))
    answer = browse(compliance).get("/")
    assert case.number not in answer.content.decode()
    assert {words: count for words, count, _ in part_of(answer)["news"]}["cases"] == 0


def test_her_own_cases_come_first_and_a_breach_is_one_case(compliance, clerk, browse):
    old = complaint(officer(), clerk, discovered_on=timezone.localdate() - timedelta(days=20))
    mine = complaint(compliance, clerk)
    assert [case.number for case in part_of(browse(compliance).get("/"))["cases"]] == [
        mine.number,
        old.number,
    ]


def test_unexplained_accesses_of_the_newest_day_lead_into_the_log(compliance, browse):
    nosy, day = make_user(Role.CLINICIAN, name="Nosy Nettle"), timezone.localdate() - timedelta(days=1)
    assert "No day is looked at yet" in browse(compliance).get("/").content.decode()
    DayState.objects.create(day=day, mark="1", counted_at=timezone.now(), accesses=9, explained=7)
    DayPerson.objects.create(
        day=day, actor_id=nosy.pk, accesses=4, refused=0, taken=0, unexplained=2, contradicted=0
    )
    page = browse(compliance).get("/").content.decode()
    assert "Nosy Nettle" in page
    assert "2 of 9 accesses" in page
    assert f"actor={nosy.username}&amp;explained=unexplained&amp;since={day}&amp;until={day}" in page
    assert (
        browse(compliance)
        .get(f"/log/?actor={nosy.username}&explained=unexplained&since={day}&until={day}")
        .status_code
        == 200
    )


@pytest.mark.parametrize("rows", [1, 12])
def test_the_desk_needs_few_questions_however_much_there_is(rows, compliance, clerk, clinician, browse):
    for _ in range(rows):
        complaint(compliance, clerk)
        broken(clinician, PatientFactory())
        alert_of(make_user(Role.RECORDS_CLERK), PatientFactory())
    client = browse(compliance)
    client.get("/")
    with at_most_queries(26):
        client.get("/")


def test_no_patient_stands_on_it(compliance: User, clerk, clinician, browse):
    patient = PatientFactory(family="Secretperson")
    complaint(compliance, clerk, patient)
    broken(clinician, patient)
    page = browse(compliance).get("/").content.decode()
    assert "SECRETPERSON" not in page.upper()
    assert patient.mrn not in page


def test_the_nightly_check_writes_down_what_it_found_and_tells_when_it_is_bad(compliance, monkeypatch):
    good = proof.verifying.Result(checked=5)
    monkeypatch.setattr(proof.verifying, "verify", lambda **given: good)
    proof.verify_lately()
    row = LogCheck.objects.get()
    assert (row.is_whole, row.checked, row.by.username) == (True, 5, "system:proof")
    bad = proof.verifying.Result(
        ok=False, first_bad=proof.verifying.Bad("altered", "Event 7 is not as it was sealed.")
    )
    monkeypatch.setattr(proof.verifying, "verify", lambda **given: bad)
    proof.verify_lately()
    assert LogCheck.objects.filter(is_whole=False).get().text == "Event 7 is not as it was sealed."
    assert events("log.verified")[-1].outcome == "failed"
    from common.notices.queries import notices_of

    assert "log.not_whole" in [notice.kind for notice in notices_of(compliance.pk)]
