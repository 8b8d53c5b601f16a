"""Who may open which chart: one rule, asked as a question about one chart and as a filter on many."""

import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import DatabaseError
from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import User
from audit.services import record
from common.errors import Denied, NotFound
from common.ids import as_uuid
from common.kept import Kept
from patients.access import rules
from patients.access.decisions import Decision, Verdict
from patients.access.registry import Asked, Closer, Condition, Opener, Rule, check_can_be_asked
from patients.models import ChartRestriction, Consult, Encounter, Location, Patient

log = logging.getLogger("chartroom.access")

MANY = 1_000  # charts; measured in bench/access.py
SECONDS_REMEMBERED = 600
PEOPLE_REMEMBERED = 10_000
_many: dict[UUID, tuple[float, bool]] = {}

OUTSIDE = "This chart is outside your care. If you need it, ask the records department."
FAULT = "Chartroom cannot tell whether you may open this chart. The administrator has been told."


def _works(rule: Rule, user: User) -> bool:
    """Whether the rule can be asked at all. One that raises an error opens nothing and closes all; it is an event."""
    try:
        check_can_be_asked(rule)
    except Exception as error:
        log.exception("The access rule %r raised an error", rule.name)
        record(
            "access.rule_failed",
            by=user,
            reason=rule.name,
            outcome="failed",
            detail={"error": type(error).__name__},
        )
        return False
    return True


def _asked_of(user: User) -> tuple[Asked | None, tuple[str, ...]]:
    """The rules that concern this person, None when one that closes cannot be asked; and which raised an error."""
    openers: list[Opener] = []
    closers: list[Closer] = []
    failed: list[str] = []
    for opener in rules.OPENERS:
        if user.has_perm(opener.permission):
            if _works(opener, user):
                openers.append(opener)
            else:
                failed.append(opener.name)
    is_shut = False
    for closer in rules.CLOSERS:
        if not closer.unless or not user.has_perm(closer.unless):
            if _works(closer, user):
                closers.append(closer)
            else:
                failed.append(closer.name)
                is_shut = True
    return None if is_shut else Asked(tuple(openers), tuple(closers)), tuple(failed)


def _asked_for_lists(user: User) -> Asked | None:
    """The rules that her lists of charts are made by; None when no chart is open to her."""
    return _asked_of(user)[0] if user.has_perm("patients.view_chart") else None


def open_to(user: User, column: str = "pk") -> Condition:
    """A condition for `filter`: the chart whose id stands in `column` is one that `user` may open."""
    asked = _asked_for_lists(user)
    if asked is None:
        return Asked((), ()).over_charts(user.pk, column)
    return asked.over_charts(user.pk, column, is_walked=_has_many(user, asked))


def _has_many(user: User, asked: Asked) -> bool:
    """Whether so many charts are open to her that lists are found by walking. Remembered for a while: whatever is
    remembered, a list has the same rows.
    """
    known = _many.get(user.pk)
    if known is None or time.monotonic() > known[0]:
        if len(_many) >= PEOPLE_REMEMBERED:
            _many.clear()
        known = _many[user.pk] = time.monotonic() + SECONDS_REMEMBERED, asked.count(user.pk, MANY) == MANY
    return known[1]


def count_open(user: User, most: int) -> int:
    """How many charts `user` may open, counted up to `most`."""
    asked = _asked_for_lists(user)
    return asked.count(user.pk, most) if asked else 0


def visible_to(user: User) -> QuerySet[Patient]:
    """The patients whose charts `user` may open; exactly those that `check_may_open` allows."""
    return Patient.objects.filter(open_to(user))


