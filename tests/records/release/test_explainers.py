"""What requests for records say about an access: whose it was then, while it was open; and what waited for a yes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from accounts.roles import Role
from audit.explaining import Access, explain
from patients.models import Patient
from records.release.models import RecordRequest, Release
from records.release.services import evidence, intake, sending, withdrawing
from tests.factories import PatientFactory, make_user
from tests.records.release.making import built, logged, today

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEAST = timedelta(microseconds=1)


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create()


@pytest.fixture
def colleague(db: None) -> User:
    return make_user(Role.ROI_SPECIALIST)


def kinds(by: User, chart_id: Any, at: datetime, **fields: Any) -> list[str]:
    return [
        one.kind for one in explain([Access(1, at, "patient.viewed", by.pk, chart_id, **fields)]).get(1, [])
    ]


def test_a_request_is_in_hand_of_whoever_logged_it(clerk: User, roi: User, chart: Patient) -> None:
    row = logged(clerk, chart)
    other = PatientFactory.create()
    assert kinds(clerk, chart.pk, row.created_at) == ["request"]
    assert kinds(clerk, chart.pk, row.created_at - HOUR) == ["request"]  # the chart was looked for first
    assert kinds(clerk, chart.pk, row.created_at - HOUR - LEAST) == []
    assert kinds(clerk, chart.pk, row.created_at + 90 * DAY) == ["request"]  # it is still open
    assert kinds(roi, chart.pk, row.created_at) == []
    assert kinds(clerk, other.pk, row.created_at) == []


def test_it_is_over_a_day_after_it_was_closed(clerk: User, roi: User, chart: Patient) -> None:
    row = logged(clerk, chart)
    intake.cancel_request(by=roi, request_id=row.pk, reason="taken back")
    row.refresh_from_db()
    assert row.closed_at is not None
    assert kinds(clerk, chart.pk, row.closed_at + DAY - LEAST) == ["request"]
    assert kinds(clerk, chart.pk, row.closed_at + DAY) == []


def test_whose_it_is_is_asked_as_it_was_then(clerk: User, roi: User, colleague: User, chart: Patient) -> None:
    """First nobody's, then hers, then a colleague's."""
    row = logged(clerk, chart)
    before = row.created_at + LEAST
    intake.update_request(by=roi, request_id=row.pk, assigned_to=roi)
    with_her = _last_change(row)
    intake.update_request(by=roi, request_id=row.pk, purpose="something else")
    intake.update_request(by=roi, request_id=row.pk, assigned_to=colleague)
    with_him = _last_change(row)
    assert kinds(roi, chart.pk, before) == kinds(colleague, chart.pk, before) == []
    assert kinds(roi, chart.pk, with_her) == ["request"]
    assert kinds(colleague, chart.pk, with_her) == []
    assert kinds(roi, chart.pk, with_him) == []
    assert kinds(colleague, chart.pk, with_him) == ["request"]


def _last_change(row: RecordRequest) -> datetime:
    from audit.models import Event

    return Event.objects.filter(event="request.updated", object_id=str(row.pk)).latest("id").at


def test_who_put_evidence_on_file_worked_on_it(
    clerk: User, roi: User, colleague: User, chart: Patient
) -> None:
    row = logged(clerk, chart)
    evidence.add_evidence(
        by=roi, request_id=row.pk, kind="identity", fields={"method": "license", "seen_on": today()}
    )
    assert kinds(roi, chart.pk, row.created_at + HOUR) == ["request"]
    assert kinds(roi, chart.pk, row.created_at - LEAST) == []
    assert kinds(colleague, chart.pk, row.created_at + HOUR) == []


@pytest.fixture
def large(settings: Any, roi: User, supervisor: User) -> Release:
    settings.RELEASE_APPROVAL_PAGES = 1
    return built(roi)


SUPERVISOR = ("records_supervisor",)


def test_a_package_that_waits_for_a_yes_explains_those_who_may_give_it(
    large: Release, roi: User, supervisor: User, clerk: User
) -> None:
    assert large.built_at is not None
    at = large.built_at
    assert kinds(supervisor, large.patient_id, at, roles=SUPERVISOR) == ["approval"]
    assert kinds(supervisor, large.patient_id, at - LEAST, roles=SUPERVISOR) == []
    assert kinds(supervisor, large.patient_id, at) == []  # not by a right she holds today
    assert kinds(clerk, large.patient_id, at, roles=("records_clerk",)) == []
    assert kinds(supervisor, PatientFactory.create().pk, at, roles=SUPERVISOR) == []
    assert "approval" not in kinds(roi, large.patient_id, at, roles=SUPERVISOR)  # who prepared it


def test_a_yes_that_was_given_ends_it(large: Release, supervisor: User) -> None:
    another = make_user(Role.RECORDS_SUPERVISOR)
    sending.approve_release(by=supervisor, release_id=large.pk)
    large.refresh_from_db()
    assert large.approved_at is not None
    for person in (supervisor, another):
        for end, expected in ((HOUR - LEAST, ["approval"]), (HOUR, [])):
            assert kinds(person, large.patient_id, large.approved_at + end, roles=SUPERVISOR) == expected


def test_a_package_withdrawn_asks_for_no_yes(large: Release, roi: User, supervisor: User) -> None:
    withdrawing.withdraw_package(by=roi, record_request=large.request)
    assert large.built_at is not None
    assert kinds(supervisor, large.patient_id, large.built_at + HOUR, roles=SUPERVISOR) == []


def test_a_package_below_the_limit_asks_for_no_yes(settings: Any, roi: User, supervisor: User) -> None:
    settings.RELEASE_APPROVAL_PAGES = 0
    release = built(roi)
    assert release.built_at is not None
    assert kinds(supervisor, release.patient_id, release.built_at + HOUR, roles=SUPERVISOR) == []
    assert kinds(roi, release.patient_id, release.built_at) == ["request"]
