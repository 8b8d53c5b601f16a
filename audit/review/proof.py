"""Verbs about the proof of the log: its state, checking it, and taking evidence out."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import service_account
from audit import context as audit_context
from audit.archiving import ledger
from audit.archiving.ledger import Archived
from audit.feeds import delivering
from audit.models import CheckpointDelivery, Event, FeedDelivery
from audit.proof import bundle, checkpoints, epochs, keys, stamps, verifying
from audit.proof.epochs import Epoch
from audit.proof.stamps import Judged, Stamp
from audit.proof.verifying import Result
from audit.review import absent, access
from audit.review.models import LogCheck
from audit.review.questions import Question
from audit.review.services import charts_closed_to, patients_of, rows_of
from audit.services import record
from common.errors import RuleBroken
from common.jobs import services as jobs
from common.jobs.handlers import handler
from common.jobs.models import Job
from common.jobs.services import Running
from common.notices.models import Tone
from common.notices.services import notify

KIND = "audit.verify"
CHECKED_EACH_NIGHT = timedelta(days=8)


@dataclass(frozen=True)
class Stamping:
    """How the time-stamps of an outside authority stand."""

    is_asked_for: bool
    place: CheckpointDelivery | None  # how the authority stands
    newest: Stamp | None
    newest_at: datetime | None  # as it says
    judged: Judged | None  # the newest; the check looks at all of them
    count: int


@dataclass(frozen=True)
class ProofState:
    """How far the log is sealed, and what the last check of it found."""

    has_key: bool
    newest: Epoch | None
    last_check: Event | None
    standing: LogCheck | None
    job: Job | None
    checkpoints: list[dict[str, Any]]
    deliveries: list[CheckpointDelivery]
    feeds: list[FeedDelivery]
    stamping: Stamping | None
    printed: str  # the newest checkpoint as a few lines for paper


def has_key() -> bool:
    """Whether a key to check the seals with is known here; the seed itself only the worker needs."""
    return bool(keys.order())


def standing() -> LogCheck | None:
    """The newest check that found something bad, unless a later one of as much found the log whole."""
    bad = LogCheck.objects.filter(is_whole=False).order_by("-at", "-pk").first()
    if bad is None:
        return None
    later = LogCheck.objects.filter(is_whole=True, at__gt=bad.at, first_epoch__lte=bad.first_epoch)
    return None if later.exists() else bad


def stamping() -> Stamping | None:
    """The stamps there are and how the authority stands; None where none was ever set. Four reads at most."""
    newest = stamps.last()
    if newest is None and not settings.TSA_URL:
        return None
    return Stamping(
        is_asked_for=bool(settings.TSA_URL),
        place=stamps.delivery(),
        newest=newest,
        newest_at=newest.at if newest else None,
        judged=stamps.judge(newest) if newest else None,
        count=stamps.count() if newest else 0,
    )


@transaction.atomic
def view_state(*, by: User) -> ProofState:
    """The state of the proof; looking is an event. Raises Denied."""
    access.check_may_view_log(by)
    checks = Event.objects.filter(event="log.verified").order_by("-at", "-id")
    job = Job.objects.filter(kind=KIND).order_by("-created_at").first()
    seals = [{**one, "made": datetime.fromisoformat(one["sealed_at"])} for one in checkpoints.newest(10)]
    newest = epochs.last()
    state = ProofState(
        has_key=has_key(),
        newest=newest,
        last_check=checks.first(),
        standing=standing(),
        job=job,
        checkpoints=seals,
        deliveries=list(
            CheckpointDelivery.objects.filter(destination__in=settings.CHECKPOINTS).order_by("pk")
        ),
        feeds=delivering.waiting(),
        stamping=stamping(),
        printed=checkpoints.printed(newest) if newest else "",
    )
    record("log.proof_viewed", by=by)
    return state


@transaction.atomic
def list_checkpoints(*, by: User) -> list[dict[str, Any]]:
    """The newest checkpoints; they name no patient. Raises Denied."""
    access.check_may_view_log(by)
    found = checkpoints.newest()
    record("log.proof_viewed", by=by, detail={"checkpoints": len(found)})
    return found


def as_detail(result: Result) -> dict[str, Any]:
    """What a check found, for the event and for other programs."""
    return {
        "ok": result.ok,
        "checked": result.checked,
        "epochs": result.epochs,
        "unsealed": result.unsealed,
        "sealed_through": result.sealed_through,
        "archived": result.archived,
        "stamps": result.stamps,
        "stamps_unchecked": result.stamps_unchecked,
        "first_bad": asdict(result.first_bad) if result.first_bad else None,
    }


def verify_now(*, by: User, first: int = 1, last: int | None = None) -> Result:
    """Check every event and seal from epoch `first` to `last`; what was found is an event. Raises Denied."""
    access.check_may_view_log(by)
    return _verify(by, first, last)


def verify_lately() -> Result:
    """Check what was sealed in the last days, by itself in the night; tell the office when it is not whole."""
    since = timezone.now() - CHECKED_EACH_NIGHT
    numbers = epochs.numbers_sealed_since(since)
    result = _verify(service_account("proof"), min(numbers, default=1))
    if result.first_bad:
        notify(
            User.objects.holding("review.view_log").values_list("pk", flat=True),
            kind="log.not_whole",
            tone=Tone.BAD,
            text="The nightly check found that the access log is not as it was sealed.",
            url=reverse("review:proof"),
        )
    return result


def _verify(by: User, first: int, last: int | None = None) -> Result:
    result = verifying.verify(first=first, last=last)
    with transaction.atomic():
        if last is None or result.first_bad:  # a part that is whole says nothing of the rest
            LogCheck.objects.create(
                by=by,
                is_whole=result.ok,
                first_epoch=first,
                checked=result.checked,
                text=result.first_bad.text if result.first_bad else "",
            )
        record(
            "log.verified",
            by=by,
            outcome="success" if result.ok else "failed",
            detail={"first_epoch": first, "last_epoch": last, **as_detail(result)},
        )
    return result


@transaction.atomic
def ask_for_check(*, by: User, first: int = 1, last: int | None = None) -> Job:
    """Have the log checked in the background, seals `first` to `last`; one check at a time. Raises Denied."""
    access.check_may_view_log(by)
    under_way = Job.objects.unfinished().filter(kind=KIND).first()
    if under_way:
        return under_way
    args = {"by": str(by.pk), "first": first, "last": last}
    return jobs.enqueue(KIND, by_id=by.pk, args=args, context=audit_context.current().as_json())


@handler(KIND)
def check(job: Running) -> None:
    """The job: the same check, with progress."""
    with audit_context.use(audit_context.Context.from_json(job.context), channel="job"):
        by = User.objects.prefetch_related("groups").get(pk=job.args["by"])
        newest = epochs.last()
        job.progress(0, newest.n if newest else 1, "Checking the log")
        first, last = job.args.get("first", 1), job.args.get("last")
        result = verify_now(by=by, first=first, last=last)
        whole = "The log is whole." if first == 1 and last is None else "This part of the log is whole."
        text = whole if result.first_bad is None else result.first_bad.text
        job.progress(result.epochs, max(result.epochs, 1), text)


@dataclass(frozen=True)
class Evidence:
    """A bundle, and the archived months that its question reaches into and that are not in it."""

    data: bytes
    absent: list[Archived]


@transaction.atomic
def take_evidence(*, by: User, question: Question) -> Evidence:
    """The evidence bundle (ZIP) of the events that answer the question; an event itself. Raises Denied, RuleBroken."""
    access.check_may_export_log(by)
    rows, is_cut = rows_of(question, most=bundle.MOST_EVENTS)
    if is_cut:
        text = f"More than {bundle.MOST_EVENTS:,} events answer this. Ask for a shorter time."
        raise RuleBroken("too_many_events", text)
    shown: set[UUID] = set().union(*(patients_of(row) for row in rows))
    if charts_closed_to(by, shown):
        text = "Some of these events speak of a chart that is closed to you. Another compliance officer must do this."
        raise RuleBroken("closed_chart", text)  # a proof holds events whole, or it proves nothing
    missing = ledger.between(question.since, question.until)
    data, unsealed = bundle.build((row.pk for row in rows), archived=absent.as_data(missing))
    record(
        "log.evidence_taken",
        by=by,
        patient=question.patient,
        patients=shown,
        reason="compliance review",
        detail={
            "asked": question.as_detail(),
            "events": len(rows) - unsealed,
            "not_sealed_yet": unsealed,
            "absent": [str(row.month) for row in missing],
        },
    )
    return Evidence(data, missing)