def open_among(user: User, patient_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these charts that `visible_to` has: for a few rows that are at hand already."""
    asked = _asked_for_lists(user)
    return asked.among(user.pk, patient_ids) if asked else set()


def decide(user: User, patient: Patient) -> Decision:
    """What the policy says of this person and this chart. One statement."""
    if not user.has_perm("patients.view_chart"):
        return Decision("role", "", Verdict.DENIED, "Your role does not open charts.")
    asked, failed = _asked_of(user)
    if asked is None:
        return Decision("rule failed", ", ".join(failed), Verdict.DENIED, FAULT, failed)
    try:
        found = asked.of_chart(user.pk, patient.pk)
    except DatabaseError:
        log.exception("The access policy could not be asked")
        return Decision("rule failed", "the database", Verdict.DENIED, FAULT, ("the database",))
    openers = [(rule, told) for rule, told in found if isinstance(rule, Opener)]
    closers = [(rule, told) for rule, told in found if isinstance(rule, Closer)]
    beaten: list[tuple[Closer, str]] = []
    for opener, told in openers:
        against = [(closer, why) for closer, why in closers if opener.name not in closer.yields_to]
        if not against:
            return Decision(opener.name, _words(opener, user, told), failed=failed)
        worst = next(((rule, why) for rule, why in against if rule.verdict is Verdict.DENIED), against[0])
        beaten.append(worst)
    can_break = _glass_would_open(user, [closer for closer, _ in closers])
    if beaten:
        mildest = next(((rule, why) for rule, why in beaten if rule.verdict is not Verdict.DENIED), beaten[0])
        closer, told = mildest
        return Decision(
            closer.name, _words(closer, user, told), closer.verdict, closer.message, failed, can_break
        )
    return Decision("no care relationship", "", Verdict.DENIED, OUTSIDE, failed, can_break)


def _glass_would_open(user: User, closers: list[Closer]) -> bool:
    """Whether this person could open the chart by breaking the glass, for one reason or another."""
    ways = (all(way in closer.yields_to for closer in closers) for way in rules.GLASS_RULES)
    return user.has_perm("patients.break_glass") and any(ways)


def what_closes(user: User, patient: Patient) -> list[Closer] | None:
    """The rules that close this chart to this person, whatever opens it; None when they cannot be asked."""
    asked, _ = _asked_of(user)
    if asked is None:
        return None
    return [
        rule for rule, _ in Asked((), asked.closers).of_chart(user.pk, patient.pk) if isinstance(rule, Closer)
    ]


def _words(rule: Rule, user: User, told: str) -> str:
    """The evidence in words. What cannot be put in words is told as it stands: words decide nothing."""
    try:
        return rule.words(user, told)
    except Exception:
        log.exception("The words of the access rule %r raised an error", rule.name)
        return told


def check_may_open(user: User, patient: Patient) -> Decision:
    """Why `user` may open this chart. Raises Denied with `role`, `chart_denied` or `reason_required`."""
    decision = decide(user, patient)
    if decision.allowed:
        return decision
    if decision.rule == "role":
        raise Denied(decision.message, code="role", rule="role")
    may_ask = decision.verdict is Verdict.NEEDS_REASON
    raise Denied(
        decision.message,
        code="reason_required" if may_ask else "chart_denied",
        patient_id=patient.pk,
        about=patient,
        rule=str(decision),
        detail=decision.as_detail(),
        remedy=reverse("patients:state-need", args=[patient.pk]) if may_ask else "",
        way_on="glass" if decision.can_break_glass and not may_ask else "",
    )


def check_may_search(user: User) -> None:
    """Whoever opens charts may look for them."""
    if not user.has_perm("patients.search_patients"):
        raise Denied("Your role does not search for patients.", rule="role")


def check_may_register(user: User) -> None:
    """Clerks and supervisors register."""
    if not user.has_perm("patients.register_patient"):
        raise Denied("Your role does not register patients.", rule="role")


def check_may_edit(user: User, patient: Patient) -> None:
    """Clerks and supervisors correct an identity they may see."""
    if not user.has_perm("patients.edit_patient"):
        raise Denied("Your role does not change patients.", patient_id=patient.pk, about=patient, rule="role")
    check_may_open(user, patient)


def check_may_edit_encounters(user: User, patient: Patient) -> None:
    """Clerks and supervisors open and change encounters."""
    if not user.has_perm("patients.edit_encounter"):
        raise Denied(
            "Your role does not change encounters.", patient_id=patient.pk, about=patient, rule="role"
        )
    check_may_open(user, patient)


def check_may_add_location(user: User) -> None:
    """Supervisors add wards and clinics: everybody else chooses from what there is.

    In a house that has none yet, whoever opens the first encounter names the first.
    """
    is_first = user.has_perm("patients.edit_encounter") and not Location.objects.exists()
    if not is_first and not user.has_perm("patients.add_location"):
        raise Denied("A supervisor adds wards and clinics.", rule="role")


_patient = Kept(lambda key: Patient.objects.filter(pk=key))


def get_for(user: User, patient_id: Any, *, lock: bool = False) -> tuple[Patient, Decision]:
    """The chart's patient and why it may be opened.

    Raises Denied (`role`) before anything is looked up, NotFound, or Denied (`chart_denied`): ids cannot be
    guessed, and a clinician must learn that a chart exists in order to ask for it.
    """
    patient = _found(user, patient_id, lock=lock)
    decision = check_may_open(user, patient)
    return patient, decision


def get_to_ask(user: User, patient_id: Any) -> tuple[Patient, Decision]:
    """The patient of a chart that is open to `user`, or would be if she said why.

    Raises as `get_for` does, but not `reason_required`.
    """
    patient = _found(user, patient_id)
    decision = decide(user, patient)
    if decision.verdict is Verdict.DENIED:
        check_may_open(user, patient)
    return patient, decision


def get_to_manage(user: User, patient_id: Any) -> tuple[Patient, Decision]:
    """The patient of a chart whose openings `user` may decide: she need not state a need for that.

    Whoever is not let in, or shut out herself, does not decide who else is.
    """
    patient = _found(user, patient_id)
    if not user.has_perm("patients.restrict_chart") and not user.has_perm("patients.grant_chart"):
        raise Denied("Your role does not decide who opens a chart.", patient_id=patient.pk, rule="role")
    decision = decide(user, patient)
    if decision.verdict is Verdict.DENIED:
        check_may_open(user, patient)
    return patient, decision


def check_may_restrict(user: User) -> None:
    """Supervisors and compliance officers."""
    if not user.has_perm("patients.restrict_chart"):
        raise Denied("Your role does not restrict charts.", rule="role")


def check_may_lift(user: User, restriction: ChartRestriction) -> None:
    """Whoever restricts charts, and is not the one who is kept from it."""
    check_may_restrict(user)
    if restriction.user_id == user.pk:
        raise Denied(
            "This restriction is about you. Somebody else must lift it.",
            patient_id=restriction.patient_id,
            about=restriction,
            rule="own restriction",
        )


def check_may_grant(user: User) -> None:
    """Supervisors."""
    if not user.has_perm("patients.grant_chart"):
        raise Denied("Your role does not let colleagues into a chart.", rule="role")


def check_may_ask_consult(user: User) -> None:
    """Whoever attends patients."""
    if not user.has_perm("patients.attend_patients"):
        raise Denied("Your role does not ask for consults.", rule="role")


def check_may_answer_consult(user: User, consult: Consult) -> None:
    """Whoever was asked, or asked."""
    if user.pk not in {consult.asked_of_id, consult.asked_by_id}:
        raise Denied("Only whoever was asked, or asked, ends a consult.", rule="consult")


def _found(user: User, patient_id: Any, *, lock: bool = False) -> Patient:
    if not user.has_perm("patients.view_chart"):
        raise Denied("Your role does not open charts.", code="role", rule="role")
    key = patient_id if isinstance(patient_id, UUID) else as_uuid(patient_id)
    if lock:
        patient = Patient.objects.select_for_update(of=("self",)).filter(pk=key).first() if key else None
    else:
        patient = _patient.one(key) if key else None
    if patient is None:
        raise NotFound
    return patient


def get_survivor_for(user: User, patient_id: Any) -> tuple[Patient, Decision]:
    """As get_for, of the entry that stands for this one now: a merged id answers with the survivor."""
    if not user.has_perm("patients.view_chart"):
        raise Denied("Your role does not open charts.", code="role", rule="role")
    patient = survivor_of(patient_id)
    return patient, check_may_open(user, patient)


def survivor_of(patient_id: Any) -> Patient:
    """The entry that stands for this id now, whoever asks: for rules and verbs, not to be shown. Raises NotFound."""
    key = patient_id if isinstance(patient_id, UUID) else as_uuid(patient_id)
    patient = Patient.objects.filter(pk=key).first() if key else None
    while patient is not None and patient.merged_into_id is not None:
        patient = Patient.objects.filter(pk=patient.merged_into_id).first()
    if patient is None:
        raise NotFound
    return patient


def get_encounter_for(user: User, encounter_id: Any, *, lock: bool = False) -> tuple[Encounter, Decision]:
    """An encounter of a chart that may be opened, and why. Raises Denied, NotFound as get_for does."""
    if not user.has_perm("patients.view_chart"):
        raise Denied("Your role does not open charts.", code="role", rule="role")
    key = encounter_id if isinstance(encounter_id, UUID) else as_uuid(encounter_id)
    rows = Encounter.objects.select_related("patient", "location__facility", "attending")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    encounter = rows.filter(pk=key).first() if key else None
    if encounter is None:
        raise NotFound
    return encounter, check_may_open(user, encounter.patient)
