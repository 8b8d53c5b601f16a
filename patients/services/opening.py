"""Who may open one chart, by decision of a colleague: restrictions, grants, whose own chart it is, the care team."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from audit.services import record
from common.errors import NotFound, RuleBroken, WrongMove
from common.ids import as_uuid
from common.notices.models import Tone
from common.notices.services import notify
from patients import access
from patients.models import (
    CareTeamMember,
    ChartRestriction,
    Consult,
    Encounter,
    OwnEntry,
    Patient,
    PatientGrant,
    Restriction,
)
from patients.services.needs import said

LONGEST_GRANT = timedelta(days=366)


@dataclass
class WhoMayOpen:
    """Everything on record that lets one person in, or shuts people out."""

    patient: Patient
    restrictions: QuerySet[ChartRestriction]
    grants: QuerySet[PatientGrant]
    own_entries: QuerySet[OwnEntry]
    team: QuerySet[CareTeamMember]
    consults: QuerySet[Consult]


@transaction.atomic
def view_who_may_open(*, by: User, patient_id: Any) -> WhoMayOpen:
    """Who is let in and who is shut out of this chart now; the look is an event. Raises NotFound, Denied."""
    patient, decision = access.get_to_manage(by, patient_id)
    record("access.openings_viewed", by=by, patient=patient.pk, about=patient, reason=str(decision))
    people = PatientGrant.objects.filter(content_object=patient, revoked_at=None)
    return WhoMayOpen(
        patient=patient,
        restrictions=ChartRestriction.objects.in_force()
        .filter(patient=patient)
        .select_related("user", "set_by")
        .order_by("since", "pk"),
        grants=people.filter(expires_at__gt=timezone.now())
        .select_related("user", "given_by")
        .order_by("expires_at", "pk"),
        own_entries=OwnEntry.objects.in_force().filter(patient=patient).select_related("user").order_by("pk"),
        team=CareTeamMember.objects.in_force()
        .filter(patient=patient)
        .select_related("user", "encounter")
        .order_by("since", "pk"),
        consults=Consult.objects.filter(patient=patient, answered_at=None)
        .select_related("asked_by", "asked_of")
        .order_by("asked_at", "pk"),
    )


def _later(until: datetime | None) -> datetime | None:
    if until is not None and until <= timezone.now():
        raise RuleBroken("until", "The end must lie in the future.", field="until")
    return until


def _ended(spell: Any) -> None:
    """End a row that is in force, now."""
    if spell.until is not None and spell.until <= timezone.now():
        raise WrongMove("This has ended already.")
    spell.until = max(timezone.now(), spell.since)
    spell.save()


def person_named(username: str) -> User:
    """An active user by name, as it was typed. Raises RuleBroken."""
    user = User.objects.filter(username__iexact=username.strip(), is_active=True).first()
    if user is None:
        raise RuleBroken("user", "There is no active user of this name.", field="user")
    return user


@transaction.atomic
def restrict_chart(
    *, by: User, patient_id: Any, kind: str, why: str, user: str = "", until: datetime | None = None
) -> ChartRestriction:
    """Restrict a chart; `family` and `person` name the colleague whom it concerns. Raises NotFound, Denied,
    RuleBroken.

    A patient's own request may be agreed to (45 CFR 164.522(a)); a court's order must be obeyed.
    """
    patient, decision = access.get_to_manage(by, patient_id)
    access.check_may_restrict(by)
    if kind not in Restriction.values:
        raise RuleBroken("kind", "There is no such restriction.", field="kind")
    names_somebody = kind in {Restriction.FAMILY, Restriction.PERSON}
    if names_somebody != bool(user.strip()):
        text = "Say whom it concerns." if names_somebody else "This restriction concerns everybody."
        raise RuleBroken("user", text, field="user")
    restriction = ChartRestriction.objects.create(
        patient=patient,
        kind=kind,
        user=person_named(user) if names_somebody else None,
        why=said(why, field="why"),
        until=_later(until),
        set_by=by,
    )
    record(
        "chart.restricted",
        by=by,
        patient=patient.pk,
        about=restriction,
        reason=str(decision),
        detail={"kind": kind, "why": restriction.why},
    )
    return restriction


@transaction.atomic
def lift_restriction(*, by: User, restriction_id: Any) -> ChartRestriction:
    """End a restriction now; nobody ends one that is about her. Raises NotFound, Denied, WrongMove."""
    access.check_may_restrict(by)
    restriction: ChartRestriction = _row(ChartRestriction.objects.all(), restriction_id)
    _, decision = access.get_to_manage(by, restriction.patient_id)
    access.check_may_lift(by, restriction)
    _ended(restriction)
    record(
        "chart.restriction_lifted",
        by=by,
        patient=restriction.patient_id,
        about=restriction,
        reason=str(decision),
        detail={"kind": restriction.kind},
    )
    return restriction


@transaction.atomic
def grant_chart(*, by: User, patient_id: Any, user: str, reason: str, expires_at: datetime) -> PatientGrant:
    """Let a colleague open this chart until a day, and tell her. Raises NotFound, Denied, RuleBroken."""
    patient, decision = access.get_for(by, patient_id)
    access.check_may_grant(by)
    colleague = person_named(user)
    if colleague.pk == by.pk:
        raise RuleBroken("own_grant", "Somebody else must let you in.", field="user")
    if not timezone.now() < expires_at <= timezone.now() + LONGEST_GRANT:
        raise RuleBroken("expires_at", "It ends in the future, within a year.", field="expires_at")
    permission = Permission.objects.get(content_type__app_label="patients", codename="view_chart")
    values = {
        "given_by": by,
        "reason": said(reason),
        "expires_at": expires_at,
        "revoked_at": None,
        "revoked_by": None,
    }
    grant, _ = PatientGrant.objects.select_for_update(of=("self",)).update_or_create(
        user=colleague, content_object=patient, permission=permission, defaults=values
    )
    record(
        "chart.granted",
        by=by,
        patient=patient.pk,
        about=grant,
        reason=str(decision),
        detail={"to": colleague.username, "why": grant.reason, "until": expires_at.isoformat()},
    )
    notify(
        [colleague.pk],
        kind="access.granted",
        tone=Tone.NEWS,
        text=f"{by.display_name} lets you open a chart until {timezone.localtime(expires_at):%d %b %Y %H:%M}.",
        url=patient.get_absolute_url(),
    )
    return grant


@transaction.atomic
def revoke_grant(*, by: User, grant_id: Any) -> PatientGrant:
    """Take a grant back. Raises NotFound, Denied, WrongMove."""
    access.check_may_grant(by)
    grant: PatientGrant = _row(PatientGrant.objects.all(), grant_id)
    _, decision = access.get_for(by, grant.content_object_id)
    if grant.revoked_at is not None:
        raise WrongMove("This grant was taken back already.")
    grant.revoked_at, grant.revoked_by = timezone.now(), by
    grant.save()
    record(
        "chart.grant_revoked",
        by=by,
        patient=grant.content_object_id,
        about=grant,
        reason=str(decision),
    )
    return grant


@transaction.atomic
def set_own_entry(*, by: User, patient_id: Any, user: str) -> OwnEntry:
    """Say that this patient is this colleague: she does not open the chart. Raises NotFound, Denied, RuleBroken."""
    patient, decision = access.get_to_manage(by, patient_id)
    access.check_may_restrict(by)
    colleague = person_named(user)
    entry, is_new = OwnEntry.objects.get_or_create(user=colleague, patient=patient, until=None)
    if not is_new:
        raise RuleBroken("user", "That is on record already.", field="user")
    record("chart.own_entry_set", by=by, patient=patient.pk, about=entry, reason=str(decision))
    return entry


@transaction.atomic
def end_own_entry(*, by: User, entry_id: Any) -> OwnEntry:
    """Say that it was somebody else after all. Raises NotFound, Denied, WrongMove."""
    access.check_may_restrict(by)
    entry: OwnEntry = _row(OwnEntry.objects.all(), entry_id)
    _, decision = access.get_to_manage(by, entry.patient_id)
    _ended(entry)
    record("chart.own_entry_ended", by=by, patient=entry.patient_id, about=entry, reason=str(decision))
    return entry


@transaction.atomic
def join_care_team(*, by: User, encounter_id: Any, user: str, function: str) -> CareTeamMember:
    """Add a colleague to the care team of an encounter. Raises NotFound, Denied, RuleBroken."""
    encounter, decision = access.get_encounter_for(by, encounter_id, lock=True)
    access.check_may_edit_encounters(by, encounter.patient)
    colleague = person_named(user)
    if CareTeamMember.objects.filter(encounter=encounter, user=colleague, until=None).exists():
        raise RuleBroken("user", "She is in the care team already.", field="user")
    member = CareTeamMember.objects.create(
        encounter=encounter,
        patient=encounter.patient,
        user=colleague,
        function=said(function, shortest=2, field="function")[:60],
    )
    record(
        "encounter.team_joined",
        by=by,
        patient=encounter.patient_id,
        about=encounter,
        reason=str(decision),
        detail={"user": colleague.username, "function": member.function},
    )
    return member


@transaction.atomic
def leave_care_team(*, by: User, member_id: Any) -> CareTeamMember:
    """End somebody's part in a care team. Raises NotFound, Denied, WrongMove."""
    member: CareTeamMember = _row(CareTeamMember.objects.select_related("patient", "user"), member_id)
    access.check_may_edit_encounters(by, member.patient)
    _ended(member)
    record(
        "encounter.team_left",
        by=by,
        patient=member.patient_id,
        about=member,
        detail={"user": member.user.username},
    )
    return member


