"""Refusals leave a trace: who was refused what, and by which rule."""

from typing import Any, cast
from uuid import UUID

from django.db import models, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from audit.services import Actor, record
from common import api
from common.errors import Denied, NotFound, Refusal
from common.ids import as_uuid


def note(refusal: Refusal, by: Actor | None, *, path: str) -> None:
    """Write the event of a refused look, in a transaction of its own (the refused verb's was rolled back).

    A thing that is not there is noted too: guessing ids must be seen. Refusals by state or by a rule of law are
    not looks: nothing was shown or hidden, so they leave no event of this kind.
    """
    if by is None or not isinstance(refusal, (Denied, NotFound)):
        return
    patient: UUID | None = getattr(refusal, "patient_id", None)
    about: Any = getattr(refusal, "about", None)
    with transaction.atomic():
        record(
            "access.denied",
            by=by,
            patient=patient,
            about=about if isinstance(about, models.Model) else None,
            reason=getattr(refusal, "rule", "") or refusal.code,
            outcome="denied",
            detail={**getattr(refusal, "detail", {}), "path": path[:300], "code": refusal.code},
        )


def patient_shown(data: Any) -> UUID | None:
    """Whose chart an answer of the API is about, by API.md's names."""
    shown = data if isinstance(data, dict) else {}
    return as_uuid(shown.get("id")) if "mrn" in shown else as_uuid(shown.get("patient"))


def note_replay(request: Request, data: Any) -> None:
    """An answer kept under an Idempotency-Key is given again: what it shows is a look (invariant 1)."""
    record(
        "request.repeated",
        by=cast(Actor, request.user),
        patient=patient_shown(data),
        reason="the caller's own earlier answer",
        detail={"path": request.path[:300]},
    )


def problem(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF exception handler: `common.api.problem`, with the event of a denied look written first."""
    if isinstance(exc, Refusal):
        request = context["request"]
        user = request.user if request.user and request.user.is_authenticated else None
        note(exc, user, path=request.path)
    return api.problem(exc, context)
