"""What the person index knows of an access, as it was then: explained, the neighbour not, and where it ends in time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from accounts.models import HouseEmergency, User
from accounts.roles import Role
from audit.explaining import Access, Standing, Verdict, explain, standing_of
from audit.models import Event
from audit.services import record
from patients import queries, services
from patients.models import (
    CareTeamMember,
    ChartRestriction,
    Consult,
    Encounter,
    GlassBreak,
    GlassReason,
    OwnEntry,
    Patient,
    PatientGrant,
    PatientStatus,
    Restriction,
    StatedNeed,
    Workplace,
)
from tests.factories import EncounterFactory, LocationFactory, PatientFactory, make_user

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CARE, WORK = settings.CARE_DAYS * DAY, settings.WORK_DAYS * DAY
SOON = settings.APPOINTMENT_HOURS * HOUR
LEAST = timedelta(microseconds=1)


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


@pytest.fixture
def other(db: None) -> Patient:
    return PatientFactory.create(family="Neighbour", given="Ned")


@pytest.fixture
def colleague(db: None) -> User:
    return make_user(Role.CLINICIAN)


@contextmanager
def noted(*charts: Patient) -> Iterator[None]:
    """Rows made by hand, with the event that the database wants for them."""
    yield
    record("encounter.updated", by=None, actor="test", patients=[chart.pk for chart in charts])


def kinds(by: User, chart: Patient, at: datetime = NOW, **fields: Any) -> list[str]:
    """By what an access of this person to this chart is explained."""
    return [
        one.kind for one in explain([Access(1, at, "patient.viewed", by.pk, chart.pk, **fields)]).get(1, [])
    ]


Make = Callable[[User, Patient, User], Any]


def stay(chart: Patient, attending: User, start: timedelta, end: timedelta | None = None) -> Encounter:
    ended = NOW + end if end is not None else None
    return EncounterFactory.create(patient=chart, attending=attending, started_at=NOW + start, ended_at=ended)


def attends(user: User, chart: Patient, other: User) -> None:
    stay(chart, user, -HOUR, HOUR)


def in_team(user: User, chart: Patient, other: User) -> None:
    encounter = stay(chart, other, -9 * DAY, 9 * DAY)
    CareTeamMember.objects.create(
        encounter=encounter, patient=chart, user=user, function="nurse", since=NOW - HOUR, until=NOW + HOUR
    )


def on_unit(user: User, chart: Patient, other: User) -> None:
    encounter = stay(chart, other, -9 * DAY, 9 * DAY)
    place = encounter.location
    Workplace.objects.create(
        user=user, facility=place.facility, location=place, since=NOW - HOUR, until=NOW + HOUR
    )


def attended(user: User, chart: Patient, other: User) -> None:
    stay(chart, user, -200 * DAY, -HOUR)


def was_in_team(user: User, chart: Patient, other: User) -> None:
    encounter = stay(chart, other, -200 * DAY, -HOUR)
    CareTeamMember.objects.create(
        encounter=encounter, patient=chart, user=user, function="nurse", since=NOW - 100 * DAY
    )


def asked(user: User, chart: Patient, other: User) -> None:
    Consult.objects.create(
        patient=chart,
        asked_by=other,
        asked_of=user,
        question="?",
        asked_at=NOW - HOUR,
        answered_at=NOW + HOUR,
    )


def expects(user: User, chart: Patient, other: User) -> None:
    stay(chart, user, HOUR)


def expected_on_unit(user: User, chart: Patient, other: User) -> None:
    place = stay(chart, other, HOUR).location
    Workplace.objects.create(user=user, facility=place.facility, location=place, since=NOW - 9 * DAY)


def let_in(user: User, chart: Patient, other: User) -> None:
    given = PatientGrant.objects.create(
        permission=Permission.objects.get(codename="view_chart"),
        user=user,
        content_object=chart,
        given_by=other,
        reason="study",
        expires_at=NOW + HOUR,
    )
    PatientGrant.objects.filter(pk=given.pk).update(created_at=NOW - HOUR)


def let_in_and_out(user: User, chart: Patient, other: User) -> None:
    let_in(user, chart, other)
    PatientGrant.objects.update(expires_at=NOW + 9 * DAY, revoked_at=NOW + HOUR, revoked_by=other)


def said_why(user: User, chart: Patient, other: User) -> None:
    StatedNeed.objects.create(user=user, patient=chart, reason="covering", since=NOW - HOUR, until=NOW + HOUR)


def broke(user: User, chart: Patient, other: User) -> None:
    GlassBreak.objects.create(
        user=user,
        patient=chart,
        reason_code=GlassReason.COVERING,
        reason="for Dr. Lund",
        opened_at=NOW - HOUR,
        expires_at=NOW + HOUR,
    )


def broke_and_ended(user: User, chart: Patient, other: User) -> None:
    broke(user, chart, other)
    GlassBreak.objects.update(expires_at=NOW + 9 * DAY, ended_at=NOW + HOUR, ended_by=user)


def owns(user: User, chart: Patient, other: User) -> None:
    OwnEntry.objects.create(user=user, patient=chart, since=NOW - HOUR, until=NOW + HOUR)


def shut_out(user: User, chart: Patient, other: User) -> None:
    ChartRestriction.objects.create(
        patient=chart,
        kind=Restriction.PERSON,
        user=user,
        why="said so",
        set_by=other,
        since=NOW - HOUR,
        until=NOW + HOUR,
    )


# kind, how it comes to be, the first instant at which it holds, the first at which it does not any more
CASES = [
    ("attending", attends, -HOUR, HOUR),
    ("care_team", in_team, -HOUR, HOUR),
    ("unit", on_unit, -HOUR, HOUR),
    ("recent_stay", attended, -HOUR, -HOUR + CARE),
    ("recent_stay", was_in_team, -HOUR, -HOUR + CARE),
    ("consult", asked, -HOUR, HOUR),
    ("appointment", expects, HOUR - SOON, HOUR),
    ("appointment", expected_on_unit, HOUR - SOON, HOUR),
    ("grant", let_in, -HOUR, HOUR),
    ("grant", let_in_and_out, -HOUR, HOUR),
    ("need", said_why, -HOUR, HOUR),
    ("glass", broke, -HOUR, HOUR),
    ("glass", broke_and_ended, -HOUR, HOUR),
    ("own_chart", owns, -HOUR, HOUR),
    ("closed", shut_out, -HOUR, HOUR),
]
NAMES = [make.__name__ for _, make, _, _ in CASES]


@pytest.mark.parametrize(("kind", "make", "first", "end"), CASES, ids=NAMES)
def test_it_holds_from_its_first_instant_until_just_before_its_end(
    kind: str,
    make: Make,
    first: timedelta,
    end: timedelta,
    clinician: User,
    colleague: User,
    chart: Patient,
    other: Patient,
) -> None:
    third = make_user(Role.CLINICIAN)
    with noted(chart):
        make(clinician, chart, colleague)
    assert kind in kinds(clinician, chart, NOW + first)
    assert kind in kinds(clinician, chart, NOW + end - LEAST)
    assert kind not in kinds(clinician, chart, NOW + first - LEAST)
    assert kind not in kinds(clinician, chart, NOW + end)
    assert kinds(third, chart, NOW + first) == []  # a colleague beside her
    assert kinds(clinician, other, NOW + first) == []  # the chart beside it


@pytest.mark.parametrize(("kind", "make", "first", "end"), CASES, ids=NAMES)
def test_it_says_so_in_words_with_its_evidence(
    kind: str,
    make: Make,
    first: timedelta,
    end: timedelta,
    clinician: User,
    colleague: User,
    chart: Patient,
) -> None:
    with noted(chart):
        make(clinician, chart, colleague)
    found = explain([Access(1, NOW + first, "patient.viewed", clinician.pk, chart.pk)])[1]
    (one,) = [one for one in found if one.kind == kind]
    assert one.words
    assert chart.family not in one.words
    label, _, key = one.evidence.partition(":")
    assert label.startswith("patients.")
    assert key
    against = kind in {"own_chart", "closed"}
    assert one.verdict is (Verdict.CONTRADICTED if against else Verdict.EXPLAINED)
    assert standing_of(found) is (Standing.CONTRADICTED if against else Standing.EXPLAINED)


def test_the_reason_of_a_broken_glass_is_told(clinician: User, colleague: User, chart: Patient) -> None:
    with noted(chart):
        broke(clinician, chart, colleague)
    (one,) = explain([Access(1, NOW, "patient.viewed", clinician.pk, chart.pk)])[1]
    assert one.words == "Covering for a colleague: for Dr. Lund"


def test_a_drill_explains_nothing(clinician: User, colleague: User, chart: Patient) -> None:
    with noted(chart):
        broke(clinician, chart, colleague)
        GlassBreak.objects.update(is_drill=True)
    assert kinds(clinician, chart) == []


def test_an_open_end_holds_until_it_has_one(clinician: User, colleague: User, chart: Patient) -> None:
    with noted(chart):
        stay(chart, clinician, -HOUR)
    assert kinds(clinician, chart, NOW + 400 * DAY) == ["attending"]


@pytest.mark.parametrize("rule", ["attending", "unit"])
def test_what_was_so_then_and_has_changed_since_still_explains(
    rule: str, clinician: User, colleague: User, chart: Patient
) -> None:
    """The index has the attending and the unit of today only; the log has by which the chart opened then."""
    encounter = stay(chart, colleague, -HOUR)
    told = f"encounter {encounter.number}"
    reason = f"attending: {told}" if rule == "attending" else f"unit: 4 West, {told}"
    assert kinds(clinician, chart, reason=reason) == [rule]
    assert kinds(clinician, chart, reason=f"{reason}; labels hiv, care") == [rule]  # a sensitive document
    assert kinds(clinician, chart, reason=f"{reason}0") == []  # another encounter's number
    assert kinds(clinician, chart, reason=f"records role: {told}") == []
    assert kinds(clinician, chart, NOW - 2 * HOUR, reason=reason) == []


def test_a_unit_left_before_explains_nothing_after(clinician: User, colleague: User, chart: Patient) -> None:
    """Workplaces as they were then, not as they are."""
    with noted(chart):
        on_unit(clinician, chart, colleague)
        Workplace.objects.create(
            user=clinician,
            facility=LocationFactory.create().facility,
            location=LocationFactory.create(name="ICU"),
        )
    assert kinds(clinician, chart, NOW) == ["unit"]
    assert kinds(clinician, chart, NOW + 2 * HOUR) == []


@pytest.mark.parametrize("make", [attends, in_team, on_unit, asked, expects], ids=lambda make: make.__name__)
def test_care_ends_some_time_after_death(
    make: Make, clinician: User, colleague: User, chart: Patient
) -> None:
    with noted(chart):
        make(clinician, chart, colleague)
        last_day = NOW.date() - CARE
        Patient.objects.filter(pk=chart.pk).update(deceased_on=last_day)
    assert kinds(clinician, chart) != []
    with noted(chart):
        Patient.objects.filter(pk=chart.pk).update(deceased_on=last_day - DAY)
    assert kinds(clinician, chart) == []


def test_a_glass_explains_after_death_too(clinician: User, colleague: User, chart: Patient) -> None:
    with noted(chart):
        broke(clinician, chart, colleague)
        Patient.objects.filter(pk=chart.pk).update(deceased_on=NOW.date() - 2 * CARE)
    assert kinds(clinician, chart) == ["glass"]


def test_a_legal_closing_speaks_against_everybody_but_the_emergency(
    clinician: User, colleague: User, chart: Patient
) -> None:
    with noted(chart):
        ChartRestriction.objects.create(
            patient=chart, kind=Restriction.LEGAL, why="court", set_by=colleague, since=NOW - HOUR
        )
        broke(clinician, chart, colleague)
    assert kinds(clinician, chart) == ["glass", "closed"]
    assert kinds(colleague, chart) == ["closed"]
    assert kinds(colleague, chart, NOW - 2 * HOUR) == []
    with noted(chart):
        GlassBreak.objects.update(reason_code=GlassReason.EMERGENCY)
    assert kinds(clinician, chart) == ["glass"]


def test_a_house_emergency_explains_what_opened_by_it(
    clinician: User, colleague: User, chart: Patient
) -> None:
    emergency = HouseEmergency.objects.create(
        reason="flood",
        hours=4,
        declared_by=clinician,
        confirmed_by=colleague,
        confirmed_at=NOW - HOUR,
        expires_at=NOW + HOUR,
    )
    record("user.created", by=clinician)
    reason = f"house emergency: {emergency.pk}"
    assert kinds(clinician, chart, NOW - HOUR, reason=reason) == ["emergency"]
    assert kinds(clinician, chart, NOW - HOUR - LEAST, reason=reason) == []
    assert kinds(clinician, chart, NOW + HOUR, reason=reason) == []
    assert kinds(clinician, chart, reason="records role: Clinician") == []
    HouseEmergency.objects.update(is_drill=True)
    record("user.created", by=clinician)
    assert kinds(clinician, chart, reason=reason) == []


def test_a_clerk_who_only_opened_the_chart_is_unexplained(clerk: User, chart: Patient) -> None:
    """The role alone explains nothing."""
    services.search_patients(by=clerk, text="quill")
    services.open_chart(by=clerk, patient_id=chart.pk)
    accesses = [access for event in Event.objects.all() if (access := Access.of(event))]
    assert len(accesses) == 1
    assert explain(accesses) == {}


def test_whoever_registers_or_corrects_is_explained_in_that_sitting(
    clerk: User, supervisor: User, chart: Patient, other: Patient
) -> None:
    record("patient.updated", by=clerk, patient=chart.pk, about=chart)
    work = Event.objects.get(event="patient.updated")
    assert kinds(clerk, chart, work.at) == ["identity_work"]  # the work itself
    for near in (-HOUR, HOUR):
        assert kinds(clerk, chart, work.at + near) == ["identity_work"]
        assert kinds(clerk, chart, work.at + near * 1.001) == []
        assert kinds(clerk, chart, work.at + near * 1.001, session="s1") == []  # in another sitting
    assert kinds(supervisor, chart, work.at) == []
    assert kinds(clerk, other, work.at) == []


@pytest.mark.parametrize("event", ["encounter.team_joined", "encounter.team_left"])
def test_whoever_enters_a_care_team_has_the_chart_open_for_it(
    clerk: User, chart: Patient, event: str
) -> None:
    record(event, by=clerk, patient=chart.pk, about=chart)
    work = Event.objects.get(event=event)
    (found,) = explain([Access(1, work.at, "patient.viewed", clerk.pk, chart.pk)])[1]
    assert (found.kind, found.words) == ("identity_work", "changed the care team")


def test_a_sitting_is_a_session_of_half_a_day(
    clerk: User, chart: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from audit import services as audit_services
    from audit.context import Context

    monkeypatch.setattr(audit_services, "current", lambda: Context(session="s1"))
    record("patient.updated", by=clerk, patient=chart.pk, about=chart)
    at = Event.objects.get(event="patient.updated").at
    assert kinds(clerk, chart, at - 12 * HOUR, session="s1") == ["identity_work"]
    assert kinds(clerk, chart, at + 12 * HOUR, session="s1") == ["identity_work"]
    assert kinds(clerk, chart, at + 12 * HOUR + LEAST, session="s1") == []
    assert kinds(clerk, chart, at + 2 * HOUR, session="s2") == []


CLERK = ("records_clerk",)


def test_discharge_work_is_for_those_who_keep_charts(
    clerk: User, clinician: User, chart: Patient, other: Patient
) -> None:
    stay(chart, clinician, -9 * DAY, -HOUR)
    assert kinds(clerk, chart, NOW - HOUR, roles=CLERK) == ["discharge"]
    assert kinds(clerk, chart, NOW - HOUR + WORK - LEAST, roles=("records_supervisor",)) == ["discharge"]
    assert kinds(clerk, chart, NOW - HOUR - LEAST, roles=CLERK) == []
    assert kinds(clerk, chart, NOW - HOUR + WORK, roles=CLERK) == []
    assert kinds(clerk, chart, NOW, roles=("compliance_officer", "roi_specialist", "clinician")) == []
    assert kinds(clerk, chart, NOW) == []
    assert kinds(clerk, other, NOW, roles=CLERK) == []


def test_a_role_of_the_hospital_s_own_that_keeps_charts_counts(
    clerk: User, clinician: User, chart: Patient
) -> None:
    group = Group.objects.create(name="night_desk")
    group.permissions.add(Permission.objects.get(codename="edit_encounter"))
    record("user.created", by=clerk)
    stay(chart, clinician, -9 * DAY, -HOUR)
    assert kinds(clerk, chart, roles=("clinician", "night_desk")) == ["discharge"]


def merged(entry: Patient, into: Patient) -> None:
    with noted(entry, into):
        Patient.objects.filter(pk=entry.pk).update(status=PatientStatus.MERGED, merged_into=into)


def test_what_is_known_of_one_entry_explains_the_others_of_that_person(
    clinician: User, chart: Patient, other: Patient
) -> None:
    first, stranger = PatientFactory.create(), PatientFactory.create()
    merged(first, other)
    merged(other, chart)
    stay(chart, clinician, -HOUR)
    for entry in (chart, other, first):
        assert kinds(clinician, entry) == ["attending"]
        assert set(queries.identities_of(entry.pk)) == {chart.pk, other.pk, first.pk}
    assert kinds(clinician, stranger) == []
    assert queries.identities_of(stranger.pk) == [stranger.pk]


def test_an_undone_merge_parts_them_again(clinician: User, chart: Patient, other: Patient) -> None:
    merged(other, chart)
    with noted(other, chart):
        Patient.objects.filter(pk=other.pk).update(status=PatientStatus.ACTIVE, merged_into=None)
    stay(chart, clinician, -HOUR)
    assert kinds(clinician, other) == []
    assert queries.identities_of(other.pk) == [other.pk]


def test_an_id_that_is_nobody_s_is_its_own(db: None) -> None:
    from common.ids import uuid7

    key = uuid7()
    assert queries.identities_of(key) == [key]


def test_the_real_day_of_a_clinician_is_explained(clinician: User, chart: Patient) -> None:
    """What the policy opens by care, the explainers find too."""
    EncounterFactory.create(patient=chart, attending=clinician, started_at=timezone.now() - DAY)
    services.open_chart(by=clinician, patient_id=chart.pk)
    accesses = [access for event in Event.objects.all() if (access := Access.of(event))]
    (found,) = explain(accesses).values()
    assert [one.kind for one in found] == ["attending"]
