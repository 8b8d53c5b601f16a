"""Putting on file what lets a request be answered."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import RulesBroken, WrongMove
from records.documents import files, sniffing
from records.documents.uploads import VaultUpload
from records.release import access
from records.release.models import Evidence, EvidenceKind, RequestStatus
from records.release.rules import Broken, authorization, identity
from records.release.services.intake import locked
from records.release.services.withdrawing import withdraw_package

FIELDS = {
    EvidenceKind.AUTHORIZATION: {
        "description",
        "discloser",
        "recipient",
        "purpose",
        "expires_on",
        "expires_event",
        "signed_on",
        "signed_by",
        "authority",
        "right_to_revoke",
        "no_conditioning",
        "redisclosure",
        "part2",
        "psychotherapy",
    },
    EvidenceKind.IDENTITY: {"method", "seen_on"},
}


def _as_stored(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in fields.items()
        if value not in (None, "")
    }


def _broken(kind: str, fields: Mapping[str, Any], received_on: date) -> list[Broken]:
    today = timezone.localdate()
    if kind == EvidenceKind.AUTHORIZATION:
        return authorization.defects(fields, received_on=received_on, on=today)
    if kind == EvidenceKind.IDENTITY:
        return identity.defects(fields, on=today)
    return []


@transaction.atomic
def add_evidence(
    *,
    by: User,
    request_id: Any,
    kind: str,
    fields: Mapping[str, Any],
    file: VaultUpload | None = None,
    seen_version: int | None = None,
) -> Evidence:
    """Put one piece of evidence on file. Days in `fields` are dates. `file` is an upload, or None.

    An authorization or identity check that is not valid today is refused with every rule that it breaks
    (RulesBroken: AUTH-1 … AUTH-9, AUTH-D1, AUTH-D2, AUTH-D4, VER-01): what is on file can be relied on.
    Raises NotFound, Denied, Stale, WrongMove, BadFile too.
    """
    record_request, decision = locked(by, request_id, seen_version)
    access.check_may_edit(by, record_request)
    if not record_request.is_open or record_request.status == RequestStatus.BUILDING:
        raise WrongMove(
            f"This request is {record_request.get_status_display().lower()}: nothing can be added now."
        )
    kind = EvidenceKind(kind)
    known = FIELDS.get(kind)
    kept = {name: value for name, value in fields.items() if known is None or name in known}
    broken = _broken(kind, kept, record_request.received_on)
    if broken:
        raise RulesBroken([(item.rule, item.text) for item in broken])
    evidence = Evidence(
        request=record_request,
        patient=record_request.patient,
        kind=kind,
        fields=_as_stored(kept),
        added_by=by,
    )
    if file is not None:
        found = sniffing.kind_of(file.staged.head, file.staged.size_bytes)
        evidence.blob = files.keep(file.staged, found.media_type)
        evidence.filename = file.name or ""
    evidence.save(force_insert=True)
    withdraw_package(by=by, record_request=record_request)
    record_request.save()
    record(
        "request.evidence_added",
        by=by,
        patient=record_request.patient_id,
        about=record_request,
        reason=str(decision),
        detail={"evidence": str(evidence.pk), "kind": kind, "file": evidence.blob_id or ""},
    )
    return evidence
