"""Cases, decided: the outcome, what follows for the person, whom the hospital told, and the breach clock.

Source: 45 CFR 164.402 (four factors, exclusions), 164.404 to 164.412 (notices), 164.414(b) (burden of proof),
164.530(e) (sanctions). A decision stands.
"""

from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services import service_account
from audit.review import case_access, clocks
from audit.review.models import (
    EXCUSING,
    FACTORS,
    MOVES,
    BreachNotice,
    Case,
    CaseStatus,
    Delay,
    Finding,
    Ground,
    Sanction,
)
from audit.review.services.cases import patient_ids, tell_officers, words_of, write_event
from common.errors import RuleBroken, RulesBroken, WrongMove, check_move
from common.notices.models import Tone
from common.web import clean
from common.words import counted

FACTOR_WORDS = {
    "factor_information": "what kind of information it was and how easily it names somebody",
    "factor_person": "who used it or received it",
    "factor_viewed": "whether it was really acquired or viewed",
    "factor_mitigated": "how far the risk was lessened",
}


@dataclass(frozen=True)
class Assessment:
    """Why it is a breach or none: the ground, and the words that the ground needs (BR-01, BR-02)."""

    ground: str = ""
    ground_why: str = ""
    factor_information: str = ""
    factor_person: str = ""
    factor_viewed: str = ""
    factor_mitigated: str = ""

    def tidy(self) -> "Assessment":
        """The same without spaces around the words."""
        return Assessment(**{one.name: clean(getattr(self, one.name)).strip() for one in fields(self)})


def _check_ground(outcome: str, told: Assessment) -> None:
    if outcome == Finding.VIOLATION:
        if told.ground not in EXCUSING:
            raise RuleBroken(
                "BR-01",
                "A breach is presumed. Say on what ground this is none, or decide that it is one.",
                field="ground",
            )
        if told.ground == Ground.LOW:
            empty = [name for name in FACTORS if not getattr(told, name)]
            if empty:
                raise RulesBroken(
                    [
                        ("BR-01", f"A low probability needs all four factors: say {FACTOR_WORDS[name]}.")
                        for name in empty
                    ]
                )
        elif not told.ground_why:
            raise RuleBroken("BR-02", "Say in words why this ground holds.", field="ground_why")


@transaction.atomic
def decide_case(
    *, by: User, case_id: Any, outcome: str, conclusion: str, assessment: Assessment | None = None
) -> Case:
    """Say what the case came to (MON-4). A decision stands.

    Raises NotFound, Denied (one's own), WrongMove (decided already), RuleBroken: `BR-01` (a low probability with an
    empty factor), `BR-02` (an exclusion without words) and others.
    """
    case = case_access.get_for(by, case_id, lock=True)
    case_access.check_may_decide(by, case)
    if case.is_decided:
        raise WrongMove("Somebody has decided this case already.")
    if outcome not in Finding.values:
        raise RuleBroken("unknown_outcome", "Choose what the case came to.", field="outcome")
    told = (assessment or Assessment()).tidy()
    conclusion = words_of(conclusion, field="conclusion", what="Say what was found, and why you decide so.")
    _check_ground(outcome, told)
    is_over = outcome == Finding.APPROPRIATE
    new = CaseStatus.CLOSED if is_over else CaseStatus.DECIDED
    check_move(MOVES, case.status, new)
    case.status, case.outcome, case.conclusion = new, Finding(outcome), conclusion
    if outcome == Finding.BREACH:
        told = Assessment(**{**vars(told), "ground": Ground.PRESUMED})
    if not is_over:
        for one in fields(told):
            setattr(case, one.name, getattr(told, one.name))
    case.decided_by, case.decided_at = by, timezone.now()
    case.closed_at = case.decided_at if is_over else None
    case.clock_told = None if outcome == Finding.BREACH else case.clock_told
    case.version += 1
    case.save()
    if outcome == Finding.BREACH:
        count = max(1, len(patient_ids(case)))
        BreachNotice.objects.create(case=case, affected=count, in_one_state=count)
    write_event("case.decided", by=by, case=case, outcome=outcome, ground=case.ground)
    return case


def _decided(by: User, case_id: Any) -> Case:
    case = case_access.get_for(by, case_id, lock=True)
    if case.status != CaseStatus.DECIDED:
        raise WrongMove("This is for a case that is decided and not closed yet.")
    return case


@transaction.atomic
def record_sanction(*, by: User, case_id: Any, sanction: str, note: str, on: date) -> Case:
    """Write down what followed for the person, also when nothing did (BR-08).

    Raises NotFound, Denied, WrongMove, RuleBroken.
    """
    case = _decided(by, case_id)
    if sanction not in Sanction.values:
        raise RuleBroken("unknown_sanction", "Choose what followed.", field="sanction")
    if on > timezone.localdate():
        raise RuleBroken("in_future", "This day has not come yet.", field="on")
    case.sanction, case.sanction_on = Sanction(sanction), on
    case.sanction_note = words_of(
        note, field="note", what="Say by whom and by which rule; or why nothing followed."
    )
    case.version += 1
    case.save()
    write_event("case.sanction_recorded", by=by, case=case)
    return case


