"""What a case comes to: the four factors, what followed, the breach clock (45 CFR 164.402 to 164.414)."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.review import clocks
from audit.review.models import Case, CaseEvidence, CaseStatus, Finding
from audit.review.services import cases, deciding
from audit.review.services.deciding import Assessment, Told
from audit.services import record
from common.errors import Denied, RuleBroken, RulesBroken, WrongMove
from common.notices.models import Tone
from common.notices.queries import notices_of
from tests.audit.cases.making import FACTORS, NASTY, breach, complaint, officer
from tests.factories import PatientFactory
from tests.support import events

Browse = Callable[[User], Client]
LOW = Assessment(ground="low", **FACTORS)
WORDS = "She looked out of curiosity."


@pytest.fixture
def case(compliance: User, clerk: User) -> Case:
    return complaint(compliance, clerk)


def decide(case: Case, by: User, outcome: str = "violation", assessment: Assessment = LOW) -> Case:
    return deciding.decide_case(
        by=by, case_id=case.pk, outcome=outcome, conclusion=WORDS, assessment=assessment
    )


def test_appropriate_closes_the_case(case: Case, compliance: User) -> None:
    done = decide(case, compliance, "appropriate", Assessment())
    assert (done.status, done.outcome, done.ground) == (CaseStatus.CLOSED, Finding.APPROPRIATE, "")
    assert done.days_left is None
    assert events("case.decided", about=case)[0].detail["outcome"] == "appropriate"


@pytest.mark.parametrize("empty", list(FACTORS))
@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_low_probability_needs_all_four_factors(case: Case, compliance: User, empty: str, text: str) -> None:
    """BR-01."""
    with pytest.raises(RulesBroken) as refused:
        decide(case, compliance, assessment=Assessment(ground="low", **FACTORS | {empty: text}))
    assert [code for code, _ in refused.value.broken] == ["BR-01"]
    case.refresh_from_db()
    assert case.status == CaseStatus.OPEN
    assert not events("case.decided")


def test_a_breach_is_presumed(case: Case, compliance: User) -> None:
    """BR-01: no ground, no excuse."""
    for ground in ("", "presumed", "made_up"):
        with pytest.raises(RuleBroken) as refused:
            decide(case, compliance, assessment=Assessment(ground=ground, ground_why="because"))
        assert refused.value.code == "BR-01"
    assert decide(case, compliance, "breach", Assessment()).ground == "presumed"


@pytest.mark.parametrize("ground", ["unintentional", "inadvertent", "not_retained", "no_phi"])
def test_an_exclusion_says_why(case: Case, compliance: User, ground: str) -> None:
    """BR-02."""
    with pytest.raises(RuleBroken) as refused:
        decide(case, compliance, assessment=Assessment(ground=ground, ground_why=" "))
    assert refused.value.field == "ground_why"
    done = decide(
        case, compliance, assessment=Assessment(ground=ground, ground_why="She took the wrong row.")
    )
    assert done.status == CaseStatus.DECIDED


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"ground": "low", **FACTORS, "factor_viewed": " "}, "case_low_probability_needs_all_four_factors"),
        ({"ground": "unintentional", "ground_why": ""}, "case_exclusion_says_why"),
        ({"ground": ""}, "case_outcome_has_its_ground"),
        ({"ground": "low", **FACTORS, "conclusion": " "}, "case_is_decided_by_somebody_at_some_time"),
        ({"ground": "low", **FACTORS, "decided_by": None}, "case_is_decided_by_somebody_at_some_time"),
        (
            {"ground": "low", **FACTORS, "status": "closed", "closed_at": timezone.now()},
            "closes_with_a_sanction",
        ),
    ],
)
def test_the_table_refuses_half_a_decision(
    case: Case, compliance: User, fields: dict[str, Any], name: str
) -> None:
    whole = {
        "status": "decided",
        "outcome": "violation",
        "conclusion": WORDS,
        "decided_by": compliance,
        "decided_at": timezone.now(),
    }
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(**whole | fields)


def test_a_decision_stands(case: Case, compliance: User) -> None:
    decide(case, compliance)
    with pytest.raises(WrongMove):
        decide(case, officer(), "appropriate", Assessment())
    with pytest.raises(WrongMove):
        cases.change_case(
            by=compliance, case_id=case.pk, subject=None, discovered_on=case.discovered_on, why="no"
        )
    for change in ({"conclusion": "nothing"}, {"outcome": "breach", "ground": "presumed"}, {"subject": None}):
        with pytest.raises(IntegrityError, match="A decision stands"), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(**change)


def frozen(case: Case, actor: User, by: User) -> CaseEvidence:
    """As if an event of this person were in the case."""
    row: CaseEvidence = CaseEvidence.objects.create(
        case=case,
        event_id=1,
        at=timezone.now(),
        actor_id=actor.pk,
        canonical="",
        proof=[],
        epoch_n=1,
        epoch_message="",
        epoch_signature="",
        public_key="",
        frozen_by=by,
    )
    return row


def test_nobody_decides_about_what_she_did_herself(compliance: User, browse: Browse) -> None:
    """MON-5: nobody is named yet, and the evidence is hers."""
    case, other = complaint(compliance, None), officer()
    frozen(case, compliance, other)
    with pytest.raises(Denied):
        decide(case, compliance)
    assert "somebody else of the compliance office decides" in " ".join(
        browse(compliance).get(case.get_absolute_url()).content.decode().split()
    )
    assert browse(compliance).get(f"{case.get_absolute_url()}decide/").status_code == 403
    with pytest.raises(IntegrityError, match="what she did herself"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(
            status="decided",
            outcome="violation",
            conclusion=WORDS,
            decided_by=compliance,
            decided_at=timezone.now(),
            ground="low",
            **FACTORS,
        )
    decide(case, other)


def test_a_violation_closes_with_its_sanction(case: Case, compliance: User) -> None:
    """BR-08, 164.530(e)."""
    with pytest.raises(WrongMove):
        deciding.record_sanction(
            by=compliance, case_id=case.pk, sanction="warned", note="HR 7", on=timezone.localdate()
        )
    decide(case, compliance)
    with pytest.raises(RulesBroken, match="what followed"):
        deciding.close_case(by=compliance, case_id=case.pk)
    with pytest.raises(RuleBroken):
        deciding.record_sanction(
            by=compliance, case_id=case.pk, sanction="none", note=" ", on=timezone.localdate()
        )
    deciding.record_sanction(
        by=compliance, case_id=case.pk, sanction="warned", note="HR 7", on=timezone.localdate()
    )
    done = deciding.close_case(by=compliance, case_id=case.pk)
    assert (done.status, done.sanction) == (CaseStatus.CLOSED, "warned")
    with pytest.raises(WrongMove):
        cases.add_note(by=compliance, case_id=case.pk, kind="note", text="And another thing.")


def told(**fields: Any) -> Told:
    return Told(**{"affected": 1, "in_one_state": 1, **fields})


def test_a_breach_closes_when_everybody_was_told(compliance: User, clerk: User) -> None:
    """BR-04, BR-05, BR-07."""
    case, today = breach(compliance, clerk), timezone.localdate()
    deciding.record_sanction(by=compliance, case_id=case.pk, sanction="ended", note="HR 9", on=today)
    with pytest.raises(RulesBroken) as refused:
        deciding.close_case(by=compliance, case_id=case.pk)
    assert len(refused.value.broken) == 2
    with pytest.raises(RuleBroken) as silent:
        deciding.record_notices(by=compliance, case_id=case.pk, told=told(individuals_told_on=today))
    assert silent.value.code == "BR-07"
    deciding.record_notices(
        by=compliance,
        case_id=case.pk,
        told=told(individuals_told_on=today, hhs_told_on=today, how_told="letter 4711, portal 0815"),
    )
    assert deciding.close_case(by=compliance, case_id=case.pk).is_closed


def test_more_than_500_of_one_state_are_told_by_the_media_too(compliance: User, clerk: User) -> None:
    """BR-05."""
    case = breach(compliance, clerk)
    notice = deciding.record_notices(
        by=compliance, case_id=case.pk, told=told(affected=501, in_one_state=501)
    )
    assert [who for who, _ in notice.owed] == ["the people concerned", "the media", "HHS"]
    assert notice.hhs_due_on == notice.individuals_due_on == case.discovered_on + timedelta(days=60)
    notice = deciding.record_notices(
        by=compliance, case_id=case.pk, told=told(affected=500, in_one_state=500)
    )
    assert [who for who, _ in notice.owed] == ["the people concerned", "HHS"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"affected": 0},
        {"affected": 2, "in_one_state": 3},
        {"individuals_told_on": date(2000, 1, 1), "how_told": "x"},
        {"hhs_told_on": date(2999, 1, 1), "how_told": "x"},
        {"delay": "written", "delay_asked_on": date(2026, 1, 1), "delay_asked_by": "the FBI"},
        {"delay": "oral", "delay_asked_by": "the FBI"},
        {"delay": "oral", "delay_asked_on": date(2026, 1, 1)},
        {"delay_until": date(2026, 1, 1)},
        {
            "delay": "written", "delay_asked_on": date(2026, 1, 2), "delay_until": date(2026, 1, 1),
            "delay_asked_by": "the FBI",
        },
    ],
)  # fmt: skip
def test_notices_that_cannot_be(compliance: User, clerk: User, wrong: dict[str, Any]) -> None:
    case = breach(compliance, clerk)
    with pytest.raises(RuleBroken):
        deciding.record_notices(by=compliance, case_id=case.pk, told=told(**wrong))
    assert case.notice.version == 1


def test_the_table_holds_a_delay_whole(compliance: User, clerk: User) -> None:
    """BR-06."""
    notice = breach(compliance, clerk).notice
    for fields in (
        {"delay": "written", "delay_asked_on": date(2026, 1, 1), "delay_asked_by": "x"},
        {"delay": "oral"},
    ):
        with pytest.raises(IntegrityError, match="breach_delay_is_whole"), transaction.atomic():
            type(notice).objects.filter(pk=notice.pk).update(**fields)


FOUND = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("affected", "due"),
    [(1, date(2027, 3, 1)), (499, date(2027, 3, 1)), (500, date(2026, 4, 30)), (501, date(2026, 4, 30))],
)
def test_when_hhs_is_told(affected: int, due: date) -> None:
    """BR-05."""
    assert clocks.hhs_due(FOUND, affected) == due


@pytest.mark.parametrize(("year", "due"), [(2025, date(2026, 3, 1)), (2027, date(2028, 2, 29))])
def test_small_breaches_of_a_year_are_told_within_60_days_of_its_end(year: int, due: date) -> None:
    assert clocks.hhs_due(date(year, 12, 31), 3) == clocks.hhs_due(date(year, 1, 1), 3) == due


@pytest.mark.parametrize(
    ("is_written", "until", "ends"),
    [
        (True, date(2026, 9, 1), date(2026, 9, 1)),
        (False, None, date(2026, 5, 10)),
        (False, date(2026, 4, 20), date(2026, 4, 20)),
        (False, date(2026, 9, 1), date(2026, 5, 10)),
    ],
)
def test_how_long_law_enforcement_has_it_wait(is_written: bool, until: date | None, ends: date) -> None:
    """BR-06: thirty days at most by word of mouth."""
    assert clocks.delay_ends(is_written=is_written, asked_on=date(2026, 4, 10), until=until) == ends
    assert clocks.individuals_due(FOUND, ends) == max(date(2026, 4, 30), ends)


@pytest.mark.parametrize(
    ("left", "mark"),
    [
        (60, None),
        (31, None),
        (30, 30),
        (15, 30),
        (14, 14),
        (8, 14),
        (7, 7),
        (1, 1),
        (0, 0),
        (-1, -1),
        (-90, -1),
    ],
)
def test_marks_of_the_clock(left: int, mark: int | None) -> None:
    assert clocks.mark_reached(left) == mark


def discovered(case: Case, days_ago: int, by: User) -> None:
    with transaction.atomic():
        case.discovered_on = timezone.localdate() - timedelta(days=days_ago)
        case.save()
        record("case.changed", by=by, patients=[link.patient_id for link in case.links.all()], about=case)


def test_the_clock_is_told_once_a_mark(case: Case, compliance: User) -> None:
    assert deciding.tell_clocks() == 0
    for days_ago, words in (
        (29, ""),
        (30, "in 30 days"),
        (52, "in 8 days"),
        (59, "in 1 day."),
        (63, "3 days ago"),
    ):
        discovered(case, days_ago, compliance)
        assert [deciding.tell_clocks(), deciding.tell_clocks()] == [1 if words else 0, 0]
        if words:
            notice = next(one for one in notices_of(compliance.pk) if words in one.text)
            assert case.number in notice.text
            assert "not decided" in notice.text
    assert notice.tone == Tone.BAD
    assert len(events("case.clock_told", about=case)) == 4


def test_the_subject_is_not_reminded(compliance: User) -> None:
    other = officer()
    case = complaint(other, compliance)
    discovered(case, 55, other)
    assert deciding.tell_clocks() == 1
    assert not notices_of(compliance.pk)


def test_no_clock_runs_for_what_is_no_breach(case: Case, compliance: User) -> None:
    discovered(case, 70, compliance)
    decide(case, compliance)
    assert deciding.tell_clocks() == 0
    assert Case.objects.get(pk=case.pk).days_left is None


def test_a_delay_moves_the_clock_of_a_breach(compliance: User, clerk: User) -> None:
    case = breach(compliance, clerk, discovered_on=timezone.localdate() - timedelta(days=58))
    assert deciding.tell_clocks() == 1
    until = timezone.localdate() + timedelta(days=100)
    deciding.record_notices(
        by=compliance,
        case_id=case.pk,
        told=told(
            delay="written",
            delay_asked_on=timezone.localdate(),
            delay_until=until,
            delay_asked_by="Special Agent Doe, statement of today",
        ),
    )
    assert deciding.tell_clocks() == 0
    assert Case.objects.get(pk=case.pk).notice.individuals_due_on == until


@pytest.mark.committed
@pytest.mark.usefixtures("committed")
def test_two_officers_decide_at_once_and_one_of_them_does() -> None:
    one, other = officer(), officer()
    case = complaint(one, None)
    gate, found = threading.Barrier(2), []

    def at_once(by: User, outcome: str) -> None:
        gate.wait()
        try:
            decide(case, by, outcome, LOW if outcome == "violation" else Assessment())
            found.append(outcome)
        except WrongMove:
            found.append("refused")
        finally:
            connection.close()

    both = [threading.Thread(target=at_once, args=args) for args in ((one, "violation"), (other, "breach"))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(found, key=lambda text: text == "refused")[1] == "refused"
    assert Case.objects.get(pk=case.pk).outcome == min(found, key=lambda text: text == "refused")


def test_deciding_by_page_keeps_what_was_typed(case: Case, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    address = f"{case.get_absolute_url()}decide/"
    form = {"outcome": "violation", "conclusion": NASTY, "ground": "low", **FACTORS}
    wrong = client.post(address, form | {"factor_mitigated": " "})
    page = wrong.content.decode()
    assert wrong.status_code == 422
    assert "how far the risk was lessened" in page
    assert FACTORS["factor_person"] in page
    assert "<script>alert" not in page
    assert client.post(address, form)["Location"] == case.get_absolute_url()
    page = client.get(case.get_absolute_url()).content.decode()
    assert "Policy violation, no breach" in page
    assert "Left to do" in page
    assert "<script>alert" not in page
    early = client.post(f"{case.get_absolute_url()}close/")
    assert early.status_code == 422
    sanction = {
        "sanction-sanction": "trained",
        "sanction-on": str(timezone.localdate()),
        "sanction-note": NASTY,
    }
    assert client.post(f"{case.get_absolute_url()}sanction/", sanction).status_code == 302
    assert client.post(f"{case.get_absolute_url()}close/")["Location"] == "/log/cases/"
    assert case.number in client.get("/log/cases/?show=closed").content.decode()


def test_a_decision_asks_who_sits_there(case: Case, compliance: User, browse: Browse) -> None:
    client = browse(compliance)
    session = client.session
    session["confirmed_at"] = 0
    session.save()
    answer = client.get(f"{case.get_absolute_url()}decide/")
    assert answer.status_code == 303
    assert "/confirm/" in answer["Location"]


def test_notices_by_page(compliance: User, clerk: User, browse: Browse) -> None:
    case = breach(compliance, clerk, PatientFactory.create(), PatientFactory.create())
    client = browse(compliance)
    page = client.get(case.get_absolute_url()).content.decode()
    assert "Who has to be told" in page
    wrong = client.post(
        f"{case.get_absolute_url()}notices/", {"told-affected": "1", "told-in_one_state": "1"}
    )
    assert wrong.status_code == 422
    assert "The case names 2 of them already" in wrong.content.decode()
    good = client.post(
        f"{case.get_absolute_url()}notices/",
        {
            "told-affected": "2", "told-in_one_state": "2", "told-individuals_told_on": str(timezone.localdate()),
            "told-how_told": "letters",
        },
    )  # fmt: skip
    assert good.status_code == 302
    case.notice.refresh_from_db()
    assert case.notice.affected == 2
