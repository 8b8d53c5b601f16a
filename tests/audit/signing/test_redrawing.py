"""`audit_redraw`: the sample of a signed review is drawn again, and what is not the same is told."""

from collections.abc import Sequence
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from audit.explaining import Access, Standing
from audit.review.models import SignOff
from audit.review.services import redrawing, signing
from common.ids import uuid7
from tests.audit.breaking import break_explainer
from tests.audit.signing.making import at_noon, happened, judged, signed
from tests.support import events


def _signed(review: SignOff, by: User, size: int = 10) -> SignOff:
    signing.draw_sample(by=by, sign_off_id=review.pk, size=size)
    judged(review, by)
    signed(review, by)
    return SignOff.objects.get(pk=review.pk)


def _period(review: SignOff) -> str:
    return f"{review.starts_on:%Y-%m}"


def _command(*periods: str) -> tuple[int, str, str]:
    """Its exit code, what it said, and what it complained of."""
    said, complained = StringIO(), StringIO()
    try:
        call_command("audit_redraw", *periods, stdout=said, stderr=complained)
    except CommandError as error:
        return error.returncode, said.getvalue(), complained.getvalue() + str(error)
    return 0, said.getvalue(), complained.getvalue()


@pytest.mark.parametrize("size", [10, 100])
def test_what_was_drawn_is_drawn_again(size: int, month: SignOff, compliance: User) -> None:
    """Whether the sample is full of what nothing explains, or holds the whole pool."""
    done = _signed(month, compliance, size)
    for asked in ((), (_period(done),)):
        code, said, complained = _command(*asked)
        assert (code, complained) == (0, "")
        assert f"{done.period}: the same sample. {done.sample.count()} of " in said
        assert done.seed in said
    first, second = events("signoff.redrawn", about=done)
    assert (first.action, first.outcome, first.detail["differences"]) == ("verify", "success", [])
    assert first.actor == second.actor == "system:reviews"
    assert first.patient_id is None
    assert first.patient_ids is None


def test_what_explains_an_access_today_does_not_matter(
    month: SignOff,
    compliance: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it came to when it was drawn is kept in the log."""
    done = _signed(month, compliance)
    break_explainer(monkeypatch)
    assert redrawing.redraw(done).is_same
    assert redrawing.redraw(done).notes == []


def test_a_draw_of_before_that_was_kept_is_taken_at_its_word(
    month: SignOff,
    compliance: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signing, "in_letters", lambda standings: "")
    redrawn = redrawing.redraw(_signed(month, compliance))
    assert redrawn.is_same
    assert "taken as explained" in redrawn.notes[0]


def _others_first(pool: Sequence[Access], standings: Any, size: int) -> list[Access]:
    return list(pool)[1 : size + 1]


def _swapped(pool: Sequence[Access], standings: Any, size: int) -> list[Access]:
    first, second, *rest = sorted(pool, key=lambda access: standings[access.event_id] is Standing.EXPLAINED)[
        :size
    ]
    return [second, first, *rest]


@pytest.mark.parametrize("choose", [_others_first, _swapped])
def test_a_sample_that_somebody_chose_is_told(
    choose: Any,
    month: SignOff,
    compliance: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a changed program or a hand in the database would leave it: kept, judged and signed like any other."""
    with monkeypatch.context() as bent:
        bent.setattr(signing, "chosen_of", choose)
        done = _signed(month, compliance)
    code, said, complained = _command(_period(done))
    assert code == 1
    assert "NOT the same sample" in said
    assert "Place 1: event" in said
    assert "1 of 1 samples are not the same" in complained
    [event] = events("signoff.redrawn", about=done)
    assert event.outcome == "failed"
    assert event.detail["differences"]


def test_a_pool_from_another_seed_is_told(
    month: SignOff,
    compliance: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = signing.pool_of

    def pool_of(sign_off: SignOff) -> list[Access]:
        kept, sign_off.seed = sign_off.seed, "0" * 32
        try:
            return real(sign_off)
        finally:
            sign_off.seed = kept

    with monkeypatch.context() as bent:
        bent.setattr(signing, "pool_of", pool_of)
        done = _signed(month, compliance)
    assert not redrawing.redraw(done).is_same


@pytest.mark.parametrize("whose", ["somebody's", "the drawer's own"])
def test_an_access_that_came_into_the_period_later_is_told(
    whose: str,
    month: SignOff,
    compliance: User,
    nosy: User,
) -> None:
    done = _signed(month, compliance)
    happened(at_noon(done.starts_on, 200), nosy if whose == "somebody's" else compliance, patient=uuid7())
    told = " ".join(redrawing.redraw(done).differences)
    words = "could be drawn" if whose == "somebody's" else "the drawer's own"
    assert words in told
    assert "when it was drawn" in told


def test_a_review_that_was_changed_after_its_signature_is_told(
    month: SignOff,
    compliance: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The row says one thing, the log another: as after a change by the owner of the table."""
    with monkeypatch.context() as bent:
        bent.setattr(signing, "digest_of", lambda sign_off: "0" * 64)
        done = _signed(month, compliance)
    told = redrawing.redraw(done).differences
    assert any(text.startswith("What is kept is not what was signed") for text in told)
    assert any(text.startswith("The log says that something else was signed") for text in told)


def test_it_cannot_tell_of_what_is_not_signed_not_there_or_archived(
    month: SignOff,
    compliance: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit 2: neither the same nor another."""
    assert _command() == (0, "No review is signed yet.\n", "")
    code, _, complained = _command(_period(month))
    assert code == 2
    assert "is not signed yet" in complained
    for period in ("2026-13", "2026-Q5", "last month", "1999-01", "1999-q4"):
        code, _, complained = _command(period)
        assert (code, period in complained) == (2, True)
    done = _signed(month, compliance)
    archived = type("Row", (), {"month": _period(done)})
    monkeypatch.setattr(redrawing.ledger, "between", lambda since, until: [archived])
    code, _, complained = _command(_period(done))
    assert code == 2
    assert f"audit_attach --month {_period(done)}" in complained
    assert not events("signoff.redrawn")
