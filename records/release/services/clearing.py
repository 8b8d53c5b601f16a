"""Everything that still forbids a release, in one list: asked before building, while building and before
sending.
"""

from dataclasses import dataclass

from django.utils import timezone

from accounts.models import User
from records.release.models import Evidence, RecordRequest, SelectedDocument
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
    stay = why_not(by, record_request, [row.document for row in rows])
    for row in rows:
        kept_back = stay.get(row.document_id)
        if kept_back:
            missing.append(Broken(kept_back.rule, f"“{row.document.title}”: {kept_back.text} Take it out."))
        elif row.document.current_id != row.document_version_id:
            newer = f"“{row.document.title}” has a newer version than the one chosen. Choose again."
            missing.append(Broken("newer_version", newer))
    return Clearance(checks=checks, evidence=evidence, rows=rows, missing=missing)
