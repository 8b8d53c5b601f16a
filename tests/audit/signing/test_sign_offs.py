"""SEC-D, 164.308(a)(1)(ii)(D): a review a month and a quarter, sampled by chance, judged, signed, never changed."""

import hashlib
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.review.models import DayState, DrawnAccess, SignOff, end_of, quarter_of
from audit.review.services import deciding, signing
from audit.services import record
from common.errors import Denied, NotFound, RuleBroken, WrongMove
from common.ids import uuid7
from common.notices.queries import notices_of
from tests.audit.breaking import break_explainer
from tests.audit.cases.making import NASTY, complaint, officer
from tests.audit.signing.making import at_noon, happened, judged, signed
from tests.factories import make_user
from tests.support import at_most_queries, events

Browse = Callable[[User], Client]


@pytest.mark.parametrize(
    ("kind", "start", "end"),
    [
        ("month", date(2026, 12, 1), date(2026, 12, 31)),
        ("month", date(2028, 2, 1), date(2028, 2, 29)),
        ("quarter", date(2026, 10, 1), date(2026, 12, 31)),
        ("quarter", date(2026, 1, 1), date(2026, 3, 31)),
    ],
)
def test_periods(kind: str, start: date, end: date) -> None:
    assert end_of(kind, start) == end
    assert quarter_of(end) <= start


def test_each_period_that_is_over_becomes_a_task_once(busy: date, compliance: User) -> None:
    made = signing.make_sign_offs()
    assert made == SignOff.objects.count() >= 1
    assert signing.make_sign_offs() == 0
    month = SignOff.objects.get(kind="month")
    this = timezone.localdate().replace(day=1)
    assert month.ends_on == this - timedelta(days=1)
    assert month.due_on > month.ends_on
    assert any(month.period in notice.text for notice in notices_of(compliance.pk))
    assert len(events("signoff.due", about=month)) == 1


def test_months_that_were_missed_are_made_up_for(busy: date) -> None:
    signing.make_sign_offs()
    month = SignOff.objects.get(kind="month")
    earlier = (month.starts_on - timedelta(days=100)).replace(day=1)
    with transaction.atomic():
        SignOff.objects.filter(pk=month.pk).update(starts_on=earlier, ends_on=end_of("month", earlier))
        record("signoff.due", by=None, actor="test", about=month)
    signing.make_sign_offs()
    starts = set(SignOff.objects.filter(kind="month").values_list("starts_on", flat=True))
    assert month.starts_on in starts
    assert all(end_of("month", start) >= busy for start in starts - {earlier})


def test_an_empty_log_owes_no_review(past: None) -> None:
    assert signing._missing() == [] or DayState.objects.exists() is False


def test_the_sample_can_be_drawn_again_from_its_seed(month: SignOff, compliance: User, nosy: User) -> None:
    drawn = signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)
    pool = [access.event_id for access in signing.pool_of(SignOff.objects.get(pk=month.pk))]
    by_hand = sorted(pool, key=lambda pk: (hashlib.sha256(f"{drawn.seed}:{pk}".encode()).digest(), pk))
    assert pool == by_hand
    sample = list(drawn.sample.order_by("position"))
    assert len(sample) == 10
    assert [row.position for row in sample] == list(range(1, 11))
    ranks = [(row.standing == "explained", pool.index(row.event_id)) for row in sample]
    assert ranks == sorted(ranks)
    assert {row.standing for row in sample} == {"unexplained"}
    assert nosy.pk in {row.actor_id for row in sample} or len(pool) > 10
    [event] = events("signoff.drawn", about=month)
    assert event.detail["seed"] == drawn.seed
    assert set(event.patient_ids) == {row.patient_id for row in sample}
    with pytest.raises(WrongMove):
        signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)


