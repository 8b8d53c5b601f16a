"""A request comes in, is corrected, is canceled."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date

from accounts.models import User
from audit.services import record
from common.errors import RuleBroken, Stale, WrongMove, check_move
from common.sequences import next_of
from patients import access as patient_access
from records.documents.models import DocumentType
from records.release import access
from records.release.models import (
    MOVES,
    Channel,
    DeliveryFormat,
    DeliveryMethod,
    RecordRequest,
    RequestStatus,
)
from records.release.rules.due import due
from records.release.services.withdrawing import withdraw_package

OLDEST_DAYS = 3 * 365
REQUESTER = ("name", "organization", "address", "phone", "email", "fax")


def _next_number() -> str:
    return f"R-{timezone.localdate().year}-{next_of('release_request_number'):06d}"


def _day(text: object, name: str) -> str:
    day = text if isinstance(text, date) else parse_date(str(text))
    if day is None:
        raise RuleBroken("scope", f"“{name}” must be a day like 2026-01-31.", field="scope")
    return day.isoformat()


def _check_types(codes: list[str]) -> None:
    """A code that no document can have would leave out, unseen, what was asked for."""
    known = DocumentType.objects.filter(code__in=codes).values_list("code", flat=True)
    unknown = sorted(set(codes) - set(known))
    if unknown:
        raise RuleBroken("scope", f"There is no document type {unknown[0]!r}.", field="scope")


def tidy_scope(scope: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked for: `from`, `to` (ISO days), `types` (LOINC codes), `everything`. Raises RuleBroken."""
    unknown = set(scope) - {"from", "to", "types", "everything"}
    if unknown:
        raise RuleBroken("scope", f"The scope has no {sorted(unknown)[0]!r}.", field="scope")
    tidy: dict[str, Any] = {}
    for name in ("from", "to"):
        if scope.get(name):
            tidy[name] = _day(scope[name], name)
    if tidy.get("from", "") > tidy.get("to", "9999"):
        raise RuleBroken("scope", "The period ends before it begins.", field="scope")
    if scope.get("types"):
        tidy["types"] = sorted({str(code) for code in scope["types"]})
        _check_types(tidy["types"])
    if scope.get("everything"):
        tidy["everything"] = True
    return tidy


def _check_received(received_on: date) -> None:
    today = timezone.localdate()
    if received_on > today:
        raise RuleBroken("received_on", "A request cannot have come in after today.", field="received_on")
    if (today - received_on).days > OLDEST_DAYS:
        raise RuleBroken(
            "received_on", "That is more than three years ago. Check the year.", field="received_on"
        )


def _set_requester(record_request: RecordRequest, requester: Mapping[str, str]) -> None:
    for name in REQUESTER:
        if name in requester:
            setattr(record_request, f"requester_{name}", str(requester[name] or "").strip())
    if not record_request.requester_name and not record_request.requester_organization:
        raise RuleBroken("requester", "Say who asks: a name or an organization.", field="requester_name")


def _check_complete(record_request: RecordRequest) -> None:
    method = record_request.delivery_method
    needed = {
        DeliveryMethod.MAIL: "requester_address",
        DeliveryMethod.FAX: "requester_fax",
        DeliveryMethod.EMAIL: "requester_email",
    }.get(DeliveryMethod(method))
    if needed and not getattr(record_request, needed):
        what = needed.removeprefix("requester_")
        raise RuleBroken(
            "delivery", f"To deliver by {method}, the requester's {what} is needed.", field=needed
        )


