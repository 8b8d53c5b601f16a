"""What the API takes and gives for requests, releases and disclosures (API.md)."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from common.jobs.models import Job, JobStatus
from records.documents.uploads import VaultUpload
from records.release.kinds import Kind
from records.release.models import (
    Channel,
    DeliveryFormat,
    DeliveryMethod,
    Disclosure,
    Evidence,
    EvidenceKind,
    RecordRequest,
    Release,
    ReleaseStatus,
    RequestStatus,
)
from records.release.services.clearing import Clearance
from records.release.services.selecting import Selection

Body = serializers.Serializer[Any]


class RequesterSerializer(Body):
    """Who asks, and where an answer reaches them."""

    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    organization = serializers.CharField(max_length=120, required=False, allow_blank=True)
    address = serializers.CharField(max_length=300, required=False, allow_blank=True)
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True)
    email = serializers.EmailField(required=False, allow_blank=True)
    fax = serializers.CharField(max_length=40, required=False, allow_blank=True)


class DeliverySerializer(Body):
    """How the copies shall go."""

    method = serializers.ChoiceField(DeliveryMethod.choices)
    format = serializers.ChoiceField(DeliveryFormat.choices, default=DeliveryFormat.ELECTRONIC)


class ScopeSerializer(Body):
    """The days and types asked for, or everything."""

    to = serializers.DateField(required=False, allow_null=True)
    types = serializers.ListField(child=serializers.CharField(max_length=20), required=False)
    everything = serializers.BooleanField(required=False)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(required=False, allow_null=True), **super().get_fields()}


class LogRequestSerializer(Body):
    """A request as it comes in."""

    patient = serializers.CharField(max_length=40)
    kind = serializers.ChoiceField(Kind.choices)
    requester = RequesterSerializer()
    purpose = serializers.CharField(max_length=300)
    received_on = serializers.DateField()
    channel = serializers.ChoiceField(Channel.choices)
    scope = ScopeSerializer()
    delivery = DeliverySerializer()


class ChangeRequestSerializer(Body):
    """Every field may be left out; `version` is the one that was seen, to be told when somebody was faster."""

    kind = serializers.ChoiceField(Kind.choices, required=False)
    requester = RequesterSerializer(required=False)
    purpose = serializers.CharField(max_length=300, required=False)
    received_on = serializers.DateField(required=False)
    channel = serializers.ChoiceField(Channel.choices, required=False)
    scope = ScopeSerializer(required=False)
    delivery = DeliverySerializer(required=False)
    assigned_to = serializers.CharField(max_length=60, required=False, allow_null=True)
    version = serializers.IntegerField(required=False, min_value=1)


class ListQuery(Body):
    """What narrows the work list."""

    status = serializers.ChoiceField([*RequestStatus.values, "open", "overdue"], required=False)
    due_before = serializers.DateField(required=False)
    assigned_to = serializers.CharField(max_length=60, required=False)
    patient = serializers.UUIDField(required=False)


class UploadField(serializers.FileField):
    """A file that the vault has received."""

    def to_internal_value(self, data: Any) -> VaultUpload:
        if not isinstance(data, VaultUpload):
            self.fail("invalid")
        return data


class EvidenceSerializer(Body):
    """All fields of all kinds: which of them a kind needs is a rule of law, not of shape."""

    kind = serializers.ChoiceField(EvidenceKind.choices)
    file = UploadField(required=False, allow_null=True)
    version = serializers.IntegerField(required=False, min_value=1)
    method = serializers.CharField(max_length=60, required=False, allow_blank=True)
    seen_on = serializers.DateField(required=False, allow_null=True)
    description = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    discloser = serializers.CharField(max_length=250, required=False, allow_blank=True)
    recipient = serializers.CharField(max_length=250, required=False, allow_blank=True)
    purpose = serializers.CharField(max_length=300, required=False, allow_blank=True)
    expires_on = serializers.DateField(required=False, allow_null=True)
    expires_event = serializers.CharField(max_length=250, required=False, allow_blank=True)
    signed_on = serializers.DateField(required=False, allow_null=True)
    signed_by = serializers.CharField(max_length=20, required=False, allow_blank=True)
    authority = serializers.CharField(max_length=250, required=False, allow_blank=True)
    right_to_revoke = serializers.BooleanField(required=False)
    no_conditioning = serializers.BooleanField(required=False)
    redisclosure = serializers.BooleanField(required=False)
    part2 = serializers.BooleanField(required=False)
    psychotherapy = serializers.BooleanField(required=False)
    route = serializers.ChoiceField(["notice", "protective_order"], required=False)
    documents = serializers.ListField(
        child=serializers.CharField(max_length=250), required=False, max_length=50
    )
    objection_deadline = serializers.DateField(required=False, allow_null=True)
    objections = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    court = serializers.CharField(max_length=250, required=False, allow_blank=True)
    issued_on = serializers.DateField(required=False, allow_null=True)
    scope = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    text = serializers.CharField(max_length=1000, required=False, allow_blank=True)


@extend_schema_field(
    {"oneOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string", "enum": ["scope"]}]}
)
class DocumentsField(serializers.Field[Any, Any, Any, Any]):
    """A list of document ids in the order in which they go, or the word `scope`."""

    def to_internal_value(self, data: Any) -> list[str] | None:
        if data == "scope":
            return None
        if not isinstance(data, list) or not all(isinstance(item, str) for item in data):
            raise serializers.ValidationError("A list of document ids, or the word “scope”.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class SelectSerializer(Body):
    """What shall go."""

    documents = DocumentsField()
    version = serializers.IntegerField(required=False, min_value=1)


class CancelSerializer(Body):
    """Why a request is closed unanswered."""

    reason = serializers.CharField(max_length=300)
    version = serializers.IntegerField(required=False, min_value=1)


class StartSerializer(Body):
    """The order to build; `version` is the one that was seen."""

    version = serializers.IntegerField(required=False, min_value=1)


class DeliverSerializer(Body):
    """How and when a package left the house."""

    how = serializers.ChoiceField(DeliveryMethod.choices, required=False)
    sent_on = serializers.DateField(required=False)
    tracking = serializers.CharField(max_length=80, required=False, allow_blank=True)


class DisclosureQuery(Body):
    """Which days of the ledger; `for=accounting` for what 45 CFR 164.528 has accounted for."""

    to = serializers.DateField(required=False)

    def get_fields(self) -> dict[str, Any]:
        accounting = serializers.ChoiceField(["accounting"], required=False)
        return {"from": serializers.DateField(required=False), **super().get_fields(), "for": accounting}


class DisclosureSerializer(serializers.ModelSerializer[Disclosure]):
    """One line of the ledger."""

    request_number = serializers.CharField(source="request.number")
    sent_by = serializers.CharField(source="sent_by.username")

    class Meta:
        model = Disclosure
        fields = [
            "id",
            "at",
            "disclosed_on",
            "kind",
            "request",
            "request_number",
            "release",
            "recipient_name",
            "recipient_address",
            "description",
            "purpose",
            "how",
            "pages",
            "release_sha256",
            "is_in_accounting",
            "sent_by",
        ]
        read_only_fields = fields


def release_status(release: Release, job: Job | None) -> str:
    """API.md's word: a queued release whose job runs is `building`, one whose job gave up is `failed`."""
    if release.status != ReleaseStatus.QUEUED or job is None:
        return str(release.status)
    return {JobStatus.RUNNING: "building", JobStatus.FAILED: "failed"}.get(JobStatus(job.status), "queued")