def test_no_sample_is_drawn_half_blind(
    month: SignOff, compliance: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is signed says which accesses nothing explained: that must be known."""
    break_explainer(monkeypatch)
    with pytest.raises(RuleBroken, match="could not be had: Consult") as refused:
        signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)
    assert refused.value.code == "explanations_missing"
    month.refresh_from_db()
    assert month.drawn_at is None


def test_another_seed_draws_others(month: SignOff, compliance: User) -> None:
    drawn = signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)
    one = [access.event_id for access in signing.pool_of(drawn)]
    drawn.seed = "0" * 32
    assert one != [access.event_id for access in signing.pool_of(drawn)]


def test_nobody_reviews_her_own_accesses(month: SignOff, compliance: User) -> None:
    """MON-5."""
    for minute in range(40):
        happened(at_noon(month.starts_on, 30 + minute), compliance, patient=uuid7())
    drawn = signing.draw_sample(by=compliance, sign_off_id=month.pk, size=100)
    assert drawn.left_out == 40
    assert compliance.pk not in set(drawn.sample.values_list("actor_id", flat=True))
    judged(drawn, compliance)
    other = User.objects.get(pk=drawn.sample.first().actor_id)
    with transaction.atomic():
        other.groups.set(compliance.groups.all())
        record("user.changed", by=compliance, about=other)
    other = User.objects.with_roles().get(pk=other.pk)
    with pytest.raises(RuleBroken, match="somebody else must sign"):
        signed(drawn, other)
    with pytest.raises(IntegrityError, match="Nobody signs about herself"), transaction.atomic():
        SignOff.objects.filter(pk=drawn.pk).update(
            signed_by=other, signed_at=timezone.now(), found="x", decided="y", digest="z"
        )


def test_what_is_signed_stays_and_its_hash_is_in_the_log(
    month: SignOff, compliance: User, clerk: User
) -> None:
    """MON-7: the cases that were closed in the period are part of it."""
    case = complaint(compliance, clerk)
    deciding.decide_case(by=compliance, case_id=case.pk, outcome="appropriate", conclusion="He was on duty.")
    signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)
    judged(month, compliance)
    done = SignOff.objects.get(pk=signed(month, compliance, found=NASTY).pk)
    assert done.digest == signing.digest_of(done)
    [event] = events("signoff.signed", about=month)
    assert (event.action, event.detail["sha256"]) == ("sign", done.digest)
    assert done.numbers["accesses"] > 0
    assert (
        done.numbers["days_counted"] == done.numbers["days_in_period"]
        or month.starts_on < timezone.localdate()
    )
    assert done.numbers["cases_closed"] == []
    now = signing.reports.numbers(timezone.localdate(), timezone.localdate())
    assert now["cases_closed"] == [{"number": case.number, "outcome": "appropriate", "sanction": ""}]
    for change in (
        lambda: SignOff.objects.filter(pk=month.pk).update(found="something else"),
        lambda: DrawnAccess.objects.filter(sign_off=month).update(note="something else"),
        lambda: DrawnAccess.objects.create(
            sign_off=month,
            position=99,
            event_id=1,
            at=timezone.now(),
            actor_id=uuid7(),
            patient_id=uuid7(),
            event="x",
        ),
    ):
        with pytest.raises(IntegrityError, match="What is signed stays"), transaction.atomic():
            change()
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        SignOff.objects.filter(pk=month.pk)._raw_delete(using="default")
    with pytest.raises(WrongMove):
        signed(month, compliance)
    with pytest.raises(WrongMove):
        judged(month, compliance)


def test_a_sample_stays_as_it_was_drawn(month: SignOff, compliance: User) -> None:
    signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)
    for change in ({"event_id": 1}, {"actor_id": uuid7()}, {"standing": "explained"}):
        with pytest.raises(IntegrityError, match="as it was drawn"), transaction.atomic():
            month.sample.filter(position=1).update(**change)


def test_what_keeps_a_review_from_being_signed(month: SignOff, compliance: User) -> None:
    with pytest.raises(RuleBroken) as refused:
        signed(month, compliance)
    assert refused.value.code == "not_drawn"
    signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)
    with pytest.raises(RuleBroken) as refused:
        signed(month, compliance)
    assert refused.value.code == "not_judged"
    judged(month, compliance)
    for name, more in (
        ("looked_at", {"looked_at": []}),
        ("looked_at", {"looked_at": ["tea leaves"]}),
        ("found", {"found": " "}),
        ("decided", {"decided": "\n"}),
    ):
        with pytest.raises(RuleBroken) as refused:
            signed(month, compliance, **more)
        assert refused.value.field == name
    DayState.objects.filter(day=month.ends_on).update(counted_at=None)
    with pytest.raises(RuleBroken) as refused:
        signed(month, compliance)
    assert refused.value.code == "not_counted"
    assert not events("signoff.signed")
    assert not SignOff.objects.get(pk=month.pk).is_signed


def test_days_that_are_not_counted_are_not_drawn_from(busy: date, compliance: User) -> None:
    signing.make_sign_offs()
    month = SignOff.objects.get(kind="month")
    with pytest.raises(RuleBroken, match="no day yet"):
        signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)


def test_judging(month: SignOff, compliance: User) -> None:
    signing.draw_sample(by=compliance, sign_off_id=month.pk, size=10)
    for verdicts in ({1: ("question", " ")}, {1: ("splendid", "")}, {99: ("fine", "")}):
        with pytest.raises((RuleBroken, NotFound)):
            signing.judge_sample(by=compliance, sign_off_id=month.pk, verdicts=verdicts)
    signing.judge_sample(
        by=compliance, sign_off_id=month.pk, verdicts={1: ("question", "Why?"), 2: ("fine", "")}
    )
    assert [row.verdict for row in month.sample.order_by("position")[:3]] == ["question", "fine", ""]
    assert events("signoff.judged", about=month)[0].detail["positions"] == [1, 2]


@pytest.mark.parametrize(
    "role", [role for role in Role if role not in {Role.COMPLIANCE_OFFICER, Role.SERVICE}]
)
def test_nobody_else_signs(month: SignOff, role: Role, browse: Browse) -> None:
    stranger = make_user(role)
    with pytest.raises(Denied):
        signing.draw_sample(by=stranger, sign_off_id=month.pk, size=10)
    client = browse(stranger)
    for address in ("/log/reviews/", month.get_absolute_url(), "/log/reports/", "/log/reports/roles/"):
        assert client.get(address).status_code == 403


def test_an_overdue_review_is_told_once(month: SignOff, compliance: User) -> None:
    assert not month.is_overdue or signing.tell_overdue_sign_offs()
    with transaction.atomic():
        SignOff.objects.update(due_on=timezone.localdate() - timedelta(days=1), overdue_told_at=None)
        record("signoff.viewed", by=compliance, about=month)
    count = SignOff.objects.count()
    assert [signing.tell_overdue_sign_offs(), signing.tell_overdue_sign_offs()] == [count, 0]
    assert any("overdue" in notice.text for notice in notices_of(compliance.pk))


def test_the_whole_way_by_page(month: SignOff, compliance: User, browse: Browse) -> None:
    client, address = browse(compliance), month.get_absolute_url()
    assert month.period in client.get("/log/reviews/").content.decode()
    assert client.get("/counts/").json()["signoffs"] >= 1
    assert client.post(f"{address}draw/", {"size": "7"}).status_code == 422
    assert client.post(f"{address}draw/", {"size": "10"})["Location"] == address
    page = client.get(address).content.decode()
    assert page.count('name="verdict-') == 10
    assert "unexplained" in page
    early = client.post(f"{address}sign/", {"looked_at": ["log"], "found": "kept text", "decided": "x"})
    assert early.status_code == 422
    assert "kept text" in early.content.decode()
    form = {f"verdict-{place}": "fine" for place in range(1, 11)} | {"verdict-3": "question"}
    assert client.post(f"{address}judge/", form).status_code == 422
    assert client.post(f"{address}judge/", form | {"note-3": NASTY})["Location"] == address
    words = {"looked_at": ["log", "cases"], "found": NASTY, "decided": "Ask him."}
    session = client.session
    session["confirmed_at"] = 0
    session.save()
    asked = client.post(f"{address}sign/", words)
    assert (asked.status_code, "/confirm/" in asked["Location"]) == (303, True)
    assert not SignOff.objects.get(pk=month.pk).is_signed
    assert browse(compliance).post(f"{address}sign/", words)["Location"] == address
    page = client.get(address).content.decode()
    assert "<script>alert" not in page
    assert SignOff.objects.get(pk=month.pk).digest in page
    assert "Print it" in page
    assert "Signed" in client.get("/log/reviews/").content.decode()


@pytest.mark.parametrize("size", [10, 100])
def test_a_review_needs_few_questions_however_large(
    month: SignOff, compliance: User, browse: Browse, size: int
) -> None:
    signing.draw_sample(by=compliance, sign_off_id=month.pk, size=size)
    client = browse(compliance)
    client.get(month.get_absolute_url())
    with at_most_queries(20):
        client.get(month.get_absolute_url())


def test_an_absent_review(compliance: User) -> None:
    officer()
    for key in (uuid7(), "no-id"):
        with pytest.raises(NotFound):
            signing.view_sign_off(by=compliance, sign_off_id=key)
