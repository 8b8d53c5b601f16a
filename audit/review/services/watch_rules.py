"""What the watch looks for, set by the compliance office: weights, numbers, on and off, and decoy charts.

Each change is an event with before and after; runs keep what they worked with.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.review import access
from audit.review.models import DecoyChart, WatchRule
from audit.review.services.log import named
from audit.review.watch import registry
from audit.services import record
from common.errors import NotFound, RuleBroken, WrongMove
from common.ids import as_uuid
from patients import access as patient_access
from patients.models import Patient

MOST_WEIGHT = 100


@transaction.atomic
def show_watch_rules(*, by: User) -> list[registry.Setting]:
    """Every rule as it is in force. Raises Denied."""
    access.check_may_change_watch(by)
    record("watch.rules_viewed", by=by)
    return registry.settings_in_force()


@transaction.atomic
def set_watch_rule(
    *, by: User, code: str, is_on: bool, weight: int, parameters: Mapping[str, Any]
) -> registry.Setting:
    """Set one rule for the runs to come. What changes nothing writes nothing.

    Raises Denied, NotFound, RuleBroken("weight", "parameters").
    """
    access.check_may_change_watch(by)
    rule = registry.rule_of(code)
    if rule is None:
        raise NotFound
    WatchRule.objects.select_for_update().filter(code=code).first()
    before = next(one for one in registry.settings_in_force() if one.rule is rule)
    if not 0 <= weight <= MOST_WEIGHT:
        raise RuleBroken("weight", f"Give points from 0 to {MOST_WEIGHT}.", field="weight")
    try:
        checked = rule.checked(parameters)
    except ValueError as error:
        raise RuleBroken("parameters", str(error), field="parameters") from error
    after = registry.Setting(rule, is_on, weight, checked)
    if after.as_data() == before.as_data():
        return before
    row = before.row or WatchRule(code=code)
    row.is_on, row.weight, row.parameters, row.changed_by = is_on, weight, checked, by
    row.version += bool(before.row)
    row.save()
    record(
        "watch.rule_changed",
        by=by,
        about=row,
        reason=rule.words,
        detail={"rule": code, "before": before.as_data(), "after": after.as_data()},
    )
    return after


@transaction.atomic
def list_decoys(*, by: User) -> list[tuple[DecoyChart, Patient | None]]:
    """The decoy charts, those in force first, with those patients that `by` may see by name. Raises Denied."""
    access.check_may_change_watch(by)
    rows = list(DecoyChart.objects.select_related("marked_by").order_by("-until", "-since", "pk")[:200])
    ids = {row.patient_id for row in rows}
    record("watch.decoys_viewed", by=by, patients=ids, reason="compliance review")
    patients = named(by, ids)
    return [(row, patients.get(row.patient_id)) for row in rows]


@transaction.atomic
def mark_decoy(*, by: User, patient_id: Any, why: str) -> DecoyChart:
    """Have the watch tell of everybody who opens this chart. Raises Denied, NotFound, RuleBroken, WrongMove."""
    access.check_may_change_watch(by)
    patient, decision = patient_access.get_for(by, patient_id)
    why = why.strip()
    if not why:
        raise RuleBroken("why_required", "Say what the decoy is for.", field="why")
    Patient.objects.select_for_update(of=("self",)).get(pk=patient.pk)
    if DecoyChart.objects.filter(patient=patient, until=None).exists():
        raise WrongMove("This chart is a decoy already.")
    decoy: DecoyChart = DecoyChart.objects.create(
        patient=patient, why=why, marked_by=by, since=timezone.now()
    )
    record("watch.decoy_marked", by=by, patient=patient.pk, about=decoy, reason=str(decision))
    return decoy


@transaction.atomic
def end_decoy(*, by: User, decoy_id: Any) -> DecoyChart:
    """From now on the chart is one like every other. Raises Denied, NotFound, WrongMove."""
    access.check_may_change_watch(by)
    key = as_uuid(decoy_id)
    decoy = DecoyChart.objects.select_for_update().filter(pk=key).first() if key else None
    if decoy is None:
        raise NotFound
    if decoy.until is not None:
        raise WrongMove("This decoy has ended already.")
    decoy.until = max(timezone.now(), decoy.since)
    decoy.version += 1
    decoy.save()
    record("watch.decoy_ended", by=by, patient=decoy.patient_id, about=decoy)
    return decoy
