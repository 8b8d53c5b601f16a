"""A log with a past, inside the test's transaction."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.review import counting
from audit.review.models import SignOff
from audit.review.services import signing
from common.ids import uuid7
from tests.audit.signing.making import at_noon, backdating, count_everything, happened
from tests.factories import make_user

DAYS = 70


@pytest.fixture
def past(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Events may be put into the past; the test's own transaction, which never ends, keeps no day from settling."""
    monkeypatch.setattr(counting, "_snapshot", lambda: (10**12, 10**12 - 1))
    with backdating():
        yield


@pytest.fixture
def nosy(db: None) -> User:
    """Looks at charts that nothing explains."""
    return make_user(Role.CLINICIAN, name="Nosy Nettle")


@pytest.fixture
def busy(past: None, nosy: User) -> date:
    """Seventy days of a clerk, a clinician, refusals, a download and a job; the first of them."""
    today = timezone.localdate()
    worker, first = make_user(Role.RECORDS_CLERK, name="Busy Bee"), today - timedelta(days=DAYS)
    for step in range(DAYS):
        day = first + timedelta(days=step)
        for minute in range(3):
            happened(at_noon(day, minute), worker, patient=uuid7())
        happened(at_noon(day, 5), nosy, patient=uuid7())
        if step % 7 == 0:
            happened(at_noon(day, 6), nosy, event="access.denied", outcome="denied")
            happened(at_noon(day, 7), worker, event="document.downloaded", action="copy", patient=uuid7())
        happened(
            at_noon(day, 8),
            None,
            event="user.sign_in_failed",
            action="sign-in-failed",
            outcome="failed",
            actor="x",
        )
        happened(at_noon(day, 9), worker, event="patient.searched", action="search")
    return first


@pytest.fixture
def month(busy: date) -> SignOff:
    """The review of the last whole month, all of whose days are counted."""
    count_everything()
    signing.make_sign_offs()
    row: SignOff = SignOff.objects.get(kind="month")
    return row
