"""Cases, worked: open, look, hand on, say more, write down what people say.

Source: 45 CFR 164.308(a)(1)(ii)(D), 164.402 to 164.414, 164.530(d) and (e). Every look at a case is an event. The log
is read by more people than a case is: events say that a case was worked on and whose charts it names, never about whom.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from audit.review import access, case_access
from audit.review.models import (
    Alert,
    Case,
    CaseAlert,
    CaseEvidence,
    CaseKind,
    CaseNote,
    CasePatient,
    GlassReview,
    NoteKind,
    Outcome,
    Source,
)
from audit.review.services import watching
from audit.review.services.log import named
from audit.services import record
from common.errors import Denied, RuleBroken, WrongMove
from common.notices.models import Tone
from common.notices.services import notify
from common.sequences import next_of
from common.web import clean
from patients.models import Patient

SHOWN = 500
WHY = "compliance case"


@dataclass
class CaseFile:
    """A case as its page shows it."""

    case: Case
    patients: list[tuple[UUID, Patient | None]] = field(default_factory=list)  # None: closed to the reader
    notes: list[CaseNote] = field(default_factory=list)
    evidence: list[CaseEvidence] = field(default_factory=list)
    named: dict[UUID, Patient] = field(default_factory=dict)  # patients of the evidence that may be named
    alerts: list[Alert] = field(default_factory=list)


def words_of(text: str, *, field: str, what: str) -> str:
    """Text that says something. Raises RuleBroken."""
    text = clean(text).strip()
    if not text:
        raise RuleBroken("words_required", what, field=field)
    return text


def patient_ids(case: Case) -> set[UUID]:
    """Whose records the case is about."""
    return set(case.links.values_list("patient_id", flat=True))


def write_event(event: str, *, by: User, case: Case, more: Iterable[UUID] = (), **detail: Any) -> None:
    """An event about a case: it names the patients, and neither the colleague nor anything that was written."""
    ids = patient_ids(case) | set(more)
    record(
        event,
        by=by,
        patients=ids or None,
        about=case,
        reason=WHY,
        detail={"number": case.number, **detail},
    )


def involved_in(case: Case) -> list[User | None]:
    """Those who must not work on it: whom it is about, and the second person of an emergency."""
    return [case.subject, case.glass_review.second if case.glass_review else None]


def tell_officers(
    case: Case, *, kind: str, text: str, tone: Tone = Tone.DUE, but: User | None = None
) -> None:
    """A notice for whoever has the case, or for everybody who may work on it while nobody has it."""
    others = case_access.others_than([*involved_in(case), but])
    if case.assigned_to_id:
        others = others.filter(pk=case.assigned_to_id)
    notify(others.values_list("pk", flat=True), kind=kind, tone=tone, text=text, url=case.get_absolute_url())


def _next_number() -> str:
    return f"C-{timezone.localdate().year}-{next_of('review_case_number'):04d}"


def check_discovery(day: date) -> None:
    """The first day on which somebody knew, or could have known, is not in the future (BR-03)."""
    if day > timezone.localdate():
        raise RuleBroken(
            "discovered_in_future",
            "This day has not come yet. It is the first day anybody knew.",
            "discovered_on",
        )


def _open(
    *,
    by: User,
    kind: CaseKind,
    source: Source,
    summary: str,
    subject: User | None,
    patients: Iterable[Patient],
    discovered_on: date,
    review: GlassReview | None = None,
) -> Case:
    check_discovery(discovered_on)
    second = review.second if review else None
    if by.pk in {subject.pk if subject else None, second.pk if second else None}:
        case_access.check_somebody_else([by])
        raise Denied("A colleague of the compliance office must open a case about you.", rule="one's own")
    may_work = by.has_perm(case_access.RIGHT)
    case = Case.objects.create(
        number=_next_number(),
        kind=kind,
        source=source,
        summary=words_of(summary, field="summary", what="Say in words what is supposed to have happened."),
        subject=subject,
        opened_by=by,
        assigned_to=by if may_work else None,
        discovered_on=discovered_on,
        glass_review=review,
    )
    CasePatient.objects.bulk_create([CasePatient(case=case, patient=patient) for patient in patients])
    write_event("case.opened", by=by, case=case, kind=kind.value, discovered_on=str(discovered_on))
    if not may_work:
        tell_officers(
            case, kind="case.opened", text=f"Case {case.number} was opened and nobody has it yet.", but=by
        )
    return case


@transaction.atomic
def open_case(
    *,
    by: User,
    source: str,
    summary: str,
    subject: User | None,
    patients: Iterable[Patient] = (),
    discovered_on: date | None = None,
) -> Case:
    """Open a case because somebody complained. Raises Denied (about oneself), RuleBroken (`second_officer` and others).

    `discovered_on` is the first day known, or that could have been known, to anybody but the offender (BR-03); today
    when none is given.
    """
    case_access.check_may_work_cases(by)
    return _open(
        by=by,
        kind=CaseKind.COMPLAINT,
        source=Source(source),
        summary=summary,
        subject=subject,
        patients={patient.pk: patient for patient in patients}.values(),
        discovered_on=discovered_on or timezone.localdate(),
    )


@transaction.atomic
def open_case_of_glass(*, by: User, review: GlassReview) -> Case:
    """Open the case of a review that ended in "needs a case". Raises Denied, WrongMove.

    Whoever decided it may open it: the office is told when she does not work on cases. Discovered on the day of the
    decision, when what was seen first looked wrong.
    """
    access.check_may_decide(by, review)
    if review.outcome != Outcome.CASE or review.is_drill:
        raise WrongMove("This review did not end in “needs a case”, or it was a drill.")
    if Case.objects.filter(glass_review=review).exists():
        raise WrongMove("This review has its case already.")
    decided = timezone.localdate(review.decided_at)
    patients = Patient.objects.filter(pk=review.patient_id) if review.patient_id else []
    return _open(
        by=by,
        kind=CaseKind.GLASS,
        source=Source.OFFICE,
        summary=review.note,
        subject=review.subject,
        patients=patients,
        discovered_on=decided,
        review=review,
    )


@transaction.atomic
def open_case_of_glass_by_id(*, by: User, review_id: Any) -> Case:
    """The same for a review that was decided before. Raises NotFound, Denied, WrongMove."""
    case_access.check_may_work_cases(by)
    return open_case_of_glass(by=by, review=access.get_review_for(by, review_id, lock=True))


@transaction.atomic
def open_case_of_alert(*, by: User, alert_id: Any) -> Case:
    """Open a case from an alert of the watch. Raises NotFound, Denied (about oneself), WrongMove (decided already).

    Discovered on the day of the alert: from then on it could have been known (BR-03).
    """
    case_access.check_may_work_cases(by)
    alert = watching.take_into_case(by=by, alert=access.get_alert_for(by, alert_id))
    said = "; ".join(
        str(hit.get("words", "")) for hit in alert.hits if isinstance(hit, dict) and hit.get("words")
    )
    case = _open(
        by=by,
        kind=CaseKind.ALERT,
        source=Source.OFFICE,
        summary=f"The watch of the week of {alert.week_on:%d %b %Y}: {said or 'what stood out'}."[:4000],
        subject=alert.subject,
        patients=Patient.objects.filter(pk=alert.patient_id) if alert.patient_id else [],
        discovered_on=timezone.localdate(alert.created_at),
    )
    CaseAlert.objects.create(case=case, alert=alert)
    write_event("case.changed", by=by, case=case, what=["alert"])
    return case


@transaction.atomic
def list_cases(*, by: User, rows: Sequence[Case]) -> None:
    """That somebody looked at the list: it names colleagues and no patient. Raises Denied."""
    case_access.check_may_work_cases(by)
    record("case.listed", by=by, reason=WHY, detail={"shown": len(rows)})


@transaction.atomic
def view_case(*, by: User, case_id: Any) -> CaseFile:
    """The whole file. Raises Denied, NotFound (also when it is about `by`)."""
    case = case_access.get_for(by, case_id)
    seen = CaseFile(case)
    ids = patient_ids(case)
    seen.notes = list(case.notes.select_related("written_by").order_by("written_at", "pk"))
    seen.evidence = list(case.evidence.select_related("frozen_by").order_by("at", "event_id")[:SHOWN])
    seen.alerts = [link.alert for link in case.alert_links.select_related("alert").order_by("created_at")]
    shown = ids | {row.patient_id for row in seen.evidence if row.patient_id}
    seen.named = named(by, shown)
    seen.patients = [(key, seen.named.get(key)) for key in sorted(ids)]
    write_event(
        "case.viewed", by=by, case=case, more=shown, evidence=len(seen.evidence), notes=len(seen.notes)
    )
    return seen


def unfinished(by: User, case_id: Any) -> Case:
    """The case under a lock. Raises NotFound, Denied, WrongMove (closed)."""
    case = case_access.get_for(by, case_id, lock=True)
    if case.is_closed:
        raise WrongMove("This case is closed. What comes to light now is another case.")
    return case


@transaction.atomic
def assign_case(*, by: User, case_id: Any, to: User) -> Case:
    """Give the case to somebody of the office. Raises NotFound, Denied, WrongMove, RuleBroken."""
    case = unfinished(by, case_id)
    if to.pk in {user.pk for user in involved_in(case) if user}:
        raise RuleBroken("one_s_own", "The case is about this person.", field="to")
    if not case_access.others_than([]).filter(pk=to.pk).exists():
        raise RuleBroken("not_of_the_office", "This person does not work on cases.", field="to")
    case.assigned_to = to
    case.version += 1
    case.save()
    write_event("case.assigned", by=by, case=case)
    if to.pk != by.pk:
        tell_officers(case, kind="case.assigned", text=f"Case {case.number} is yours now.")
    return case


@transaction.atomic
def change_case(
    *,
    by: User,
    case_id: Any,
    subject: User | None,
    patients: Iterable[Patient] = (),
    discovered_on: date,
    why: str,
) -> Case:
    """Say whom the case is about, add patients, put the day of discovery right. What was before stands in a note.

    Patients are only ever added. Somebody who turns out to be its subject loses the case to the other
    officers. Raises NotFound, Denied, WrongMove, RuleBroken.
    """
    case = unfinished(by, case_id)
    if case.is_decided:
        raise WrongMove("This case is decided: what it was decided on stands.")
    why = words_of(why, field="why", what="Say why this changes.")
    check_discovery(discovered_on)
    known = patient_ids(case)
    fresh = {patient.pk: patient for patient in patients if patient.pk not in known}
    changed = []
    if subject != case.subject:
        if case.kind != CaseKind.COMPLAINT:
            raise RuleBroken("subject_is_known", "Glass and alerts say whom this is about.", field="subject")
        before = case.subject.display_name if case.subject else "nobody known"
        changed.append(f"About: {before}, now {subject.display_name if subject else 'nobody known'}.")
    if discovered_on != case.discovered_on:
        changed.append(f"Discovered: {case.discovered_on:%d %b %Y}, now {discovered_on:%d %b %Y}.")
    if fresh:
        changed.append(f"Patients added: {len(fresh)}.")
    if not changed:
        raise RuleBroken("nothing_changed", "Nothing of it is different.")
    # The note first: whoever turns out to be the subject writes nothing more in it.
    CaseNote.objects.create(case=case, kind=NoteKind.CHANGE, text=" ".join([*changed, why]), written_by=by)
    is_hers = subject is not None and subject.pk in {by.pk, case.assigned_to_id}
    if is_hers:
        case_access.check_somebody_else([subject])
        case.assigned_to = None
    if discovered_on != case.discovered_on:
        case.clock_told = None
    case.subject, case.discovered_on = subject, discovered_on
    case.version += 1
    case.save()
    CasePatient.objects.bulk_create([CasePatient(case=case, patient=patient) for patient in fresh.values()])
    write_event("case.changed", by=by, case=case, what=[one.split(":")[0].lower() for one in changed])
    if is_hers:
        tell_officers(case, kind="case.opened", text=f"Nobody has case {case.number} any more.", but=by)
    return case


@transaction.atomic
def add_note(*, by: User, case_id: Any, kind: str, text: str, with_whom: str = "") -> CaseNote:
    """Write down an interview or anything else; it stays as it is. Raises NotFound, Denied, WrongMove, RuleBroken."""
    case = unfinished(by, case_id)
    text = words_of(text, field="text", what="Write down what was said or found.")
    with_whom = " ".join(clean(with_whom).split())
    if kind not in {NoteKind.NOTE, NoteKind.INTERVIEW}:
        raise RuleBroken("unknown_kind", "Choose what this is.", field="kind")
    if kind == NoteKind.INTERVIEW:
        with_whom = words_of(with_whom, field="with_whom", what="Say with whom you spoke.")
    note = CaseNote.objects.create(
        case=case, kind=NoteKind(kind), text=text, with_whom=with_whom, written_by=by
    )
    write_event("case.note_added", by=by, case=case, kind=kind)
    return note
