"""The access review: each quarter each manager decides about each of their people; what is taken away ends at once."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts import reviewing, services
from accounts.models import AccessReview, ReviewItem, User
from accounts.roles import Role
from common.errors import NotFound, RuleBroken, WrongMove
from common.ids import uuid7
from common.notices.models import Notice
from tests.factories import UserFactory, make_user
from tests.support import at_most_queries, events
from tests.threads import together


def managed(administrator: User, manager: User, *roles: str) -> User:
    """Somebody whose manager this is."""
    person = UserFactory(roles=list(roles or [Role.RECORDS_CLERK, Role.ROI_SPECIALIST]))
    return services.change_user(
        by=administrator,
        user_id=person.pk,
        name=person.name,
        email="",
        roles=person.role_names,
        manager=manager,
    )


def item_of(person: User) -> ReviewItem:
    return ReviewItem.objects.get(person=person)


@pytest.fixture
def person(administrator: User, supervisor: User) -> User:
    """One of the supervisor's people, with the review of this quarter open."""
    made = managed(administrator, supervisor)
    services.open_reviews()
    return made


def roles_of(person: User) -> list[str]:
    return User.objects.get(pk=person.pk).role_names


def test_a_quarter_is_opened_once_for_each_manager_who_is_told(administrator, supervisor, person):
    assert services.open_reviews() == 0
    review = AccessReview.objects.get()
    assert (review.manager, review.items.count()) == (supervisor, 1)
    assert review.quarter_on == services.reviews.quarter_of(timezone.localdate())
    assert Notice.objects.get(kind="access_review.opened").recipient_id == supervisor.pk
    with time_machine.travel(timezone.now() + timedelta(days=93)):
        assert services.open_reviews() == 1


@pytest.mark.parametrize(
    ("keep", "decision"),
    [
        (["records_clerk", "roi_specialist"], "confirmed"),
        (["records_clerk"], "changed"),
        ([], "removed"),
    ],
)
def test_what_is_not_kept_ends_at_once_and_the_record_says_who_when_what(supervisor, person, keep, decision):
    services.decide_item(by=supervisor, item_id=item_of(person).pk, keep=keep, reason="moved on")
    item = item_of(person)
    assert roles_of(person) == keep
    assert (item.decision, item.decided_by, item.after) == (decision, supervisor, keep)
    event = events(f"access_review.{decision}", about=person)[0]
    assert (event.actor, event.detail["before"]) == (supervisor.username, ["records_clerk", "roi_specialist"])
    assert AccessReview.objects.get().completed_at
    assert events("access_review.completed")


def test_a_role_is_not_taken_without_a_reason_nor_given(supervisor, person):
    for keep in (["records_clerk"], ["records_clerk", "administrator", "roi_specialist"]):
        with pytest.raises(RuleBroken):
            services.decide_item(by=supervisor, item_id=item_of(person).pk, keep=keep, reason="")
    assert roles_of(person) == ["records_clerk", "roi_specialist"]
    assert not item_of(person).decision


def test_one_decides_once_and_about_ones_own_people_only(administrator, compliance, supervisor, person):
    for other in (administrator, compliance, make_user(Role.RECORDS_SUPERVISOR), person):
        for key in (item_of(person).pk, uuid7(), "nonsense"):
            with pytest.raises(NotFound):
                services.decide_item(by=other, item_id=key, keep=[], reason="x")
    keep = roles_of(person)
    services.decide_item(by=supervisor, item_id=item_of(person).pk, keep=keep)
    with pytest.raises(WrongMove):
        services.decide_item(by=supervisor, item_id=item_of(person).pk, keep=[], reason="again")
    assert roles_of(person) == keep


@pytest.mark.parametrize("wrong", ["herself", "again", "delete"])
def test_the_database_refuses_a_decision_about_oneself_and_keeps_what_was_decided(supervisor, person, wrong):
    item = item_of(person)
    if wrong == "herself":
        item.decision, item.decided_by, item.decided_at = "confirmed", person, timezone.now()
    else:
        item = services.decide_item(by=supervisor, item_id=item.pk, keep=roles_of(person))
        item.reason = "another"
    with pytest.raises(DatabaseError, match=r"review_item_takes_two|stays as it is"), transaction.atomic():
        ReviewItem.objects.filter(pk=item.pk).delete() if wrong == "delete" else item.save()


