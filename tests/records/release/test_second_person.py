"""A large package goes out when somebody who did not prepare it has agreed: by the verb, the pages and the database."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from common.ids import uuid7
from common.notices.models import Notice
from records.release import queries
from records.release.models import Disclosure, RecordRequest, Release, ReleaseStatus
from records.release.services import intake, sending
from tests.factories import make_user
from tests.records.release.making import built, today
from tests.support import events
from tests.threads import together


@pytest.fixture
def large(settings: Any, roi: User, supervisor: User) -> Release:
    """A package of two pages where more than one is large; the specialist prepared it."""
    settings.RELEASE_APPROVAL_PAGES = 1
    return built(roi)


def test_a_large_package_waits_and_those_who_can_agree_are_told(large, roi, supervisor):
    assert (large.status, large.needs_approval, large.waits_for_approval) == ("ready", True, True)
    told = Notice.objects.filter(kind="release.waits").values_list("recipient_id", flat=True)
    assert list(told) == [supervisor.pk]
    row = queries.work_list(RecordRequest.objects.filter(pk=large.request_id), filters={}).get()
    assert queries.waits_for(row) == "a second person's agreement"


@pytest.mark.parametrize("limit", [0, 2, 300])
def test_a_package_up_to_the_limit_does_not_wait(settings, roi, limit):
    settings.RELEASE_APPROVAL_PAGES = limit
    release = built(roi)
    assert release.pages == 2
    assert not release.needs_approval
    sending.download_package(by=roi, release_id=release.pk)


@pytest.mark.parametrize("way", ["download", "mail"])
def test_nothing_goes_out_before_somebody_agreed(large, roi, supervisor, way):
    for person in (roi, supervisor):
        with pytest.raises(RuleBroken) as refused:
            if way == "download":
                sending.download_package(by=person, release_id=large.pk)
            else:
                sending.mark_mailed(by=person, release_id=large.pk, sent_on=today())
        assert refused.value.code == "release_approval"
    large.refresh_from_db()
    assert large.status == ReleaseStatus.READY
    assert not Disclosure.objects.exists()


def test_a_second_person_agrees_and_it_goes_out(large, roi, supervisor):
    sending.approve_release(by=supervisor, release_id=large.pk)
    large.refresh_from_db()
    assert (large.approved_by, large.waits_for_approval) == (supervisor, False)
    event = events("release.approved", about=large)[0]
    assert (event.actor, event.patient_id, event.detail["pages"]) == (
        supervisor.username,
        large.patient_id,
        2,
    )
    assert Notice.objects.get(kind="release.approved").recipient_id == roi.pk
    sending.download_package(by=roi, release_id=large.pk)
    assert Disclosure.objects.get().release_id == large.pk


def test_who_prepared_it_does_not_agree_though_she_has_the_right(settings, supervisor):
    settings.RELEASE_APPROVAL_PAGES = 1
    release = built(supervisor)
    with pytest.raises(Denied, match="You prepared"):
        sending.approve_release(by=supervisor, release_id=release.pk)
    assert not events("release.approved")


@pytest.mark.parametrize(
    "role",
    [Role.ROI_SPECIALIST, Role.RECORDS_CLERK, Role.CLINICIAN, Role.COMPLIANCE_OFFICER, Role.ADMINISTRATOR],
)
def test_others_do_not_agree(large, browse, role):
    client = browse(make_user(role))
    assert client.post(f"/release/package/{large.pk}/approve/").status_code == 403
    assert client.post(f"/api/v1/releases/{large.pk}/approve/").status_code == 403
    large.refresh_from_db()
    assert large.approved_by is None


def test_agreeing_twice_or_to_what_does_not_wait_is_refused(settings, large, roi, supervisor):
    sending.approve_release(by=supervisor, release_id=large.pk)
    with pytest.raises(WrongMove):
        sending.approve_release(by=supervisor, release_id=large.pk)
    settings.RELEASE_APPROVAL_PAGES = 300
    with pytest.raises(WrongMove):
        sending.approve_release(by=supervisor, release_id=built(roi).pk)
    with pytest.raises(NotFound):
        sending.approve_release(by=supervisor, release_id=uuid7())
    assert len(events("release.approved")) == 1


def test_a_changed_request_needs_a_new_agreement(large, roi, supervisor):
    sending.approve_release(by=supervisor, release_id=large.pk)
    intake.update_request(by=roi, request_id=large.request_id, purpose="another purpose")
    large.refresh_from_db()
    assert large.status == ReleaseStatus.WITHDRAWN
    with pytest.raises(WrongMove):
        sending.download_package(by=roi, release_id=large.pk)


@pytest.mark.parametrize("wrong", ["own", "unapproved", "no time"])
def test_the_database_refuses_it_too(large, roi, supervisor, wrong):
    now = timezone.now()
    fields: dict[str, Any] = {
        "own": {"approved_by": roi, "approved_at": now},
        "unapproved": {"status": "delivered", "delivered_at": now, "delivered_by": supervisor},
        "no time": {"approved_by": supervisor},
    }[wrong]
    with pytest.raises(DatabaseError, match=r"release_takes_two|large_release|release_is_approved"):
        with transaction.atomic():
            Release.objects.filter(pk=large.pk).update(**fields)


def test_the_page_and_the_api_show_who_agreed(large, roi, supervisor, browse):
    page = f"/release/{large.request_id}/"
    hers = browse(roi).get(page).content.decode()
    assert "Waits for agreement" in hers
    assert "Agree to the release" not in hers
    assert "Download and record" not in hers
    client = browse(supervisor)
    assert "Agree to the release" in client.get(page).content.decode()
    assert client.post(f"/release/package/{large.pk}/approve/")["Location"] == page
    assert "Download and record" in browse(roi).get(page).content.decode()
    body = client.get(f"/api/v1/releases/{large.pk}/").json()
    assert (body["needs_approval"], body["approved_by"]) == (True, supervisor.username)


def test_a_program_agrees_too(large, supervisor, api):
    answer = api(supervisor).post(f"/api/v1/releases/{large.pk}/approve/")
    assert (answer.status_code, answer.json()["approved_by"]) == (200, supervisor.username)
    again = api(supervisor).post(f"/api/v1/releases/{large.pk}/approve/")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_move")


@pytest.mark.committed
def test_two_agree_at_the_same_moment_and_one_wins(committed, settings):
    settings.RELEASE_APPROVAL_PAGES = 1
    roi = make_user(Role.ROI_SPECIALIST, username="second.roi")
    people = [make_user(Role.RECORDS_SUPERVISOR, username=f"second.{number}") for number in range(2)]
    release = built(roi)
    results = together(lambda number: sending.approve_release(by=people[number], release_id=release.pk))
    assert sorted(type(result).__name__ for result in results) == ["Release", "WrongMove"]