@transaction.atomic
def ask_consult(*, by: User, patient_id: Any, user: str, question: str) -> Consult:
    """Ask a colleague about this patient: the chart is open to her until she has answered.

    Raises NotFound, Denied, RuleBroken.
    """
    patient, decision = access.get_for(by, patient_id)
    access.check_may_ask_consult(by)
    colleague = person_named(user)
    if colleague.pk == by.pk:
        raise RuleBroken("user", "Ask somebody else.", field="user")
    consult = Consult.objects.create(
        patient=patient, asked_by=by, asked_of=colleague, question=said(question, field="question")[:200],
        encounter=Encounter.objects.open().filter(patient=patient).order_by("-started_at").first(),
    )  # fmt: skip
    record(
        "consult.asked",
        by=by,
        patient=patient.pk,
        about=consult,
        reason=str(decision),
        detail={"of": colleague.username},
    )
    notify(
        [colleague.pk],
        kind="consult.asked",
        tone=Tone.DUE,
        text=f"{by.display_name} asks you about a patient.",
        url=patient.get_absolute_url(),
    )
    return consult


@transaction.atomic
def answer_consult(*, by: User, consult_id: Any) -> Consult:
    """Say that a consult is answered: whoever was asked, or whoever asked. Raises NotFound, Denied, WrongMove."""
    consult: Consult = _row(Consult.objects.all(), consult_id)
    _, decision = access.get_for(by, consult.patient_id)
    access.check_may_answer_consult(by, consult)
    if consult.answered_at is not None:
        raise WrongMove("This consult is answered already.")
    consult.answered_at = timezone.now()
    consult.save()
    record("consult.answered", by=by, patient=consult.patient_id, about=consult, reason=str(decision))
    return consult


def _row(rows: QuerySet[Any], key: Any) -> Any:
    """One row, locked. Raises NotFound."""
    pk = as_uuid(key)
    found = rows.select_for_update(of=("self",)).filter(pk=pk).first() if pk else None
    if found is None:
        raise NotFound
    return found
