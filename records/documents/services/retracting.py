"""Taking a document out of the chart. Nothing is lost: it stays on record, marked as entered in error."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import NotFound, WrongMove, check_move
from common.ids import as_uuid
from common.reasons import said
from patients.access import Decision
from records.documents import access, leaving, queries
from records.documents.models import STATUS_MOVES, Document, DocumentStatus

UNDO_SECONDS = 10  # as long as a page offers it
GRACE_SECONDS = 10  # the page's way there, and the click's way back
UNDONE = "undone by the one who filed it"
LATER = "Retract it on its page instead, and say why."


@transaction.atomic
def retract_document(*, by: User, document_id: Any, reason: str) -> Document:
    """Mark a document as entered in error: no part of the chart, of searches or of releases any more.

    The event tells who had looked at it and whether it was on its way out. Raises NotFound, Denied, WrongMove,
    RuleBroken for a reason that says nothing.
    """
    document, decision = access.get_for(by, document_id, lock=True)
    access.check_may_correct(by, document)
    return _retract(by, document, said(reason), decision)


@transaction.atomic
def undo_filing(*, by: User, document_ids: Sequence[Any]) -> list[Document]:
    """Retract what `by` has just filed, all or none of it, unless somebody else has seen it already.

    Raises NotFound, Denied for what somebody else filed, WrongMove with the sentence why it is too late.
    """
    keys = {as_uuid(text) for text in document_ids}
    if not keys or None in keys:
        raise NotFound
    undone = []
    for key in sorted(keys, key=str):
        document, decision = access.get_for(by, key, lock=True)
        access.check_may_undo(by, document)
        _check_nobody_minds(document, by)
        undone.append(_retract(by, document, UNDONE, decision))
    return undone


def _check_nobody_minds(document: Document, by: User) -> None:
    if timezone.now() - document.filed_at > timedelta(seconds=UNDO_SECONDS + GRACE_SECONDS):
        raise WrongMove(f"The time for Undo is over. {LATER}", code="too_late_to_undo")
    if queries.seen_by_others(document, by):
        raise WrongMove(f"Somebody else has opened the document already. {LATER}", code="seen_already")
    on_its_way = leaving.how(document)
    if on_its_way:
        raise WrongMove(f"{on_its_way} {LATER}", code="on_its_way")


def _retract(by: User, document: Document, reason: str, decision: Decision) -> Document:
    if document.status == DocumentStatus.ENTERED_IN_ERROR:
        raise WrongMove("This document is retracted already.")
    check_move(STATUS_MOVES, document.status, DocumentStatus.ENTERED_IN_ERROR)
    document.status = DocumentStatus.ENTERED_IN_ERROR
    document.version += 1
    document.save(update_fields=["status", "version", "updated_at"])
    record(
        "document.retracted",
        by=by,
        patient=document.patient_id,
        about=document,
        reason=reason,
        detail={
            "access": str(decision),
            "seen_by": queries.seen_by_others(document, by),
            "on_its_way": leaving.how(document),
        },
    )
    return document
