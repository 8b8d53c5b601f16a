"""Break the glass: open a chart outside one's care, for a reason and a limited time, with compliance told at once.

Sources: 45 CFR 164.312(a)(2)(ii), emergency access; 45 CFR 170.315(d)(6); docs/decisions/0006-the-glass.md.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import User
from accounts.services import service_account
from audit import context
from audit.services import record
from common.clock import database_now
from common.errors import Denied, NotFound
from common.notices.models import Tone
from common.notices.services import notify
from common.reasons import said
from patients import access, queries
from patients.models import Facility, GlassBreak, GlassReason, Patient, Workplace
from patients.signals import glass_broken
from patients.typed import LIMIT_OUTSIDE

PURPOSE = "BTG"  # HL7 v3 ActReason: break the glass


@dataclass(frozen=True)
class Somebody:
    """A person found outside one's care, and whether the chart is open to whoever looks."""

    patient: Patient
    is_open: bool


@dataclass
class Considered:
    """What the page before the glass shows: whose chart, what stands already, and what a glass would open."""

    patient: Patient
    standing: GlassBreak | None
    drill: GlassBreak | None
    is_open_anyway: bool  # her own rights open the chart
    reasons: list[GlassReason]  # for which a glass opens it
    message: str = ""  # when these are not all of them: why


@transaction.atomic
def search_outside_care(*, by: User, text: str) -> list[Somebody]:
    """People of that name, birth date or number, whoever cares for them; ONE event with the ids shown. Raises Denied.

    Who they are and nothing of their charts. Whoever is shut out from a chart by name does not find it here either.
    """
    access.check_may_search_outside(by)
    found = queries.search(access.findable_by(by), text=text, limit=LIMIT_OUTSIDE)
    own = access.open_among(by, [row.patient.pk for row in found]) if found else set()
    record(
        "patient.searched_outside",
        by=by,
        patients=[row.patient.pk for row in found],
        reason="looked outside her care",
        detail={"q": text[:200], "shown": len(found)},
    )
    return [Somebody(row.patient, row.patient.pk in own) for row in found]


@transaction.atomic
def consider_glass(*, by: User, patient_id: Any) -> Considered:
    """Whose chart it is, and what breaking the glass would do: the page before. Raises Denied, NotFound.

    A chart that no glass opens stays unnamed.
    """
    access.check_may_break_glass(by)
    patient = access.survivor_of(patient_id)
    reasons, message = access.glass_reasons(by, patient)
    if not reasons:
        raise Denied(
            message, code="chart_denied", patient_id=patient.pk, about=patient, rule="no glass opens it"
        )
    standing = GlassBreak.objects.open().filter(user=by, patient=patient)
    by_kind = {glass.is_drill: glass for glass in standing}
    decision = access.decide(by, patient)
    record(
        "glass.considered",
        by=by,
        patient=patient.pk,
        about=patient,
        reason="who the patient is, before the glass is broken",
        purpose=PURPOSE,
    )
    is_open_anyway = decision.allowed and decision.rule not in access.GLASS_RULES
    return Considered(patient, by_kind.get(False), by_kind.get(True), is_open_anyway, reasons, message)


@transaction.atomic
def break_glass(
    *, by: User, patient_id: Any, reason_code: str, reason: str, is_drill: bool = False
) -> GlassBreak:
    """Open a chart outside her care until the glass runs out; while one stands, that one is the answer.

    A merged id stands for the survivor. A drill walks the same way and opens nothing. Raises NotFound, Denied
    (`role`, `chart_denied`, `reason_required`), RuleBroken (`reason_unclear`), WrongMove (`already_open`).
    """
    access.check_may_break_glass(by)
    patient = access.survivor_of(patient_id)
    if not reason.strip():
        raise Denied(
            "Say why you need this chart: a kind of reason and a few words.",
            code="reason_required",
            patient_id=patient.pk,
            about=patient,
            rule="no reason was given",
        )
    code, why = GlassReason(reason_code), said(reason)
    now = database_now()
    standing = _standing(by, patient, is_drill=is_drill)
    if standing is not None and standing.expires_at > now:
        return standing
    access.check_glass_opens(by, patient, code, is_drill=is_drill)
    if standing is not None:
        _write_off(standing)
    glass, is_new = GlassBreak.objects.get_or_create(
        user=by,
        patient=patient,
        is_drill=is_drill,
        ended_at=None,
        defaults={
            "reason_code": code,
            "reason": why,
            "opened_at": now,
            "expires_at": now + timedelta(hours=settings.GLASS_HOURS),
            "session": context.current().session,
        },
    )
    if is_new:
        record(
            "glass.drilled" if is_drill else "glass.broken",
            by=by,
            patient=patient.pk,
            about=glass,
            reason=glass.why,
            purpose=PURPOSE,
            detail={**_detail(glass), **_recipient(glass)},
        )
        glass_broken.send(GlassBreak, glass=glass)
    return glass