@dataclass(frozen=True)
class Told:
    """What the notices of a breach are like now."""

    affected: int
    in_one_state: int
    delay: str = ""
    delay_asked_on: date | None = None
    delay_until: date | None = None
    delay_asked_by: str = ""
    individuals_told_on: date | None = None
    media_told_on: date | None = None
    hhs_told_on: date | None = None
    how_told: str = ""


def _check_delay(told: Told) -> None:
    """BR-06: in writing, with its time; or by word of mouth, written down, thirty days at most."""
    if not told.delay:
        if told.delay_asked_on or told.delay_until or told.delay_asked_by:
            raise RuleBroken("BR-06", "Say how law enforcement asked to wait.", field="delay")
        return
    if told.delay not in Delay.values or told.delay_asked_on is None:
        raise RuleBroken("BR-06", "Say when law enforcement asked to wait.", field="delay_asked_on")
    if not told.delay_asked_by:
        raise RuleBroken("BR-06", "Write down who asked to wait.", field="delay_asked_by")
    if told.delay == Delay.WRITTEN and told.delay_until is None:
        raise RuleBroken("BR-06", "A written statement names the time: until which day?", field="delay_until")
    if told.delay_until and told.delay_until < told.delay_asked_on:
        raise RuleBroken("BR-06", "The delay ends before it was asked for.", field="delay_until")


@transaction.atomic
def record_notices(*, by: User, case_id: Any, told: Told) -> BreachNotice:
    """Write down how many a breach concerns, who asked to wait, and who was told when and how (BR-04 to BR-07).

    Raises NotFound, Denied, WrongMove, RuleBroken.
    """
    case = _decided(by, case_id)
    if case.outcome != Finding.BREACH:
        raise WrongMove("Only a breach has to be told.")
    least = max(1, len(patient_ids(case)))
    if told.affected < least:
        raise RuleBroken("affected", f"The case names {least} of them already.", field="affected")
    if told.in_one_state > told.affected:
        raise RuleBroken("affected", "No state can have more of them than there are.", field="in_one_state")
    _check_delay(told)
    days = [told.individuals_told_on, told.media_told_on, told.hhs_told_on]
    today = timezone.localdate()
    if any(day and not case.discovered_on <= day <= today for day in days):
        raise RuleBroken(
            "told_on", "Somebody is told after the discovery and not in the future.", field="how_told"
        )
    how = clean(told.how_told).strip()
    if any(days) and not how:
        raise RuleBroken("BR-07", "Say how they were told, and where the proof of it is.", field="how_told")
    notice = BreachNotice.objects.select_related("case").get(case=case)
    before = notice.next_due_on
    for one in fields(told):
        setattr(notice, one.name, getattr(told, one.name))
    notice.how_told = how
    notice.version += 1
    notice.save()
    if notice.next_due_on != before and case.clock_told is not None:
        case.clock_told = None
        case.save()
    write_event("case.notice_recorded", by=by, case=case, owed=[who for who, _ in notice.owed])
    return notice


def left_to_do(case: Case) -> list[str]:
    """What still keeps a decided case from being closed, in sentences."""
    left = []
    if not case.sanction:
        left.append("Record what followed for the person, or that nothing did and why.")
    notice = case.told_by_breach
    if notice:
        left += [f"Tell {who}, by {due:%d %b %Y}." for who, due in notice.owed]
    return left


@transaction.atomic
def close_case(*, by: User, case_id: Any) -> Case:
    """Close a decided case when nothing is left to do. Raises NotFound, WrongMove, RulesBroken."""
    case = _decided(by, case_id)
    check_move(MOVES, case.status, CaseStatus.CLOSED)
    left = left_to_do(case)
    if left:
        raise RulesBroken([("left_to_do", text) for text in left])
    case.status, case.closed_at = CaseStatus.CLOSED, timezone.now()
    case.version += 1
    case.save()
    write_event("case.closed", by=by, case=case, outcome=case.outcome)
    return case


@transaction.atomic
def tell_clocks() -> int:
    """Remind of breach clocks that run out: 30, 14, 7, 3 and 1 days before, on the day, and once it is over.

    Returns how many cases. Safe to run twice: each mark is told once.
    """
    rows = Case.objects.with_clock().select_for_update(of=("self",), skip_locked=True)
    rows = rows.select_related("notice", "subject", "glass_review__second").order_by("discovered_on", "pk")
    told = 0
    for case in rows:
        left = case.days_left
        mark = None if left is None else clocks.mark_reached(left)
        if mark is None or (case.clock_told is not None and case.clock_told <= mark):
            continue
        case.clock_told = mark
        case.save(update_fields=["clock_told", "updated_at"])
        write_event("case.clock_told", by=service_account("cases"), case=case, days_left=left)
        tell_officers(
            case, kind="case.clock", tone=Tone.BAD if mark < 1 else Tone.DUE, text=_clock_words(case)
        )
        told += 1
    return told


def _clock_words(case: Case) -> str:
    due, left = case.next_due_on, case.days_left
    if due is None or left is None:  # nothing runs: then nobody is told
        raise AssertionError("A clock that does not run")
    if left < 0:
        when = f"was to be told by {due:%d %b %Y}, {counted(-left, 'day')} ago"
    else:
        when = f"has to be told by {due:%d %b %Y}, in {counted(left, 'day')}"
    if case.is_decided:
        return f"The breach of case {case.number} {when}."
    return f"Case {case.number} is not decided. If it is a breach, it {when}."
