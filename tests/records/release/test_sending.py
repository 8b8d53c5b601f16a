"""Sending, and the ledger that sending writes."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connections, transaction
from django.utils import timezone

from accounts.models import User
from common.errors import Denied, NotFound, RuleBroken, RulesBroken, WrongMove
from common.ids import uuid7
from common.jobs import services as jobs
from records.release.models import Disclosure, Release, ReleaseStatus, RequestStatus
from records.release.services import building, evidence, looking, selecting, sending
from tests.factories import PatientFactory
from tests.records.release.making import (
    authorization,
    built,
    cleared,
    filed,
    from_lawyer,
    job_of,
    pdf_of,
    today,
)
from tests.support import events


def sent(by: User, release: Release) -> bytes:
    return b"".join(sending.download_package(by=by, release_id=release.pk).chunks())


def test_a_second_download_gives_the_same_bytes_and_no_second_disclosure(roi: User) -> None:
    release = built(roi)
    assert sent(roi, release) == sent(roi, release)
    assert Disclosure.objects.filter(release=release).count() == 1
    assert len(events("release.package_downloaded", about=release)) == 1
    copied = events("release.package_copied", about=release)
    assert [event.action for event in copied] == ["export"]


def test_the_line_of_the_ledger_says_what_the_law_asks(roi: User) -> None:
    """AOD-03: day, recipient with address, what was sent, why."""
    release = built(roi, pdf_of("a"), pdf_of("b", "c"))
    sent(roi, release)
    line = Disclosure.objects.get(release=release)
    assert line.disclosed_on == today()
    assert abs(line.at - timezone.now()) < timedelta(minutes=1)
    assert (line.recipient_name, line.recipient_address) == ("Ada Testperson", "1 Alder Lane, Harrow Falls")
    assert line.description.startswith("2 documents, 4 pages of 2026-01-10 to 2026-01-10: 2 ")
    assert (line.purpose, line.kind, line.how) == ("my own file", "patient", "download")


def test_marking_as_mailed_takes_the_day_it_went(roi: User) -> None:
    release = built(roi, delivery_method="mail")
    sending.mark_mailed(by=roi, release_id=release.pk, sent_on=today(), tracking=" RR 12 ")
    release.refresh_from_db()
    assert (release.status, release.delivered_how, release.tracking) == ("delivered", "mail", "RR 12")
    assert events("release.mailed", about=release)[0].detail["sha256"] == release.sha256
    with pytest.raises(WrongMove):
        sending.mark_mailed(by=roi, release_id=release.pk, sent_on=today())
    assert Disclosure.objects.filter(release=release).count() == 1


@pytest.mark.parametrize("days", [-1, 1])
def test_it_cannot_have_gone_before_it_was_built_or_after_today(days: int, roi: User) -> None:
    release = built(roi)
    with pytest.raises(RuleBroken) as refused:
        sending.mark_mailed(by=roi, release_id=release.pk, sent_on=today() + timedelta(days=days))
    assert refused.value.field == "sent_on"
    assert not Disclosure.objects.exists()


def test_an_authorization_that_ends_before_sending_stops_it(roi: User) -> None:
    """AUTH-D1: valid when the package was built, ended when it should go."""
    patient = PatientFactory.create()
    document = filed(patient, pdf_of("note"))
    row = from_lawyer(roi, patient, scope={"everything": True})
    form = authorization(expires_on=today() + timedelta(days=2))
    evidence.add_evidence(by=roi, request_id=row.pk, kind="authorization", fields=form)
    selecting.select_documents(by=roi, request_id=row.pk, document_ids=[document.pk])
    release = building.start_release(by=roi, request_id=row.pk)
    jobs.run(job_of(release).pk)
    with time_machine.travel(timezone.now() + timedelta(days=4)):
        with pytest.raises(RulesBroken) as refused:
            sent(roi, release)
    assert refused.value.code == "AUTH-D1"
    release.refresh_from_db()
    assert (release.status, release.request.status) == (ReleaseStatus.READY, RequestStatus.READY)
    assert not Disclosure.objects.exists()


def test_a_package_that_is_not_built_or_was_withdrawn_does_not_go(roi: User) -> None:
    row = cleared(roi)
    waiting = building.start_release(by=roi, request_id=row.pk)
    with pytest.raises(WrongMove):
        sent(roi, waiting)
    jobs.run(job_of(waiting).pk)
    selecting.select_documents(by=roi, request_id=row.pk, document_ids=None)
    with pytest.raises(WrongMove):
        sent(roi, waiting)
    assert not Disclosure.objects.exists()


def test_a_release_that_is_not_there_is_not_found(roi: User) -> None:
    with pytest.raises(NotFound):
        sending.download_package(by=roi, release_id=uuid7())


@pytest.mark.parametrize("role", ["clerk", "clinician", "compliance", "administrator"])
def test_who_may_not_send(role: str, roi: User, request: Any) -> None:
    release, user = built(roi), request.getfixturevalue(role)
    with pytest.raises(Denied):
        sent(user, release)
    with pytest.raises(Denied):
        sending.mark_mailed(by=user, release_id=release.pk, sent_on=today())
    assert not Disclosure.objects.exists()


@pytest.mark.parametrize(
    "statement",
    [
        "update release_disclosure set recipient_name = 'nobody'",
        "delete from release_disclosure",
        "truncate release_disclosure",
    ],
)
def test_the_ledger_cannot_be_edited(statement: str, roi: User) -> None:
    sent(roi, built(roi))
    with pytest.raises(DatabaseError), transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute(statement)
    assert Disclosure.objects.count() == 1


def test_the_ledger_cannot_be_back_dated(roi: User) -> None:
    release = built(roi)
    with pytest.raises(DatabaseError), transaction.atomic():
        Disclosure.objects.create(
            at=timezone.now() - timedelta(days=400),
            disclosed_on=today(),
            patient_id=release.patient_id,
            request_id=release.request_id,
            release=release,
            kind="patient",
            recipient_name="x",
            description="x",
            purpose="x",
            how="mail",
            release_sha256=release.sha256,
            pages=1,
            is_in_accounting=False,
            sent_by=roi,
        )
    assert not Disclosure.objects.exists()


def test_looking_at_the_ledger_is_on_record_and_narrowed_by_day(roi: User) -> None:
    release = built(roi)
    sent(roi, release)
    for since, count in ((today(), 1), (today() + timedelta(days=1), 0)):
        _, rows = looking.list_disclosures(by=roi, patient_id=release.patient_id, from_on=since)
        assert len(rows) == count
    assert len(events("disclosure.listed", patient_id=release.patient_id)) == 2


def test_the_accounting_leaves_out_what_was_authorized(roi: User) -> None:
    """AOD-02."""
    release = built(roi)
    sent(roi, release)
    _, rows = looking.list_disclosures(by=roi, patient_id=release.patient_id, is_accounting=True)
    assert not rows


@pytest.mark.parametrize("role", ["clerk", "clinician", "administrator"])
def test_who_may_not_see_the_ledger(role: str, roi: User, request: Any) -> None:
    release = built(roi)
    with pytest.raises(Denied):
        looking.list_disclosures(by=request.getfixturevalue(role), patient_id=release.patient_id)
