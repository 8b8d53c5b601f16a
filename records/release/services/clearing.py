"""Everything that still forbids a release, in one list: asked before building, while building and before
sending.
"""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from records.documents import access as document_access
from records.release.models import Evidence, RecordRequest, Release, SelectedDocument
from records.release.rules import Broken
from records.release.rules.checklist import Check, check_ground
from records.release.services.selecting import why_not


@dataclass
class Clearance:
    """The ground of a release as it stands today: the checklist, what goes, and what still forbids it."""

    checks: list[Check]
    evidence: list[Evidence]
    rows: list[SelectedDocument]
    missing: list[Broken]
    hidden: set[UUID]  # documents among them that are not open to whoever asks: nothing is told of them


def selected_rows(record_request: RecordRequest) -> list[SelectedDocument]:
    """What goes, in order, with what the pages and the package need."""
    rows = SelectedDocument.objects.filter(request=record_request).order_by("position")
    return list(
        rows.select_related(
            "document__patient", "document__type", "document__current", "document_version__blob"
        )
    )


def clearance(by: User, record_request: RecordRequest) -> Clearance:
    """Ask every rule again, for the person who acts. Nothing is missing when the release may be built."""
    evidence = list(record_request.evidence.select_related("added_by", "blob").order_by("created_at"))
    checks = check_ground(record_request, evidence, on=timezone.localdate())
    rows = selected_rows(record_request)
    missing = [Broken(check.rule, check.text) for check in checks if not check.is_met]
    if not rows:
        missing.append(Broken("nothing_selected", "Choose the documents that go."))
    documents = [row.document for row in rows]
    seen = document_access.viewable(by, documents)
    hidden = {document.pk for document in documents} - seen
    stay = why_not(record_request, documents, seen)
    for row in rows:
        kept_back = stay.get(row.document_id)
        title = f"“{row.document.title}”" if row.document_id in seen else f"Document {row.position}"
        if kept_back:
            missing.append(Broken(kept_back.rule, f"{title}: {kept_back.text} Take it out."))
        elif row.document.current_id != row.document_version_id:
            newer = f"{title} has a newer version than the one chosen. Choose again."
            missing.append(Broken("newer_version", newer))
    return Clearance(checks=checks, evidence=evidence, rows=rows, missing=missing, hidden=hidden)


def hidden_in(by: User, release: Release) -> set[UUID]:
    """The documents in a package that are not open to this person now."""
    chosen = {UUID(part["document"]) for part in release.manifest.get("parts", [])}
    return chosen - set(document_access.visible_to(by).filter(pk__in=chosen).values_list("pk", flat=True))
