"""J9: prove the log, download evidence, check it elsewhere; on the page and through the API."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from accounts.roles import Role
from audit.models import CheckpointDelivery
from audit.proof import checkpoints, destinations, epochs, keys
from audit.review import proof
from audit.review.models import LogCheck
from audit.services import record
from common.ids import uuid7
from common.jobs import services as jobs
from common.jobs.models import Job, JobStatus
from tests.audit.proof.waiting import seal_everything
from tests.factories import make_user
from tests.support import events

Browse = Callable[[User], Client]


def signed_in(client: Client, user: User) -> Client:
    """A sign-in that commits, with its event."""
    with transaction.atomic():
        client.force_login(user)
        record("user.signed_in", by=user, about=user)
    return client


@pytest.fixture
def officer(committed: None, settings: LazySettings) -> User:
    """A compliance officer, and a log with something sealed in it."""
    settings.SEAL_KEYS = {"new": b"2" * 32, "old": b"1" * 32}
    user = make_user(Role.COMPLIANCE_OFFICER)
    seal_everything()
    return user


@pytest.mark.committed
def test_the_page_shows_the_seals_and_the_check(officer: User, client: Client) -> None:
    signed_in(client, officer)
    assert "Newest seals" in client.get("/log/proof/").content.decode()
    assert client.post("/log/proof/check/").status_code == 302
    job = Job.objects.filter(kind="audit.verify").order_by("-created_at")[0]
    assert "Checking the log" in client.get("/log/proof/").content.decode()
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.status == JobStatus.DONE
    assert job.text == "The log is whole."
    written = events("log.verified", actor_id=officer.pk)[-1]
    assert written.action == "verify"
    assert written.detail is not None
    assert written.detail["ok"] is True
    assert "Whole" in client.get("/log/proof/").content.decode()


@pytest.mark.committed
def test_the_page_says_who_was_told_of_the_seals_and_who_could_not_be(
    officer: User, client: Client, settings: LazySettings, tmp_path: Path
) -> None:
    signed_in(client, officer)
    assert "Nowhere yet" in client.get("/log/proof/").content.decode()
    (tmp_path / "away").write_text("no folder")
    settings.CHECKPOINTS = [str(tmp_path / "there"), str(tmp_path / "away")]
    destinations.deliver()
    page = client.get("/log/proof/").content.decode()
    newest = epochs.last()
    assert newest is not None
    assert checkpoints.fingerprint(newest) in page
    assert "Not reached</span>" in page
    assert "Nowhere yet" not in page
    CheckpointDelivery.objects.all().delete()


@pytest.mark.committed
def test_a_part_is_checked_and_said_to_be_a_part(officer: User, client: Client) -> None:
    newest = epochs.last()
    assert newest is not None
    signed_in(client, officer)
    before = LogCheck.objects.count()
    assert client.post("/log/proof/check/", {"first": newest.n, "last": newest.n}).status_code == 302
    job = Job.objects.filter(kind="audit.verify").order_by("-created_at")[0]
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.text == "This part of the log is whole."
    written = events("log.verified", actor_id=officer.pk)[-1]
    assert written.detail is not None
    assert (written.detail["epochs"], written.detail["last_epoch"]) == (1, newest.n)
    assert f"from seal {newest.n} to seal {newest.n} only" in " ".join(
        client.get("/log/proof/").content.decode().split()
    )
    assert LogCheck.objects.count() == before  # says nothing of the rest
    api = signed_in(APIClient(), officer)
    answer = api.get("/api/v1/audit/verify/", {"from_epoch": newest.n, "to_epoch": newest.n}).json()
    assert (answer["ok"], answer["epochs"], answer["checked"]) == (True, 1, newest.row_count)
    assert api.get("/api/v1/audit/verify/", {"from_epoch": "9" * 30}).status_code == 400


@pytest.mark.committed
def test_a_second_check_does_not_start_beside_the_first(officer: User) -> None:
    assert proof.ask_for_check(by=officer).pk == proof.ask_for_check(by=officer).pk


@pytest.mark.committed
@pytest.mark.parametrize(
    "given", [{"first": "5", "last": "4"}, {"first": "x"}, {"last": "0"}, {"first": "9" * 30}]
)
def test_a_part_that_makes_no_sense_is_refused(given: dict[str, str], officer: User, client: Client) -> None:
    before = Job.objects.count()
    answer = signed_in(client, officer).post("/log/proof/check/", given)
    assert answer.status_code == 422
    assert "<details open>" in answer.content.decode()
    assert Job.objects.count() == before


@pytest.mark.committed
def test_the_api_verifies_and_gives_checkpoints(officer: User) -> None:
    api = signed_in(APIClient(), officer)
    answer = api.get("/api/v1/audit/verify/").json()
    assert answer["ok"] is True
    assert answer["first_bad"] is None
    assert answer["checked"] > 0
    checkpoint = api.get("/api/v1/audit/checkpoints/").json()["results"][0]
    assert checkpoint["public_key"] == keys.public_text("new")
    assert len(bytes.fromhex(checkpoint["signature"])) == 64


@pytest.mark.committed
def test_evidence_holds_what_was_asked_for(officer: User, client: Client) -> None:
    name = f"watched-{uuid7()}"
    with transaction.atomic():
        record("user.sign_in_failed", by=None, actor=name, outcome="failed")
    seal_everything()
    answer = signed_in(client, officer).get("/log/evidence/", {"actor": name})
    assert answer["Content-Type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert set(archive.namelist()) == {
        "bundle.json",
        "events.jsonl",
        "verify.py",
        "README.txt",
        "SHA256SUMS",
    }
    assert archive.read("events.jsonl").decode().count(name) >= 1
    assert events("log.evidence_taken", actor_id=officer.pk)


PATHS = ["/log/proof/", "/log/evidence/", "/api/v1/audit/verify/", "/api/v1/audit/checkpoints/"]


@pytest.mark.django_db
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "role", [Role.RECORDS_CLERK, Role.CLINICIAN, Role.RECORDS_SUPERVISOR, Role.ADMINISTRATOR]
)
def test_nobody_else_sees_the_proof(path: str, role: Role, browse: Browse) -> None:
    user = make_user(role)
    assert browse(user).get(path).status_code == 403
    assert events("access.denied", actor_id=user.pk, outcome="denied")
