"""Requests at each stage, made by the release room's own verbs as the ROI specialist would."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from accounts.models import User
from common.jobs import services as jobs
from demo.charts import Chart, facts_of
from demo.drawing import draw
from demo.facts import DocumentPlan
from demo.words.people import HOSPITAL, INSURANCE_OFFICES, LAW_FIRMS, STATE
from records.documents import files
from records.release.models import RecordRequest, Release, ReleaseStatus
from records.release.services import building, evidence, intake, looking, selecting, sending

WAIT_SECONDS = 120.0


@dataclass(frozen=True)
class Story:
    """One request to be: how long ago it came, on what ground, and how far it got."""

    kind: str
    days_ago: int
    stage: str  # logged, cleared, chosen, ready, downloaded, mailed or canceled
    purpose: str = "personal copy"
    channel: str = "mail"


STORIES = (
    Story("patient", 2, "logged", channel="in_person"),
    Story("patient", 33, "logged", channel="mail"),
    Story("authorization", 1, "logged", "underwriting", "fax"),
    Story("subpoena", 4, "logged", "civil action 26-1107", "mail"),
    Story("treatment", 0, "logged", "continuing care", "fax"),
    Story("patient", 5, "cleared", "second opinion", "portal"),
    Story("authorization", 26, "cleared", "injury claim"),
    Story("patient", 8, "chosen", "personal copy", "email"),
    Story("authorization", 9, "chosen", "disability claim"),
    Story("patient", 6, "ready", "moving away", "in_person"),
    Story("authorization", 12, "ready", "injury claim"),
    Story("patient", 10, "downloaded", "second opinion", "portal"),
    Story("patient", 15, "downloaded", "personal copy", "portal"),
    Story("authorization", 20, "downloaded", "underwriting"),
    Story("patient", 18, "mailed", "personal copy"),
    Story("authorization", 22, "mailed", "injury claim"),
    Story("patient", 14, "canceled", "personal copy", "phone"),
)


def candidates(charts: list[Chart]) -> list[Chart]:
    """Charts worth asking for: three documents and more, none of them labelled, in the order of the plan."""
    found = [chart for chart in charts if len(chart.plan.documents) >= 3]
    return [chart for chart in found if not any(row.labels for row in chart.plan.documents)] or found


def tell(story: Story, chart: Chart, *, by: User, rng: random.Random, today: date) -> RecordRequest:
    """Take one request as far as its story goes."""
    record_request = intake.log_request(
        by=by, patient_id=chart.patient.pk, **_letter(story, chart, rng, today)
    )
    key = record_request.pk
    if story.stage == "canceled":
        return intake.cancel_request(by=by, request_id=key, reason="The patient called: no longer needed.")
    if story.stage == "logged":
        return record_request
    _put_ground_on_file(story, chart, record_request, by=by, today=today)
    if rng.random() < 0.7:
        intake.update_request(by=by, request_id=key, assigned_to=by)
    if story.stage == "cleared":
        return record_request
    looking.open_request(by=by, request_id=key)
    selecting.select_documents(by=by, request_id=key, document_ids=None)
    if story.stage == "chosen":
        return record_request
    release = _built(record_request, by)
    if release.status != ReleaseStatus.READY:
        raise RuntimeError(f"The demonstration's release was not built: {release.error or release.status}")
    if story.stage == "downloaded":
        for _ in sending.download_package(by=by, release_id=release.pk).chunks():
            pass
    if story.stage == "mailed":
        sending.mark_mailed(by=by, release_id=release.pk, sent_on=today, how="mail", tracking="HF 0042 118")
    return record_request


def _letter(story: Story, chart: Chart, rng: random.Random, today: date) -> dict[str, Any]:
    plan = chart.plan
    own = {
        "name": f"{plan.given} {plan.family}",
        "address": f"{plan.street}\n{plan.city}, {STATE} {plan.postal_code}",
        "phone": plan.phone,
    }
    firm = rng.choice(LAW_FIRMS if story.purpose == "injury claim" else INSURANCE_OFFICES)
    other = {"organization": firm[0], "name": firm[1], "address": firm[2], "fax": "(555) 010-0199"}
    last = max(row.service_date for row in plan.documents)
    scope: dict[str, Any] = {"from": last - timedelta(days=400), "to": last}
    return {
        "kind": story.kind,
        "requester": own if story.kind == "patient" else other,
        "purpose": story.purpose,
        "received_on": today - timedelta(days=story.days_ago),
        "channel": story.channel,
        "scope": {"everything": True} if story.kind == "patient" and rng.random() < 0.5 else scope,
        "delivery_method": "mail" if story.stage == "mailed" else "download",
        "delivery_format": "paper" if story.stage == "mailed" else "electronic",
    }


def _put_ground_on_file(
    story: Story, chart: Chart, record_request: RecordRequest, *, by: User, today: date
) -> None:
    received_on = record_request.received_on
    if story.kind == "patient":
        evidence.add_evidence(
            by=by,
            request_id=record_request.pk,
            kind="identity",
            fields={"method": "photo_id", "seen_on": received_on},
        )
        return
    recipient = record_request.requester_organization
    signed_on = received_on - timedelta(days=5)
    evidence.add_evidence(
        by=by,
        request_id=record_request.pk,
        kind="authorization",
        fields={
            "description": "all notes, reports and summaries of the dates requested",
            "discloser": HOSPITAL,
            "recipient": recipient,
            "purpose": story.purpose,
            "expires_on": signed_on + timedelta(days=365),
            "signed_on": signed_on,
            "signed_by": "patient",
            "right_to_revoke": True,
            "no_conditioning": True,
            "redisclosure": True,
        },
        file=files.stage([_signed_form(chart, recipient, signed_on)], "authorization.pdf"),
    )


def _signed_form(chart: Chart, recipient: str, signed_on: date) -> bytes:
    person, encounters = facts_of(chart)
    plan = DocumentPlan(
        writer="authorization",
        type_code="64292-6",
        title=f"Authorization: {recipient}",
        service_date=signed_on,
        encounter=0,
        author="",
        medium="scan-pdf",
        seed=f"{chart.plan.legacy_number} authorization",
    )
    return draw(plan, person, encounters[0]).content


def _built(record_request: RecordRequest, by: User) -> Release:
    """Order the package and see it built: by the worker, or here when no worker takes the job first."""
    release = building.start_release(by=by, request_id=record_request.pk)
    job = looking.job_of(release)
    ends = time.monotonic() + WAIT_SECONDS
    while job is not None and time.monotonic() < ends:
        jobs.run(job.pk)
        release.refresh_from_db()
        if release.status != ReleaseStatus.QUEUED:
            break
        time.sleep(0.2)
    return release