def test_who_has_left_meanwhile_holds_no_review_up(administrator, supervisor, person):
    second = managed(administrator, supervisor)
    services.stop_user(by=administrator, user_id=second.pk, reason="left")
    services.decide_item(by=supervisor, item_id=item_of(person).pk, keep=roles_of(person))
    assert AccessReview.objects.get().completed_at


def test_who_comes_within_the_quarter_joins_the_review_that_runs(administrator, supervisor, person, browse):
    second = managed(administrator, supervisor)
    assert item_of(second).review == item_of(person).review
    [joined] = events("access_review.joined")
    assert (joined.actor, joined.detail["people"]) == (administrator.username, [second.username])
    assert Notice.objects.get(kind="access_review.joined").recipient_id == supervisor.pk
    third, _ = services.invite_user(
        by=administrator, username="third", name="T", roles=[Role.RECORDS_CLERK], manager=supervisor
    )
    fourth = UserFactory(manager=supervisor, roles=[Role.RECORDS_CLERK])  # by another way than a verb
    assert services.open_reviews() == 0
    assert {item.person_id for item in item_of(person).review.items.all()} == {
        one.pk for one in (person, second, third, fourth)
    }
    services.change_user(
        by=administrator, user_id=second.pk, name="S", email="", roles=second.role_names, manager=supervisor
    )
    assert ReviewItem.objects.filter(person=second).count() == 1
    page = browse(supervisor).get("/access-review/").content.decode()
    assert "4 to decide" in page
    assert "Not in your review" not in page


def test_who_comes_after_it_is_finished_is_listed_with_the_reason(administrator, supervisor, person, browse):
    services.decide_item(by=supervisor, item_id=item_of(person).pk, keep=roles_of(person))
    late = managed(administrator, supervisor)
    services.open_reviews()
    assert not ReviewItem.objects.filter(person=late).exists()
    page = browse(supervisor).get("/access-review/").content.decode()
    assert late.display_name in page
    assert "You had finished this quarter" in page
    with time_machine.travel(timezone.now() + timedelta(days=93)):
        assert services.open_reviews() == 1
        assert ReviewItem.objects.filter(person=late).exists()


def test_whom_a_former_manager_decides_about_is_not_asked_twice(administrator, supervisor, person, browse):
    """The former manager keeps the item she was given, so that nobody slips between two reviews."""
    new = make_user(Role.RECORDS_SUPERVISOR)
    services.change_user(
        by=administrator, user_id=person.pk, name="P", email="", roles=person.role_names, manager=new
    )
    assert services.open_reviews() == 0
    page = browse(new).get("/access-review/").content.decode()
    assert f"{supervisor.display_name}, who was the manager" in page
    fresh = managed(administrator, new)
    assert "within a few hours" in browse(new).get("/access-review/").content.decode()
    assert services.open_reviews() == 1
    assert item_of(fresh).review.manager == new


@pytest.mark.parametrize("people", [1, 12])
def test_the_page_needs_few_queries_however_many_are_left_out(administrator, supervisor, person, people):
    services.decide_item(by=supervisor, item_id=item_of(person).pk, keep=roles_of(person))
    for _ in range(people):
        managed(administrator, supervisor)
    with at_most_queries(3):
        assert len(reviewing.left_out(supervisor)) == people


def test_a_late_review_is_told_once_to_the_manager_and_whoever_oversees(
    administrator, compliance, supervisor, person, browse
):
    assert services.tell_overdue() == 0
    with time_machine.travel(timezone.now() + timedelta(days=22)):
        assert services.tell_overdue() == 1
        assert services.tell_overdue() == 0
        assert reviewing.count_overdue() == 1
        told = Notice.objects.filter(kind="access_review.overdue").values_list("recipient_id", flat=True)
        assert set(told) == {administrator.pk, compliance.pk, supervisor.pk}
        for overseer in (administrator, compliance):
            assert "1 access review is overdue" in browse(overseer).get("/").content.decode()


