"""Broken glass is told at once, looked at in time, and never by whoever broke it."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.review import queries, receivers, services, working_days
from audit.review.models import GlassReview, Outcome
from audit.services import record
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from common.ids import uuid7
from common.notices.models import Tone
from common.notices.queries import notices_of
from patients import services as patient_services
from patients.models import GlassBreak, Patient
from tests.accounts.making import make_role
from tests.factories import PatientFactory, UserFactory, make_user
from tests.patients.test_glass import WHY, broken
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


@pytest.fixture
def review(clinician: User, chart: Patient) -> GlassReview:
    return GlassReview.objects.get(glass=broken(clinician, chart))


def late(review: GlassReview, by: User, days: int = 1) -> None:
    with transaction.atomic():
        review.due_on = timezone.localdate() - timedelta(days=days)
        review.save()
        record("review.glass_viewed", by=by, patient=review.patient_id, about=review)


@pytest.mark.parametrize(
    ("day", "days", "due"),
    [
        (date(2026, 11, 25), 2, date(2026, 11, 27)),  # Wednesday to Friday
        (date(2026, 11, 26), 2, date(2026, 11, 30)),  # Thursday over the weekend
        (date(2026, 11, 27), 1, date(2026, 11, 30)),
        (date(2026, 11, 28), 1, date(2026, 11, 30)),  # Saturday
        (date(2026, 11, 29), 2, date(2026, 12, 1)),
        (date(2026, 11, 28), 0, date(2026, 11, 30)),
    ],
)
def test_working_days(day: date, days: int, due: date) -> None:
    assert working_days.after(day, days) == due


def test_every_compliance_officer_is_told_at_once_without_the_patients_name(
    clinician: User, chart: Patient
) -> None:
    officers = [make_user(Role.COMPLIANCE_OFFICER) for _ in range(2)]
    away = make_user(Role.COMPLIANCE_OFFICER, is_active=False)
    glass = broken(clinician, chart)
    for officer in officers:
        [notice] = notices_of(officer.pk)
        assert notice.tone == Tone.GLASS
        assert clinician.display_name in notice.text
        assert "emergency treatment" in notice.text
        assert not any(word in notice.text for word in (chart.family, chart.given, chart.mrn))
        assert notice.url == GlassReview.objects.get(glass=glass).get_absolute_url()
    assert not notices_of(away.pk)


def test_the_task_is_made_with_the_breaking_or_not_at_all(
    clinician: User, chart: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_receiver(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the upper room is on fire")

    monkeypatch.setattr(receivers.reviewing, "make_review_of_glass", broken_receiver)
    with pytest.raises(RuntimeError):
        broken(clinician, chart)
    assert not GlassBreak.objects.exists()
    assert not events("glass.broken")


def test_a_task_is_due_in_working_days(review: GlassReview) -> None:
    assert review.due_on == working_days.after(timezone.localdate(), 2)
    assert not review.is_overdue


def test_the_task_shows_what_was_done_while_it_was_open(
    review: GlassReview, clinician: User, compliance: User, browse: Browse, chart: Patient
) -> None:
    patient_services.open_chart(by=clinician, patient_id=chart.pk)
    patient_services.open_demographics(by=clinician, patient_id=chart.pk)
    other = make_user(Role.RECORDS_CLERK)
    patient_services.open_chart(by=other, patient_id=chart.pk)
    seen = services.open_review(by=compliance, review_id=review.pk)
    assert [event.event for event in seen.events if event.event.startswith("patient")] == [
        "patient.viewed"
    ] * 2
    assert {event.actor for event in seen.events} == {clinician.username}
    page = " ".join(browse(compliance).get(review.get_absolute_url()).content.decode().split())
    assert "QUILLFEATHER, Una" in page
    assert WHY in page
    assert "broke the glass" in page
    assert events("review.glass_viewed", about=review)[0].patient_id == chart.pk


def test_what_she_does_after_the_end_is_no_part_of_it(
    review: GlassReview, clinician: User, compliance: User, chart: Patient
) -> None:
    patient_services.end_glass(by=clinician, glass_id=review.glass_id)
    with transaction.atomic():
        record("patient.viewed", by=clinician, patient=chart.pk, about=chart)
    seen = services.open_review(by=compliance, review_id=review.pk)
    assert "patient.viewed" not in [event.event for event in seen.events]


def test_the_log_is_asked_once_however_much_was_done(review: GlassReview, clinician: User) -> None:
    with transaction.atomic():
        for _ in range(30):
            record("patient.viewed", by=clinician, patient=review.patient_id)
    glass = GlassBreak.objects.select_related("user").get(pk=review.glass_id)
    with at_most_queries(3):  # who the user name is, which ids the person has, then the log
        found, is_cut = queries.while_broken(glass)
    assert len(found) > 30
    assert not is_cut


@pytest.mark.parametrize(
    ("outcome", "note"), [(Outcome.APPROPRIATE, ""), (Outcome.VIOLATION, "No need."), (Outcome.CASE, "Ask.")]
)
def test_a_decision_is_an_event_and_stands(
    review: GlassReview, compliance: User, outcome: Outcome, note: str
) -> None:
    done = services.decide_review(by=compliance, review_id=review.pk, outcome=outcome, note=note)
    assert (done.outcome, done.decided_by) == (outcome, compliance)
    [event] = events("review.glass_decided", about=review)
    assert (event.action, event.reason, event.patient_id) == ("review", outcome.label, review.patient_id)
    with pytest.raises(WrongMove):
        services.decide_review(
            by=make_user(Role.COMPLIANCE_OFFICER), review_id=review.pk, outcome=Outcome.CASE, note="x"
        )


@pytest.mark.parametrize("outcome", [Outcome.VIOLATION, Outcome.CASE])
def test_whoever_blames_says_why(review: GlassReview, compliance: User, outcome: Outcome) -> None:
    with pytest.raises(RuleBroken) as refused:
        services.decide_review(by=compliance, review_id=review.pk, outcome=outcome, note="  ")
    assert refused.value.field == "note"


def test_nobody_reviews_her_own(administrator: User, chart: Patient, browse: Browse) -> None:
    """MON-5. She treats patients and works for the compliance office too."""
    both = UserFactory.create(roles=[Role.CLINICIAN, Role.COMPLIANCE_OFFICER])
    role = make_role(
        administrator,
        "Reviewing physician",
        {"patients.view_chart", "patients.break_glass", "review.review_glass"},
    )
    both = UserFactory.create(roles=[role.group.name])
    review = GlassReview.objects.get(glass=broken(both, chart))
    assert not notices_of(both.pk)
    with pytest.raises(Denied):
        services.decide_review(by=both, review_id=review.pk, outcome=Outcome.APPROPRIATE)
    page = browse(both).get(review.get_absolute_url()).content.decode()
    assert "somebody else of the compliance office" in page
    assert "Record the decision" not in page
    answer = browse(both).post(review.get_absolute_url(), {"outcome": "appropriate"})
    assert answer.status_code == 403
    assert not GlassReview.objects.get(pk=review.pk).is_decided


def test_the_table_refuses_a_review_of_ones_own(review: GlassReview, clinician: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        review.outcome, review.decided_by, review.decided_at = Outcome.APPROPRIATE, clinician, timezone.now()
        review.save()


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in {Role.COMPLIANCE_OFFICER, Role.SERVICE}]
)
def test_only_the_compliance_office_reviews(review: GlassReview, role: Role, browse: Browse) -> None:
    client = browse(make_user(role))
    for answer in (
        client.get("/log/glass/"),
        client.get(review.get_absolute_url()),
        client.post(review.get_absolute_url(), {"outcome": "appropriate"}),
    ):
        assert answer.status_code == 403
        assert "Quillfeather" not in answer.content.decode()


def test_an_absent_task(compliance: User) -> None:
    for key in (uuid7(), "no-id"):
        with pytest.raises(NotFound):
            services.open_review(by=compliance, review_id=key)


def test_the_list_has_age_and_due_date_and_names_whom_it_showed(
    review: GlassReview, compliance: User, browse: Browse, chart: Patient
) -> None:
    late(review, compliance)
    page = " ".join(browse(compliance).get("/log/glass/").content.decode().split())
    assert "QUILLFEATHER" in page
    assert "1 overdue" in page
    assert "overdue since" in page
    [event] = events("review.glass_listed")
    assert event.patient_ids == [chart.pk]
    assert "No broken glass" not in page


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_needs_few_questions_however_long(
    clinician: User, compliance: User, browse: Browse, rows: int
) -> None:
    for _ in range(rows):
        broken(clinician, PatientFactory.create())
    client = browse(compliance)
    client.get("/log/glass/")
    with at_most_queries(7):
        assert client.get("/log/glass/").content.decode().count("row-link") == rows


def test_home_and_rail_say_how_much_waits(review: GlassReview, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    assert client.get("/counts/").json()["glass"] == 1
    home = client.get("/").content.decode()
    assert review.get_absolute_url() in home
    assert "Quillfeather" not in home
    client.post(review.get_absolute_url(), {"outcome": "appropriate"})
    assert client.get("/counts/").json()["glass"] == 0


def test_a_decision_by_page_and_its_errors(review: GlassReview, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    wrong = client.post(review.get_absolute_url(), {"outcome": "violation", "note": ""})
    assert wrong.status_code == 422
    assert "Say in words" in wrong.content.decode()
    done = client.post(review.get_absolute_url(), {"outcome": "violation", "note": "<b>No</b> need at all"})
    assert done["Location"] == "/log/glass/"
    page = client.get(review.get_absolute_url()).content.decode()
    assert "&lt;b&gt;No&lt;/b&gt;" in page
    assert review.get_absolute_url() in client.get("/log/glass/?show=decided").content.decode()


def test_what_is_overdue_is_said_once(review: GlassReview, compliance: User) -> None:
    assert services.tell_overdue() == 0
    late(review, compliance)
    assert [services.tell_overdue(), services.tell_overdue()] == [1, 0]
    [event] = events("review.glass_overdue", about=review)
    assert event.actor == "system:glass"
    assert [notice.kind for notice in notices_of(compliance.pk)].count("review.glass_overdue") == 1


def test_what_was_decided_is_never_overdue(review: GlassReview, compliance: User) -> None:
    late(review, compliance)
    services.decide_review(by=compliance, review_id=review.pk, outcome=Outcome.APPROPRIATE)
    assert services.tell_overdue() == 0


def test_a_drill_makes_a_task_marked_so(
    clinician: User, compliance: User, browse: Browse, chart: Patient
) -> None:
    review = GlassReview.objects.get(glass=broken(clinician, chart, is_drill=True))
    assert review.is_drill
    assert notices_of(compliance.pk)[0].text.startswith("DRILL: ")
    client = browse(compliance)
    assert "DRILL" in client.get("/log/glass/").content.decode()
    assert "Nothing was opened by it" in client.get(review.get_absolute_url()).content.decode()


def test_the_officer_closes_an_open_glass_from_the_task(
    review: GlassReview, compliance: User, browse: Browse
) -> None:
    client = browse(compliance)
    assert "End it now" in client.get(review.get_absolute_url()).content.decode()
    answer = client.post(f"/patients/glass/{review.glass_id}/end/", {"next": review.get_absolute_url()})
    assert answer["Location"] == review.get_absolute_url()
    assert "End it now" not in client.get(review.get_absolute_url()).content.decode()
    assert Event.objects.filter(event="glass.ended", actor=compliance.username).count() == 1