@transaction.atomic
def end_glass(*, by: User, glass_id: Any) -> GlassBreak:
    """Close it now: one's own, or a colleague's for whoever may. Ended twice: the first end stays. Raises NotFound."""
    glass = access.get_glass_for(by, glass_id, lock=True)
    if glass.ended_at is not None:
        return glass
    now = database_now()
    if glass.expires_at <= now:
        _write_off(glass)
        return glass
    glass.ended_at, glass.ended_by = max(now, glass.opened_at), by
    glass.version += 1
    glass.save()
    record(
        "glass.ended",
        by=by,
        patient=glass.patient_id,
        about=glass,
        reason="by herself" if by.pk == glass.user_id else "by a colleague",
        purpose=PURPOSE,
        detail=_detail(glass),
    )
    if by.pk != glass.user_id:
        notify(
            [glass.user_id],
            kind="glass.ended",
            tone=Tone.GLASS,
            text=f"{by.display_name} ended a glass that you had broken. The chart is closed to you again.",
        )
    return glass


@transaction.atomic
def see_glass(*, by: User, patient_id: Any) -> GlassBreak:
    """One's own glass on this chart that is open now, and when it runs out. Raises Denied, NotFound."""
    access.check_may_break_glass(by)
    patient = access.survivor_of(patient_id)
    glass = GlassBreak.objects.open().real().filter(user=by, patient=patient).first()
    if glass is None:
        raise NotFound
    record("glass.seen", by=by, patient=patient.pk, about=glass, reason="her own glass", purpose=PURPOSE)
    return glass


def write_off_run_out(*, limit: int = 500) -> int:
    """Write down which glasses the clock has closed, and tell who broke them; returns how many. Closes nothing."""
    ids = list(GlassBreak.objects.run_out().order_by("expires_at").values_list("pk", flat=True)[:limit])
    return sum(_write_off_one(pk) for pk in ids)


@transaction.atomic
def _write_off_one(pk: UUID) -> int:
    """One glass in a transaction of its own; 0 when somebody else was faster."""
    glass = (
        GlassBreak.objects.run_out().select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
    )
    if glass is None:
        return 0
    _write_off(glass)
    return 1


def _write_off(glass: GlassBreak) -> None:
    """Say in the row and in the log that the clock closed it. The row is locked."""
    glass.ended_at = glass.expires_at
    glass.version += 1
    glass.save()
    record(
        "glass.expired",
        by=service_account("glass"),
        patient=glass.patient_id,
        about=glass,
        reason="its time was over",
        purpose=PURPOSE,
        detail=_detail(glass),
    )
    notify(
        [glass.user_id],
        kind="glass.expired",
        tone=Tone.GLASS,
        text=("DRILL: " if glass.is_drill else "")
        + "A glass that you broke has run out, and the chart is closed to you again.",
    )


def _standing(by: User, patient: Patient, *, is_drill: bool) -> GlassBreak | None:
    rows = GlassBreak.objects.standing().select_for_update(of=("self",))
    return rows.filter(user=by, patient=patient, is_drill=is_drill).first()


def _detail(glass: GlassBreak) -> dict[str, Any]:
    """What the event says beside its reason."""
    return {
        "reason_code": glass.reason_code,
        "opened_at": glass.opened_at,
        "until": glass.until,
        "by": glass.user.username,
        **({"drill": True} if glass.is_drill else {}),
    }


def _recipient(glass: GlassBreak) -> dict[str, str]:
    """42 CFR 2.51(c): who got to see it, where she works and who let her, beside when and why."""
    places = Workplace.objects.in_force().filter(user=glass.user_id).values_list("facility__name", flat=True)
    houses = list(places.distinct()) or list(
        Facility.objects.order_by("created_at").values_list("name", flat=True)[:1]
    )
    return {
        "recipient": glass.user.display_name,
        "affiliation": ", ".join(sorted(houses)),
        "disclosed_by": "Chartroom, on her own word",
    }
