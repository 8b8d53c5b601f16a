"""A restricted chart is opened by saying why: a stated need, for a limited time, that compliance learns of."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import RuleBroken, WrongMove
from common.notices.models import Tone
from common.notices.services import notify
from patients import access
from patients.models import Patient, StatedNeed

SHORTEST = 5
LONGEST = 300


def said(reason: str, *, shortest: int = SHORTEST, field: str = "reason") -> str:
    """What was typed as a reason, trimmed. Raises RuleBroken for none, or one that is too long."""
    text = " ".join(reason.replace("\0", " ").split())
    if len(text) < shortest:
        raise RuleBroken(field, "Say it in a few words.", field=field)
    if len(text) > LONGEST:
        raise RuleBroken(field, f"At most {LONGEST} characters.", field=field)
    return text


def until() -> datetime:
    """When a need that is stated now ends."""
    return timezone.now() + timedelta(hours=settings.NEED_HOURS)


def tell_compliance(text: str, *, patient: Patient) -> None:
    """A notice for everybody who watches the log, leading to this chart's lines in it."""
    watchers = User.objects.holding("review.view_log").values_list("pk", flat=True)
    url = f"{reverse('review:log')}?patient={patient.pk}&period=all"
    notify(watchers, kind="access.need_stated", tone=Tone.DUE, text=text, url=url)


@transaction.atomic
def state_need(*, by: User, patient_id: Any, reason: str) -> StatedNeed:
    """Say why this restricted chart is needed; it is open to `by` for a limited time, and compliance is told.

    Raises NotFound, Denied when no rule lets her in at all, WrongMove for a chart that asks for no reason,
    RuleBroken for a reason that says nothing.
    """
    patient, decision = access.get_to_ask(by, patient_id)
    if decision.allowed:
        raise WrongMove("This chart is open to you already.")
    need = StatedNeed.objects.create(user=by, patient=patient, reason=said(reason), until=until())
    record(
        "access.need_stated",
        by=by,
        patient=patient.pk,
        about=need,
        reason=need.reason,
        detail=decision.as_detail(),
    )
    tell_compliance(
        f"{by.display_name} said why and opened a restricted chart ({decision.evidence}).", patient=patient
    )
    return need