def test_the_pages_show_a_manager_her_people_and_an_overseer_how_far_all_are(
    administrator, supervisor, clerk, person, browse
):
    hers, theirs = browse(supervisor), browse(clerk)
    item = item_of(person)
    assert person.display_name in hers.get("/access-review/").content.decode()
    assert person.display_name not in theirs.get("/access-review/").content.decode()
    assert theirs.post(f"/access-review/{item.pk}/", {"reason": "x"}).status_code == 404
    refused = hers.post(f"/access-review/{item.pk}/", {"keep": ["records_clerk"], "reason": ""})
    assert refused.status_code == 422
    assert "Say why" in refused.content.decode()
    done = hers.post(f"/access-review/{item.pk}/", {"keep": ["records_clerk"], "reason": "moved on"})
    assert done["Location"] == "/access-review/"
    assert hers.post(f"/access-review/{item.pk}/", {"keep": ["records_clerk"]}).status_code in {409, 422}
    page = browse(administrator).get("/access-review/").content.decode()
    assert "Finished" in page
    assert "without a manager" in page


@pytest.mark.committed
def test_two_decisions_at_the_same_moment_make_one(committed):
    administrator = make_user(Role.ADMINISTRATOR, username="review.administrator")
    manager = make_user(Role.RECORDS_SUPERVISOR, username="review.manager")
    person = make_user(Role.RECORDS_CLERK, username="review.person")
    services.change_user(
        by=administrator, user_id=person.pk, name="P", email="", roles=person.role_names, manager=manager
    )
    services.open_reviews()
    item = item_of(person)
    results = together(
        lambda number: services.decide_item(by=manager, item_id=item.pk, keep=["records_clerk"])
    )
    assert sorted(type(result).__name__ for result in results) == ["ReviewItem", "WrongMove"]


# -- dormant and excessive


def kinds_of(person: User) -> list[tuple[str, str]]:
    return [(found.kind, found.words) for found in reviewing.findings() if found.person == person]


def test_who_does_not_sign_in_is_dormant(administrator):
    long_ago = timezone.now() - timedelta(days=200)
    never = make_user(Role.RECORDS_CLERK, created_at=long_ago)
    late = make_user(Role.RECORDS_CLERK, created_at=long_ago, last_login=timezone.now() - timedelta(days=100))
    new = make_user(Role.RECORDS_CLERK)
    gone = make_user(Role.RECORDS_CLERK, created_at=long_ago, is_active=False)
    assert kinds_of(never) == [("dormant", "Has never signed in")]
    assert kinds_of(late) == [("dormant", "Not signed in for 100 days")]
    assert kinds_of(new) == kinds_of(gone) == []


def test_a_right_that_is_not_used_is_excessive_until_it_is_used(administrator, browse):
    long_ago = timezone.now() - timedelta(days=200)
    officer = make_user(Role.COMPLIANCE_OFFICER, created_at=long_ago, last_login=timezone.now())
    before = {words for _, words in kinds_of(officer)}
    assert "Read the access log: not used for 90 days" in before
    assert browse(officer).get("/log/").status_code == 200
    assert before - {words for _, words in kinds_of(officer)} == {"Read the access log: not used for 90 days"}


def test_what_should_not_be_together_is_found(administrator):
    both = UserFactory(roles=[Role.ADMINISTRATOR, Role.COMPLIANCE_OFFICER])
    assert [kind for kind, _ in kinds_of(both)] == ["conflict", "conflict"]


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
def test_the_report_is_for_whoever_oversees(db, browse, role):
    status = 200 if role in {Role.ADMINISTRATOR, Role.COMPLIANCE_OFFICER} else 403
    client = browse(make_user(role))
    assert [client.get(f"/rights/report/{part}").status_code for part in ("", "export/")] == [status] * 2


def test_the_file_holds_what_the_page_shows(administrator, browse):
    make_user(Role.RECORDS_CLERK, username="sleeper", created_at=timezone.now() - timedelta(days=200))
    answer = browse(administrator).get("/rights/report/export/")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["User name"], row["Kind"]) for row in rows] == [("sleeper", "dormant")]
    assert len(events("rights_report.exported")) == 1


@pytest.mark.parametrize("people", [1, 12])
def test_the_report_needs_few_queries_however_many_people(db, people):
    for _ in range(people):
        make_user(Role.COMPLIANCE_OFFICER, created_at=timezone.now() - timedelta(days=200))
    with at_most_queries(6):
        assert len(reviewing.findings()) == people