NOT_OPEN = "Not open to you"  # in place of a title


def _part(part: dict[str, Any], hidden: Collection[UUID]) -> dict[str, Any]:
    """A document of a package; of one that is not open to whoever asks, that it is there and nothing else."""
    if UUID(part["document"]) not in hidden:
        return part
    return {**part, "title": NOT_OPEN, "type": "", "service_date": None, "media_type": "", "sha256": ""}


def release_body(release: Release, job: Job | None, hidden: Collection[UUID]) -> dict[str, Any]:
    """A release with its progress (0 to 1) and, once built, what is in it; nothing of the `hidden` documents."""
    status = release_status(release, job)
    return {
        "id": str(release.pk),
        "request": str(release.request_id),
        "number": release.request.number,
        "status": status,
        "progress": 1.0 if release.package_id else (job.fraction if job else 0.0),
        "text": job.progress_text if job else "",
        "job": str(job.pk) if job else None,
        "pages": release.pages,
        "sha256": release.sha256,
        "manifest": [_part(part, hidden) for part in release.manifest.get("parts", [])],
        "error": release.error or (job.error if job and status == "failed" else ""),
        "built_at": release.built_at,
        "needs_approval": release.needs_approval,
        "approved_at": release.approved_at,
        "approved_by": release.approved_by.username if release.approved_by else None,
        "delivered_at": release.delivered_at,
        "delivered_how": release.delivered_how,
    }


def request_row(record_request: RecordRequest) -> dict[str, Any]:
    """A request as lists show it."""
    return {
        "id": str(record_request.pk),
        "number": record_request.number,
        "patient": str(record_request.patient_id),
        "kind": record_request.kind,
        "requester": {
            name: getattr(record_request, f"requester_{name}")
            for name in ("name", "organization", "address", "phone", "email", "fax")
        },
        "purpose": record_request.purpose,
        "received_on": record_request.received_on,
        "channel": record_request.channel,
        "scope": record_request.scope,
        "delivery": {"method": record_request.delivery_method, "format": record_request.delivery_format},
        "status": record_request.status,
        "due_on": record_request.due_on,
        "due_rule": record_request.due_rule,
        "is_overdue": record_request.is_overdue,
        "assigned_to": record_request.assigned_to.username if record_request.assigned_to else None,
        "version": record_request.version,
    }


def request_body(
    record_request: RecordRequest, cleared: Clearance, release: Release | None, job: Job | None
) -> dict[str, Any]:
    """A request whole: what is missing, the evidence, what goes, and its newest release."""
    is_open = record_request.is_open
    return {
        **request_row(record_request),
        "basis": record_request.rule.citation,
        "missing": [{"rule": item.rule, "text": item.text} for item in cleared.missing] if is_open else [],
        "evidence": [evidence_body(item) for item in cleared.evidence],
        "selection": [
            {
                "document": str(row.document_id),
                "version": str(row.document_version_id),
                "title": NOT_OPEN if row.document_id in cleared.hidden else row.document.title,
            }
            for row in cleared.rows
        ],
        "release": {"id": str(release.pk), "status": release_status(release, job)} if release else None,
    }


def evidence_body(evidence: Evidence) -> dict[str, Any]:
    """One piece of evidence on file."""
    return {
        "id": str(evidence.pk),
        "kind": evidence.kind,
        "fields": evidence.fields,
        "file": evidence.filename,
        "added_by": evidence.added_by.username,
        "added_at": evidence.created_at,
    }


def selection_body(selection: Selection) -> dict[str, Any]:
    """What goes, and what a rule keeps back."""
    return {
        "documents": [str(row.document_id) for row in selection.rows],
        "pages": selection.pages,
        "excluded": [
            {"document": item.document_id, "rule": item.rule, "text": item.text}
            for item in selection.excluded
        ],
    }
