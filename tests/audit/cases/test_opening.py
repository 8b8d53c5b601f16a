"""A case is opened, read and handed on by the compliance office, and never by whom it is about."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts import openwork
from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.review import case_access, services
from audit.review.models import Case, CaseKind, CaseNote, CaseStatus, GlassReview
from audit.review.services import cases
from audit.services import record
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from common.ids import uuid7
from common.notices.queries import notices_of
from tests.accounts.making import make_role
from tests.audit.cases.making import NASTY, complaint, officer
from tests.audit.watch.making import alert_of as make_alert
from tests.factories import PatientFactory, UserFactory, make_user
from tests.patients.test_glass import broken
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]


def test_a_complaint_becomes_a_case_of_whoever_wrote_it_down(compliance: User, clerk: User) -> None:
    patient = PatientFactory.create()
    case = complaint(compliance, clerk, patient)
    assert (case.kind, case.status, case.assigned_to) == (CaseKind.COMPLAINT, CaseStatus.OPEN, compliance)
    assert case.discovered_on == timezone.localdate()
    assert case.next_due_on == case.discovered_on + timedelta(days=60)
    [event] = events("case.opened", about=case)
    assert event.patient_ids == [patient.pk]


def test_the_log_is_not_told_whom_a_case_is_about_or_what_was_said(compliance: User, clerk: User) -> None:
    case = complaint(compliance, clerk, summary="Xylophonist saw it")
    cases.add_note(by=compliance, case_id=case.pk, kind="interview", with_whom="the Quokka", text="Zanzibar")
    cases.view_case(by=compliance, case_id=case.pk)
    told = " ".join(f"{row.reason} {row.detail}" for row in Event.objects.filter(object_id=str(case.pk)))
    assert case.number in told
    for word in ("Xylophonist", "Quokka", "Zanzibar", clerk.username, str(clerk.pk)):
        assert word not in told


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in {Role.COMPLIANCE_OFFICER, Role.SERVICE}]
)
def test_nobody_else_works_on_cases(role: Role, compliance: User, clerk: User, browse: Browse) -> None:
    case = complaint(compliance, clerk)
    stranger = make_user(role)
    with pytest.raises(Denied):
        complaint(stranger, clerk)
    with pytest.raises(Denied):
        cases.view_case(by=stranger, case_id=case.pk)
    client = browse(stranger)
    for address in ("/log/cases/", "/log/cases/new/", case.get_absolute_url()):
        answer = client.get(address)
        assert answer.status_code == 403
        assert case.number not in answer.content.decode()


def test_a_case_about_an_officer_is_not_there_for_her(compliance: User, browse: Browse) -> None:
    """MON-5."""
    other = officer()
    case = complaint(other, compliance)
    assert not case_access.visible_to(compliance).exists()
    for verb in (
        lambda: cases.view_case(by=compliance, case_id=case.pk),
        lambda: cases.assign_case(by=compliance, case_id=case.pk, to=compliance),
        lambda: cases.add_note(by=compliance, case_id=case.pk, kind="note", text="it was not me"),
    ):
        with pytest.raises(NotFound):
            verb()
    client = browse(compliance)
    assert case.number not in client.get("/log/cases/").content.decode()
    assert client.get(case.get_absolute_url()).status_code == 404
    assert client.get("/counts/").json()["cases"] == 0
    assert not notices_of(compliance.pk)


def test_an_officer_does_not_open_a_case_about_herself(compliance: User) -> None:
    with pytest.raises(RuleBroken) as alone:
        complaint(compliance, compliance)
    assert alone.value.code == "second_officer"
    assert "second person" in alone.value.message
    officer()
    with pytest.raises(Denied, match="A colleague"):
        complaint(compliance, compliance)
    assert not Case.objects.exists()


def test_who_turns_out_to_be_the_subject_loses_the_case(compliance: User) -> None:
    case = complaint(compliance, None)
    change = {"case_id": case.pk, "discovered_on": case.discovered_on, "why": "it was my look"}
    with pytest.raises(RuleBroken) as alone:
        cases.change_case(by=compliance, subject=compliance, **change)
    assert alone.value.code == "second_officer"
    other = officer()
    cases.change_case(by=compliance, subject=compliance, **change)
    case.refresh_from_db()
    assert (case.subject, case.assigned_to) == (compliance, None)
    assert [notice.kind for notice in notices_of(other.pk)] == ["case.opened"]
    with pytest.raises(NotFound):
        cases.view_case(by=compliance, case_id=case.pk)
    cases.assign_case(by=other, case_id=case.pk, to=other)


def test_the_table_refuses_a_case_in_the_hands_of_its_subject(compliance: User, clerk: User) -> None:
    case = complaint(compliance, clerk)
    with pytest.raises(IntegrityError, match="case_is_not_of_ones_own"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(assigned_to=clerk)
    with pytest.raises(IntegrityError, match="Nobody works on a case about herself"), transaction.atomic():
        CaseNote.objects.create(case=case, kind="note", text="it was not me", written_by=clerk)


def test_notes_and_cases_stay(compliance: User, clerk: User) -> None:
    case = complaint(compliance, clerk)
    note = cases.add_note(by=compliance, case_id=case.pk, kind="note", text="He was off duty.")
    for change in (
        lambda: CaseNote.objects.filter(pk=note.pk).update(text="He was on duty."),
        lambda: CaseNote.objects.filter(pk=note.pk).delete(),
        lambda: Case.objects.filter(pk=case.pk)._raw_delete(using="default"),
    ):
        with (
            pytest.raises(Exception, match=r"append-only|permission denied|is refused"),
            transaction.atomic(),
        ):
            change()
    note.refresh_from_db()
    assert note.text == "He was off duty."


@pytest.mark.committed
@pytest.mark.usefixtures("committed")
def test_no_change_of_a_case_without_an_event() -> None:
    by = officer()
    case = complaint(by, None)
    with pytest.raises(IntegrityError, match="was not written to the audit log"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(summary="something else")
    with pytest.raises(IntegrityError, match="was not written to the audit log"), transaction.atomic():
        CaseNote.objects.create(case=case, kind="note", text="unseen", written_by=by)


def test_discovery_is_not_in_the_future_and_what_changes_is_noted(compliance: User, clerk: User) -> None:
    """BR-03."""
    tomorrow = timezone.localdate() + timedelta(days=1)
    with pytest.raises(RuleBroken) as refused:
        complaint(compliance, clerk, discovered_on=tomorrow)
    assert refused.value.field == "discovered_on"
    case = complaint(compliance, None)
    earlier = case.discovered_on - timedelta(days=9)
    more = PatientFactory.create()
    cases.change_case(
        by=compliance,
        case_id=case.pk,
        subject=clerk,
        patients=[more],
        discovered_on=earlier,
        why="the ward knew",
    )
    case.refresh_from_db()
    assert (case.subject, case.discovered_on, case.links.count()) == (clerk, earlier, 2)
    [note] = case.notes.all()
    assert "nobody known" in note.text
    assert "the ward knew" in note.text
    assert more.pk in events("case.changed", about=case)[0].patient_ids
    with pytest.raises(RuleBroken, match="Nothing of it is different"):
        cases.change_case(
            by=compliance, case_id=case.pk, subject=clerk, discovered_on=earlier, why="again", patients=[more]
        )


def test_only_people_of_the_office_get_a_case(compliance: User, clerk: User) -> None:
    other = officer()
    case = complaint(compliance, clerk)
    for wrong in (clerk, make_user(Role.RECORDS_SUPERVISOR)):
        with pytest.raises(RuleBroken):
            cases.assign_case(by=compliance, case_id=case.pk, to=wrong)
    cases.assign_case(by=compliance, case_id=case.pk, to=other)
    assert notices_of(other.pk)[0].url == case.get_absolute_url()
    assert clerk.display_name not in notices_of(other.pk)[0].text
    assert [work.count for work in openwork.of(other) if "cases" in work.words] == [1]


def test_a_review_of_glass_that_needs_a_case_opens_it(
    compliance: User, clinician: User, browse: Browse
) -> None:
    patient = PatientFactory.create()
    review = GlassReview.objects.get(glass=broken(clinician, patient))
    services.decide_review(by=compliance, review_id=review.pk, outcome="case", note="Why at night?")
    case = Case.objects.get(glass_review=review)
    assert (case.kind, case.subject, case.assigned_to) == (CaseKind.GLASS, clinician, compliance)
    assert case.summary == "Why at night?"
    assert [link.patient_id for link in case.links.all()] == [patient.pk]
    page = browse(compliance).get(review.get_absolute_url()).content.decode()
    assert case.get_absolute_url() in page
    with pytest.raises(WrongMove):
        cases.open_case_of_glass_by_id(by=compliance, review_id=review.pk)


def test_whoever_reviews_and_works_on_no_case_leaves_it_to_the_office(
    administrator: User, compliance: User, clinician: User
) -> None:
    role = make_role(administrator, "Reviewer of glass", {"patients.view_chart", "review.review_glass"})
    reviewer = UserFactory.create(roles=[role.group.name])
    review = GlassReview.objects.get(glass=broken(clinician, PatientFactory.create()))
    services.decide_review(by=reviewer, review_id=review.pk, outcome="case", note="Why at night?")
    case = Case.objects.get(glass_review=review)
    assert case.assigned_to is None
    assert "case.opened" in [notice.kind for notice in notices_of(compliance.pk)]
    with pytest.raises(Denied):
        cases.view_case(by=reviewer, case_id=case.pk)


def test_a_drill_makes_no_case(compliance: User, clinician: User) -> None:
    review = GlassReview.objects.get(glass=broken(clinician, PatientFactory.create(), is_drill=True))
    services.decide_review(by=compliance, review_id=review.pk, outcome="case", note="Exercise.")
    assert not Case.objects.exists()
    with pytest.raises(WrongMove):
        cases.open_case_of_glass_by_id(by=compliance, review_id=review.pk)


def test_an_alert_becomes_a_case_once(compliance: User, clerk: User, browse: Browse) -> None:
    alert = make_alert(clerk, PatientFactory.create())
    answer = browse(compliance).post(f"/log/cases/from-alert/{alert.pk}/")
    case = Case.objects.get(alert_links__alert=alert)
    assert answer["Location"] == case.get_absolute_url()
    assert (case.kind, case.subject) == (CaseKind.ALERT, clerk)
    assert case.discovered_on == timezone.localdate(alert.created_at)
    with pytest.raises(WrongMove):
        cases.open_case_of_alert(by=compliance, alert_id=alert.pk)
    assert Case.objects.count() == 1


def test_an_alert_about_oneself_is_not_there(compliance: User) -> None:
    alert = make_alert(compliance, PatientFactory.create())
    with pytest.raises(NotFound):
        cases.open_case_of_alert(by=compliance, alert_id=alert.pk)


def test_the_pages_of_a_complaint(compliance: User, clerk: User, browse: Browse) -> None:
    client, patient = browse(compliance), PatientFactory.create(family="Quillfeather")
    form = {
        "source": "patient",
        "summary": NASTY,
        "subject": clerk.username.upper(),
        "patients": patient.mrn,
        "discovered_on": str(timezone.localdate()),
    }
    for name, wrong in (
        ("subject", "nobody.here"),
        ("patients", "12-34-99"),
        ("summary", "  "),
        ("discovered_on", ""),
    ):
        answer = client.post("/log/cases/new/", form | {name: wrong})
        assert answer.status_code == 422, name
        assert "No case is open yet" in answer.content.decode()
    answer = client.post("/log/cases/new/", form)
    case = Case.objects.get()
    assert answer["Location"] == case.get_absolute_url()
    page = client.get(case.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "QUILLFEATHER" in page
    assert "60 days left" in page
    assert patient.pk in events("case.viewed", about=case)[0].patient_ids
    note = client.post(
        f"{case.get_absolute_url()}note/",
        {"note-kind": "interview", "note-with_whom": "", "note-text": "He says no."},
    )
    assert note.status_code == 422
    assert "Say with whom you spoke" in note.content.decode()
    assert "He says no." in note.content.decode()
    done = client.post(
        f"{case.get_absolute_url()}note/",
        {"note-kind": "interview", "note-with_whom": NASTY, "note-text": NASTY},
    )
    assert done["Location"] == case.get_absolute_url()
    assert "<script>alert" not in client.get(case.get_absolute_url()).content.decode()


def test_the_page_shows_the_name_a_renamed_colleague_has_now(
    compliance: User, clerk: User, browse: Browse
) -> None:
    case = complaint(compliance, clerk)
    with transaction.atomic():
        clerk.name = "Ada Newname"
        clerk.save()
        record("user.changed", by=compliance, about=clerk)
    assert "Ada Newname" in browse(compliance).get(case.get_absolute_url()).content.decode()


@pytest.mark.parametrize("rows", [1, 20])
def test_the_list_needs_few_questions_however_long(
    rows: int, compliance: User, clerk: User, browse: Browse
) -> None:
    for _ in range(rows):
        complaint(compliance, clerk)
    client = browse(compliance)
    client.get("/log/cases/")
    with at_most_queries(8):
        page = client.get("/log/cases/").content.decode()
    assert page.count("row-link") == rows


@pytest.mark.parametrize("rows", [1, 20])
def test_a_file_needs_few_questions_however_thick(
    rows: int, compliance: User, clerk: User, browse: Browse
) -> None:
    case = complaint(compliance, clerk, *[PatientFactory.create() for _ in range(rows)])
    for _ in range(rows):
        cases.add_note(by=compliance, case_id=case.pk, kind="note", text="Asked again.")
    client = browse(compliance)
    client.get(case.get_absolute_url())
    with at_most_queries(16):
        client.get(case.get_absolute_url())


def test_an_absent_case(compliance: User) -> None:
    for key in (uuid7(), "no-id"):
        with pytest.raises(NotFound):
            cases.view_case(by=compliance, case_id=key)
