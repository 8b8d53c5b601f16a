"""Who may break the glass, and which charts it opens. That it opens them is a rule like any other (`rules`)."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from common.errors import Denied, NotFound, WrongMove
from common.ids import as_uuid
from patients.access.charts import FAULT, decide, what_closes
from patients.access.rules import EMERGENCY_GLASS, GLASS, GLASS_RULES
from patients.models import ChartRestriction, GlassBreak, GlassReason, Patient, PatientStatus, Restriction

ONLY_IN_AN_EMERGENCY = (
    "This chart is closed by law or by agreement with the patient. The glass opens it for emergency treatment only, "
    "and what you read there must not be passed on."
)


def check_may_break_glass(user: User) -> None:
    """A right of its own, for whoever treats patients; service accounts have none."""
    if not user.has_perm("patients.break_glass") or not user.has_perm("patients.view_chart"):
        raise Denied("Your role does not break the glass.", rule="role")


def check_may_end_any_glass(user: User) -> None:
    """The compliance office ends a colleague's."""
    if not user.has_perm("patients.end_any_glass"):
        raise Denied("Your role does not end a colleague's glass.", rule="role")


def check_may_search_outside(user: User) -> None:
    """A right of its own: it shows who is a patient here, whoever cares for them."""
    if not user.has_perm("patients.search_outside_care"):
        raise Denied("Your role does not look for people outside your care.", rule="role")


def findable_by(user: User) -> QuerySet[Patient]:
    """People whom a search outside one's care may show: no merged entries, nobody closed to this very person."""
    closed = ChartRestriction.objects.in_force().filter(kind=Restriction.PERSON, user=user)
    return Patient.objects.exclude(status=PatientStatus.MERGED).exclude(pk__in=closed.values("patient"))


def glass_reasons(user: User, patient: Patient) -> tuple[list[GlassReason], str]:
    """The reasons for which a glass would open this chart, and what to tell when these are not all.

    45 CFR 164.522(a)(1)(iii): an agreed restriction yields to emergency treatment, to nothing else (RST-3). One's own
    chart, and one closed to this very person, no glass opens.
    """
    closers = what_closes(user, patient)
    if closers is None:
        return [], FAULT
    for opener, reasons in ((GLASS, list(GlassReason)), (EMERGENCY_GLASS, [GlassReason.EMERGENCY])):
        if all(opener in closer.yields_to for closer in closers):
            return reasons, "" if opener == GLASS else ONLY_IN_AN_EMERGENCY
    return [], next(closer.message for closer in closers if EMERGENCY_GLASS not in closer.yields_to)


def check_glass_opens(user: User, patient: Patient, reason: GlassReason, *, is_drill: bool = False) -> None:
    """Whether breaking it for this reason opens the chart, and is needed for it. Raises Denied, WrongMove."""
    reasons, message = glass_reasons(user, patient)
    if not reasons or (reason not in reasons and not is_drill):
        raise Denied(
            message,
            code="chart_denied",
            patient_id=patient.pk,
            about=patient,
            rule="no glass opens this chart",
        )
    decision = decide(user, patient)
    if decision.allowed and decision.rule not in GLASS_RULES and not is_drill:
        raise WrongMove("This chart is open to you without it.", code="already_open")


def get_glass_for(user: User, glass_id: Any, *, lock: bool = False) -> GlassBreak:
    """One's own, or anybody's for whoever may end them. Raises NotFound."""
    key = as_uuid(glass_id)
    rows = GlassBreak.objects.select_for_update(of=("self",)) if lock else GlassBreak.objects.all()
    if not user.has_perm("patients.end_any_glass"):
        rows = rows.filter(user=user)
    glass = rows.filter(pk=key).first() if key else None
    if glass is None:
        raise NotFound
    return glass