@transaction.atomic
def log_request(
    *,
    by: User,
    patient_id: Any,
    kind: str,
    requester: Mapping[str, str],
    purpose: str,
    received_on: date,
    channel: str,
    scope: Mapping[str, Any],
    delivery_method: str,
    delivery_format: str = DeliveryFormat.ELECTRONIC,
) -> RecordRequest:
    """Put a request on the list. Any kind can be logged; which can be released is decided later.

    Raises NotFound, Denied, RuleBroken. Rule: ACC-02 (day by which to act), 45 CFR 164.524(b)(2)(i).
    """
    access.check_may_log(by)
    patient, decision = patient_access.get_for(by, patient_id)
    _check_received(received_on)
    if not purpose.strip():
        raise RuleBroken("purpose", "Say what the records are for.", field="purpose")
    due_on, due_rule = due(kind, received_on)
    record_request = RecordRequest(
        number=_next_number(),
        patient=patient,
        kind=kind,
        purpose=purpose.strip(),
        received_on=received_on,
        channel=Channel(channel),
        scope=tidy_scope(scope),
        delivery_method=DeliveryMethod(delivery_method),
        delivery_format=DeliveryFormat(delivery_format),
        due_on=due_on,
        due_rule=due_rule,
        logged_by=by,
    )
    _set_requester(record_request, requester)
    _check_complete(record_request)
    record_request.save(force_insert=True)
    record(
        "request.logged",
        by=by,
        patient=patient.pk,
        about=record_request,
        reason=str(decision),
        detail={"number": record_request.number, "kind": kind},
    )
    return record_request


def locked(
    by: User, request_id: Any, seen_version: int | None
) -> tuple[RecordRequest, patient_access.Decision]:
    """The request under a lock, one version on. Raises NotFound, Denied, Stale."""
    record_request, decision = access.get_for(by, request_id, lock=True)
    if seen_version is not None and record_request.version != seen_version:
        raise Stale(
            "Somebody else changed this request while you were working on it. Look again, then repeat."
        )
    record_request.version += 1
    return record_request, decision


@transaction.atomic
def update_request(
    *,
    by: User,
    request_id: Any,
    seen_version: int | None = None,
    requester: Mapping[str, str] | None = None,
    scope: Mapping[str, Any] | None = None,
    **changes: Any,
) -> RecordRequest:
    """Correct what was logged, or give it to somebody (`assigned_to`: a User or None).

    `changes` may hold purpose, received_on, channel, delivery_method, delivery_format, kind, assigned_to. A
    package that was built and has not gone out is withdrawn, unless only the person changes. Raises
    NotFound, Denied, Stale, WrongMove, RuleBroken.
    """
    record_request, decision = locked(by, request_id, seen_version)
    access.check_may_edit(by, record_request)
    if not record_request.is_open or record_request.status == RequestStatus.BUILDING:
        raise WrongMove(
            f"This request is {record_request.get_status_display().lower()}: it cannot be changed now."
        )
    is_assignment = set(changes) <= {"assigned_to"} and requester is None and scope is None
    if "assigned_to" in changes:
        _check_assignee(changes["assigned_to"])
    for name, value in changes.items():
        setattr(record_request, name, value)
    if requester is not None:
        _set_requester(record_request, requester)
    if scope is not None:
        record_request.scope = tidy_scope(scope)
    _check_received(record_request.received_on)
    _check_complete(record_request)
    record_request.due_on, record_request.due_rule = due(record_request.kind, record_request.received_on)
    if not is_assignment:
        withdraw_package(by=by, record_request=record_request)
    record_request.save()
    record(
        "request.updated",
        by=by,
        patient=record_request.patient_id,
        about=record_request,
        reason=str(decision),
    )
    return record_request


def _check_assignee(user: User | None) -> None:
    if user is not None and not user.has_perm("release.edit_request"):
        raise RuleBroken("assigned_to", "Requests are worked on by ROI specialists.", field="assigned_to")


@transaction.atomic
def cancel_request(
    *, by: User, request_id: UUID | str, reason: str, seen_version: int | None = None
) -> RecordRequest:
    """Close a request that will not be answered. Raises NotFound, Denied, Stale, WrongMove, RuleBroken."""
    record_request, decision = locked(by, request_id, seen_version)
    access.check_may_edit(by, record_request)
    check_move(MOVES, record_request.status, RequestStatus.CANCELED)
    if not reason.strip():
        raise RuleBroken("reason", "Say why the request is canceled.", field="reason")
    withdraw_package(by=by, record_request=record_request)
    record_request.status = RequestStatus.CANCELED
    record_request.cancel_reason = reason.strip()
    record_request.closed_at = timezone.now()
    record_request.save()
    record(
        "request.canceled",
        by=by,
        patient=record_request.patient_id,
        about=record_request,
        reason=str(decision),
        detail={"why": record_request.cancel_reason},
    )
    return record_request
