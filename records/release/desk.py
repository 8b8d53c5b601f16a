"""What the request's page puts on the desk: the panes, what may be done, and the chips of the list."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from accounts.models import User
from audit.catalogue import kind_of
from audit.models import Event
from common.jobs.models import Job
from common.web import Chip
from patients.access import allows
from records.documents import access as document_access
from records.documents.models import Document
from records.documents.sealed import Stored
from records.release import access
from records.release.forms import SelectForm
from records.release.models import DeliveryMethod, Evidence, RecordRequest, ReleaseStatus, RequestStatus
from records.release.services import looking
from records.release.services.looking import OpenRequest
from records.release.services.selecting import in_scope
from records.release.shapes import release_status

MOST_SHOWN = 500
CHIPS = (
    ("open", "Open"),
    ("overdue", "Overdue"),
    ("received", "In work"),
    ("building", "Being built"),
    ("ready", "Ready to send"),
    ("delivered", "Delivered"),
    ("canceled", "Canceled"),
    ("all", "All"),
)


def chips(user: User, filters: dict[str, Any]) -> list[Chip]:
    """The filters of the list as links: state, and “mine”."""
    kept = {name: str(value) for name, value in filters.items()}
    status = kept.pop("status", "all")
    mine = kept.get("assigned_to") == user.username
    others = {name: value for name, value in kept.items() if name != "assigned_to"}
    found = [
        Chip(text, "?" + urlencode({**kept, "status": name}), current=name == status) for name, text in CHIPS
    ]
    mine_too = others if mine else {**others, "assigned_to": user.username}
    found.append(Chip("Mine", "?" + urlencode({**mine_too, "status": status}), current=mine))
    if "due_before" in kept:
        rest = {name: value for name, value in kept.items() if name != "due_before"}
        url = "?" + urlencode({**rest, "status": status})
        found.append(Chip(f"Due before {kept['due_before']}", url, removes=True))
    return found


def seen(opened: OpenRequest) -> dict[str, Any]:
    """The version that is on the screen, for every form of the page."""
    return {"version": opened.record_request.version}


def usual_way(record_request: RecordRequest) -> str:
    """How this package probably went, when it was not downloaded."""
    method = record_request.delivery_method
    return DeliveryMethod.MAIL if method == DeliveryMethod.DOWNLOAD else method


def chart_documents(user: User, record_request: RecordRequest) -> list[Document]:
    """The chart's documents that may be chosen from, oldest first."""
    rows = document_access.visible_to(user).filter(patient=record_request.patient_id)
    return list(rows.select_related("type", "current").order_by("service_date", "id")[:MOST_SHOWN])


def panes(user: User, opened: OpenRequest) -> dict[str, Any]:
    """Everything the page shows besides the forms for evidence, cancelling and mailing."""
    row, cleared = opened.record_request, opened.clearance
    can_edit = row.is_open and row.status != RequestStatus.BUILDING
    can_edit = can_edit and allows(access.check_may_edit, user, row)
    documents = chart_documents(user, row) if can_edit else []
    chosen = {str(item.document_id) for item in cleared.rows}
    asked = {str(document.pk) for document in in_scope(row)[:MOST_SHOWN]} if can_edit else set()
    goes = [(item, item.document_id in cleared.hidden) for item in cleared.rows]
    flagged = [item for item, is_hidden in goes if item.document.labels and not is_hidden]
    release = opened.release
    status = release_status(release, opened.job) if release else ""
    return {
        "record_request": row,
        "patient": row.patient,
        "cleared": cleared,
        "goes": goes,
        "checks": cleared.checks,
        "documents": [(document, str(document.pk) in (chosen or asked)) for document in documents],
        "asked": asked,
        "select_form": SelectForm(initial=seen(opened), documents=documents),
        "pages": sum(item.document_version.page_count or 0 for item in cleared.rows),
        "flagged": flagged,
        "release": release,
        "release_status": status,
        "release_words": WORDS.get(status, ""),
        "job": _own_job(user, opened.job),
        "steps": _steps(opened, bool(flagged)),
        "history": [(event, _words(event)) for event in looking.history(row, release)],
        "can_edit": can_edit,
        "can_build": allows(access.check_may_build, user, row) and row.status == RequestStatus.RECEIVED,
        "can_send": allows(access.check_may_send, user, row)
        and release is not None
        and bool(release.package_id),
        "is_ready": release is not None
        and release.status == ReleaseStatus.READY
        and not release.waits_for_approval,
        "waits_for_approval": release is not None and release.waits_for_approval,
        "can_approve": release is not None
        and release.waits_for_approval
        and allows(access.check_may_approve, user, release),
        "is_sent": release is not None and release.status == ReleaseStatus.DELIVERED,
    }


WORDS = {
    "queued": "Waiting to be built",
    "building": "Being built",
    "ready": "Ready to send",
    "delivered": "Delivered",
    "failed": "Could not be built",
    "withdrawn": "Withdrawn before it was sent",
}


def _own_job(user: User, job: Job | None) -> Job | None:
    """Whoever ordered the package watches it being built; others see its state when they look again."""
    return job if job is not None and job.created_by == user.pk else None


def _steps(opened: OpenRequest, is_flagged: bool) -> list[tuple[str, str, bool, bool]]:
    """(anchor, words, is it done, is it next) of the five panes."""
    row, cleared = opened.record_request, opened.clearance
    is_sent = row.status == RequestStatus.DELIVERED
    is_built = opened.release is not None and bool(opened.release.package_id)
    done = [
        ("came", "What they sent", True),
        ("may-we", "May we?", is_sent or all(check.is_met for check in cleared.checks)),
        ("what-goes", "What goes", bool(cleared.rows)),
        ("look", "Look", bool(cleared.rows) and (is_built or not is_flagged)),
        ("send", "Send", is_sent),
    ]
    following = next((anchor for anchor, _, is_done in done if not is_done), "")
    return [(anchor, words, is_done, anchor == following) for anchor, words, is_done in done]


def _words(event: Event) -> str:
    try:
        return kind_of(event.event).words
    except LookupError:
        return event.event


def pieces(stored: Stored) -> Iterator[bytes]:
    """The bytes of a stored file, which is closed at the end."""
    with stored:
        yield from stored.chunks()


def media_type(evidence: Evidence) -> str:
    return evidence.blob.media_type if evidence.blob else "application/octet-stream"
