"""Who sees which sensitivity label, and saying why one needs a labelled document."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import User
from audit.services import record
from common.errors import NotFound, RuleBroken, WrongMove
from patients import access as patient_access
from patients.models import Patient
from patients.services.needs import said, tell_compliance, until
from records.documents import access, queries
from records.documents.models import Document, Label, LabelNeed, LabelRule, LabelVerdict

MOST_LISTED = 200


@transaction.atomic
def show_label_rules(*, by: User) -> queries.LabelTable:
    """Which role may do what with which label; the look is an event. Raises Denied."""
    access.check_may_change_label_rules(by)
    record("label.rules_viewed", by=by)
    return queries.label_table()


@transaction.atomic
def set_label_rules(*, by: User, answers: Mapping[tuple[str, str], str]) -> int:
    """Say what roles may do with documents of a label: `{(label, role): verdict}`, an empty verdict takes the row
    away. Each change is an event with before and after; returns how many there were.

    Raises Denied, NotFound for a role that is none, RuleBroken for a label that is none and for psychotherapy
    notes: the law says who sees those (PSY-01).
    """
    access.check_may_change_label_rules(by)
    changed = 0
    for (label, role), verdict in sorted(answers.items()):
        changed += _set_label_rule(by, label, role, verdict)
    return changed


def _set_label_rule(by: User, label: str, role: str, verdict: str) -> bool:
    if label not in Label.values or (verdict and verdict not in LabelVerdict.values):
        raise RuleBroken("unknown_label", "There is no such label, or no such answer.", field="label")
    if label == Label.PSYCHOTHERAPY:
        raise RuleBroken(
            "PSY-01", "Psychotherapy notes are for who wrote them, 45 CFR 164.508(a)(2).", field="label"
        )
    group = Group.objects.select_for_update().filter(name=role).first()
    if group is None:
        raise NotFound
    rule = LabelRule.objects.filter(label=label, role=group).first()
    before = rule.verdict if rule else ""
    if before == verdict:
        return False
    if rule is None:
        LabelRule.objects.create(label=label, role=group, verdict=verdict)
    elif verdict:
        rule.verdict = verdict
        rule.save()
    else:
        rule.delete()
    record(
        "label.rule_changed",
        by=by,
        about=group,
        reason=f"{label}: {role}",
        detail={"label": label, "role": role, "before": before or "no row", "after": verdict or "no row"},
    )
    return True


@transaction.atomic
def list_asking(*, by: User, patient_id: Any) -> tuple[Patient, list[Document]]:
    """The documents of a chart that would open to `by` if she said why: one event. Raises NotFound, Denied."""
    patient, decision = patient_access.get_for(by, patient_id)
    access.check_may_view_any(by)
    rows = list(access.to_ask_for(by, patient).order_by("-service_date", "-pk")[:MOST_LISTED])
    record(
        "document.listed",
        by=by,
        patient=patient.pk,
        about=patient,
        reason=str(decision),
        detail={"asking_for_a_reason": [str(row.pk) for row in rows]},
    )
    return patient, rows


@transaction.atomic
def state_document_need(*, by: User, document_id: Any, reason: str) -> LabelNeed:
    """Say why this labelled document is needed; it is open to `by` for a limited time, and compliance is told.

    Raises NotFound, Denied, WrongMove for a document that asks for no reason, RuleBroken for one that says nothing.
    """
    document, asks = access.get_to_ask(by, document_id)
    if not asks:
        raise WrongMove("This document is open to you already.")
    need = LabelNeed.objects.create(
        user=by,
        patient=document.patient,
        document=document,
        labels=document.labels,
        reason=said(reason),
        until=until(),
    )
    record(
        "document.need_stated",
        by=by,
        patient=document.patient_id,
        about=document,
        reason=need.reason,
        detail={"labels": document.labels},
    )
    words = ", ".join(document.label_words)
    tell_compliance(
        f"{by.display_name} said why and opened a sensitive document ({words}).", patient=document.patient
    )
    return need
