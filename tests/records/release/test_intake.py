"""Logging, changing and canceling a request."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from common.errors import Denied, NotFound, RuleBroken, Stale, WrongMove
from common.ids import uuid7
from records.release.kinds import Kind
from records.release.models import RecordRequest, ReleaseStatus, RequestStatus
from records.release.services import intake
from tests.factories import PatientFactory
from tests.records.release.making import built, from_lawyer, logged, today
from tests.support import events


def test_logging_a_request_gives_it_a_number_and_a_day(roi: User) -> None:
    """ACC-02."""
    row = logged(roi, received_on=today() - timedelta(days=3))
    assert row.number.startswith(f"R-{today().year}-")
    assert (row.due_on, row.due_rule) == (today() + timedelta(days=27), "ACC-02")
    logged_event = events("request.logged", about=row)[0]
    assert (logged_event.patient_id, logged_event.actor) == (row.patient_id, roi.username)


@pytest.mark.parametrize("kind", Kind.values)
def test_every_kind_can_be_logged(kind: str, roi: User) -> None:
    assert logged(roi, kind=kind).kind == kind


def test_numbers_are_never_given_twice(roi: User) -> None:
    patient = PatientFactory.create()
    assert len({logged(roi, patient).number for _ in range(5)}) == 5


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"received_on": date(2999, 1, 1)}, "received_on"),
        ({"received_on": date(1999, 1, 1)}, "received_on"),
        ({"purpose": "  "}, "purpose"),
        ({"requester": {"phone": "555"}}, "requester_name"),
        ({"delivery_method": "fax"}, "requester_fax"),
        ({"delivery_method": "email"}, "requester_email"),
        ({"scope": {"from": "2026-02-01", "to": "2026-01-01"}}, "scope"),
        ({"scope": {"colour": "red"}}, "scope"),
        ({"scope": {"from": "yesterday"}}, "scope"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_field(changes: dict[str, Any], field: str, roi: User) -> None:
    with pytest.raises(RuleBroken) as refused:
        logged(roi, **changes)
    assert refused.value.field == field
    assert not RecordRequest.objects.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(["from", "to", "types", "everything"]), st.booleans() | st.dates()))
def test_a_scope_comes_back_tidy_or_is_refused(scope: dict[str, Any]) -> None:
    """A scope that was tidied is tidy: it stays as it is."""
    try:
        tidy = intake.tidy_scope({key: value for key, value in scope.items() if key != "types"})
    except RuleBroken:
        return
    assert intake.tidy_scope(tidy) == tidy


@pytest.mark.parametrize(("role", "may"), [("clerk", True), ("supervisor", True), ("clinician", False),
                                           ("compliance", False), ("administrator", False)])  # fmt: skip
def test_who_may_log(role: str, may: bool, request: Any) -> None:
    user = request.getfixturevalue(role)
    if may:
        assert logged(user).logged_by == user
    else:
        with pytest.raises(Denied):
            logged(user)


def test_a_clerk_logs_but_does_not_change(clerk: User) -> None:
    row = logged(clerk)
    with pytest.raises(Denied):
        intake.update_request(by=clerk, request_id=row.pk, purpose="other")
    row.refresh_from_db()
    assert row.purpose == "my own file"


def test_a_request_that_is_not_there_is_not_found(roi: User) -> None:
    with pytest.raises(NotFound):
        intake.cancel_request(by=roi, request_id=uuid7(), reason="why not")


def test_the_day_follows_a_corrected_date(roi: User) -> None:
    """ACC-02."""
    row = logged(roi)
    changed = intake.update_request(by=roi, request_id=row.pk, received_on=today() - timedelta(days=10))
    assert changed.due_on == today() + timedelta(days=20)
    assert events("request.updated", about=row)[0].detail["changes"]  # before and after


def test_the_slower_of_two_is_told(roi: User, supervisor: User) -> None:
    row = logged(roi)
    intake.update_request(by=roi, request_id=row.pk, seen_version=1, purpose="school")
    with pytest.raises(Stale):
        intake.update_request(by=supervisor, request_id=row.pk, seen_version=1, purpose="work")
    row.refresh_from_db()
    assert row.purpose == "school"


def test_requests_are_given_to_specialists_only(roi: User, clinician: User) -> None:
    row = logged(roi)
    assert intake.update_request(by=roi, request_id=row.pk, assigned_to=roi).assigned_to == roi
    with pytest.raises(RuleBroken):
        intake.update_request(by=roi, request_id=row.pk, assigned_to=clinician)


def test_a_change_withdraws_a_package_that_has_not_gone_out(roi: User) -> None:
    release = built(roi)
    intake.update_request(by=roi, request_id=release.request_id, purpose="something else")
    release.refresh_from_db()
    assert (release.status, release.request.status) == (ReleaseStatus.WITHDRAWN, RequestStatus.RECEIVED)
    assert events("release.withdrawn", about=release)


def test_giving_it_to_somebody_leaves_the_package(roi: User, supervisor: User) -> None:
    release = built(roi)
    intake.update_request(by=roi, request_id=release.request_id, assigned_to=supervisor)
    release.refresh_from_db()
    assert release.status == ReleaseStatus.READY


def test_canceling_closes_it_for_good(roi: User) -> None:
    row = from_lawyer(roi)
    closed = intake.cancel_request(by=roi, request_id=row.pk, reason="withdrawn by the lawyer")
    assert (closed.status, closed.closed_at is not None) == (RequestStatus.CANCELED, True)
    for again in (
        lambda: intake.cancel_request(by=roi, request_id=row.pk, reason="again"),
        lambda: intake.update_request(by=roi, request_id=row.pk, purpose="other"),
    ):
        with pytest.raises(WrongMove):
            again()
    assert len(events("request.canceled", about=row)) == 1


def test_canceling_needs_a_reason(roi: User) -> None:
    row = logged(roi)
    with pytest.raises(RuleBroken):
        intake.cancel_request(by=roi, request_id=row.pk, reason=" ")
    row.refresh_from_db()
    assert row.is_open


def test_a_scope_of_a_type_that_there_is_not_is_refused(roi: User) -> None:
    """ROI-001: a mistyped code would leave out, unseen, what was asked for."""
    with pytest.raises(RuleBroken) as refused:
        logged(roi, scope={"types": ["11506-3", "11506-33"]})
    assert (refused.value.field, "11506-33" in refused.value.message) == ("scope", True)
    assert logged(roi, scope={"types": ["11506-3"]}).scope == {"types": ["11506-3"]}
