"""Evidence is frozen with its proof, and proves itself without the log."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import connections, transaction
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from audit.models import Event
from audit.proof import bundle
from audit.review.models import CaseEvidence
from audit.review.services import deciding, evidence
from audit.services import record
from common.errors import NotFound, RuleBroken, WrongMove
from tests.audit.cases.making import NASTY, complaint, looks, officer
from tests.factories import PatientFactory, make_user
from tests.support import events

Browse = Callable[[User], Client]
pytestmark = pytest.mark.committed


@pytest.fixture(autouse=True)
def own_key(committed: None, settings: LazySettings) -> None:
    settings.SEAL_KEYS = {"new": b"2" * 32}


def signed_in(browse: Browse, by: User) -> Client:
    """Her browser: signing in changes her row, which is written like everything else."""
    with transaction.atomic():
        client = browse(by)
        record("user.changed", by=by, about=by)
    return client


def unpacked(data: bytes, folder: Path) -> "subprocess.CompletedProcess[str]":
    """What the shipped script says of the bundle, under a Python that sees no package of ours."""
    zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")], capture_output=True, text=True, check=False
    )


def test_frozen_events_prove_themselves_elsewhere(tmp_path: Path) -> None:
    by, actor, patient = officer(), make_user(Role.RECORDS_CLERK), PatientFactory.create()
    case = complaint(by, actor, patient)
    ids = looks(actor, patient, 3, reason=NASTY)
    frozen = evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=ids)
    assert {row.event_id for row in frozen} == set(ids)
    assert all(row.proven.holds for row in CaseEvidence.objects.filter(case=case))
    [event] = events("case.evidence_frozen", about=case)
    assert event.detail["events"] == sorted(ids)
    assert event.patient_ids == [patient.pk]
    _, data = evidence.take_case_evidence(by=by, case_id=case.pk)
    done = unpacked(data, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 events: all as they were sealed." in done.stdout
    lines = (tmp_path / "events.jsonl").read_text()
    (tmp_path / "events.jsonl").write_text(lines.replace(actor.username, "x" * len(actor.username), 1))
    again = subprocess.run(
        [sys.executable, "-I", "-S", str(tmp_path / "verify.py")], capture_output=True, check=False
    )
    assert again.returncode == 1


def test_the_bundle_needs_no_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The log's month may be archived: only the case's own rows are read."""
    by, actor, patient = officer(), make_user(Role.RECORDS_CLERK), PatientFactory.create()
    case = complaint(by, actor, patient)
    evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=looks(actor, patient, 2))
    for name in ("_canonical", "_sealing"):
        monkeypatch.setattr(bundle, name, None)
    monkeypatch.setattr(bundle.epochs, "kept_leaves", None)
    _, data = evidence.take_case_evidence(by=by, case_id=case.pk)
    assert unpacked(data, tmp_path).returncode == 0


def test_an_event_is_frozen_once_and_never_changed() -> None:
    by, actor, patient = officer(), make_user(Role.RECORDS_CLERK), PatientFactory.create()
    case = complaint(by, actor, patient)
    ids = looks(actor, patient, 2)
    evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=ids[:1])
    assert [row.event_id for row in evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=ids)] == ids[
        1:
    ]
    with pytest.raises(RuleBroken, match="not in the case yet"):
        evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=ids)
    with pytest.raises(Exception, match="permission denied"), transaction.atomic():
        CaseEvidence.objects.filter(case=case).update(canonical="other")
    with (
        pytest.raises(Exception, match="append-only"),
        transaction.atomic(using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute("update review_caseevidence set canonical = 'other'")


def test_what_is_not_sealed_yet_waits() -> None:
    by, actor, patient = officer(), make_user(Role.RECORDS_CLERK), PatientFactory.create()
    case = complaint(by, actor, patient)
    with transaction.atomic():
        record("patient.viewed", by=actor, patient=patient.pk, about=patient)
    newest = Event.objects.filter(actor_id=actor.pk, event="patient.viewed").latest("id").pk
    with pytest.raises(RuleBroken) as refused:
        evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=[newest])
    assert refused.value.code == "not_sealed"
    assert not case.evidence.exists()


def test_what_the_log_does_not_prove_is_not_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    by, actor, patient = officer(), make_user(Role.RECORDS_CLERK), PatientFactory.create()
    case = complaint(by, actor, patient)
    ids = looks(actor, patient, 1)
    real = bundle._canonical
    monkeypatch.setattr(
        bundle,
        "_canonical",
        lambda wanted: [(pk, xid, text.replace("viewed", "listed")) for pk, xid, text in real(wanted)],
    )
    with pytest.raises(RuleBroken) as refused:
        evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=ids)
    assert refused.value.code == "not_proven"


def test_refusals() -> None:
    by, actor, patient = officer(), make_user(Role.RECORDS_CLERK), PatientFactory.create()
    case = complaint(by, actor, patient)
    ids = looks(actor, patient, 1)
    with pytest.raises(NotFound):
        evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=[2**62])
    with pytest.raises(RuleBroken, match="No event was frozen"):
        evidence.take_case_evidence(by=by, case_id=case.pk)
    subject = officer()
    hers = complaint(by, subject, patient)
    with pytest.raises(NotFound):
        evidence.freeze_evidence(by=subject, case_id=hers.pk, event_ids=ids)
    deciding.decide_case(by=by, case_id=case.pk, outcome="appropriate", conclusion="He was on duty.")
    with pytest.raises(WrongMove):
        evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=ids)


def test_choosing_by_page(browse: Browse, tmp_path: Path) -> None:
    by, actor = officer(), make_user(Role.RECORDS_CLERK)
    patient = PatientFactory.create(family="Quillfeather")
    case = complaint(by, actor, patient)
    ids = looks(actor, patient, 2)
    client = signed_in(browse, by)
    address = f"{case.get_absolute_url()}evidence/"
    page = client.get(address).content.decode()
    assert f'value="{ids[0]}"' in page
    assert actor.username in page
    assert client.post(address, {"events": []}).status_code == 422
    junk = client.post(address, {"events": ["1x", "-4", "9" * 30]})
    assert junk.status_code == 422
    assert client.post(address, {"events": [str(pk) for pk in ids]})["Location"] == case.get_absolute_url()
    file = client.get(case.get_absolute_url()).content.decode()
    assert file.count("state-good") == 2
    assert "opened the chart" in file
    bundled = client.get(f"{address}bundle/")
    assert bundled["Content-Disposition"].endswith(f'evidence-{case.number}.zip"')
    assert unpacked(bundled.content, tmp_path).returncode == 0
    assert "in the case" in client.get(address).content.decode()


def test_a_row_that_was_bent_does_not_hold(browse: Browse) -> None:
    """Somebody went round every guard: the page says so."""
    by, actor, patient = officer(), make_user(Role.RECORDS_CLERK), PatientFactory.create()
    case = complaint(by, actor, patient)
    evidence.freeze_evidence(by=by, case_id=case.pk, event_ids=looks(actor, patient, 1))
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute("alter table review_caseevidence disable trigger user")
        cursor.execute("update review_caseevidence set canonical = replace(canonical, 'viewed', 'listed')")
        cursor.execute("alter table review_caseevidence enable trigger user")
    assert "does not hold" in signed_in(browse, by).get(case.get_absolute_url()).content.decode()
