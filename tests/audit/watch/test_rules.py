"""Each rule of the watch: a hit, and the neighbour who is nearly one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from accounts.services import service_account
from audit.context import Context, use
from audit.review.models import Alert, DecoyChart, StaffWeek
from audit.review.services import run_watch
from audit.review.watch import rules, scoring
from audit.review.watch.gathering import Week, family_keys
from audit.review.watch.scoring import Found, Hit
from audit.services import record
from patients import names
from patients.models import (
    Address,
    ChartRestriction,
    GlassBreak,
    OwnEntry,
    Patient,
    PatientName,
    Telecom,
    Workplace,
)
from records.documents.models import Document
from tests.audit.watch.making import looked
from tests.factories import EncounterFactory, FacilityFactory, LocationFactory, PatientFactory, make_user

Give = Callable[..., Any]


@pytest.fixture(autouse=True)
def everything_is_worth_a_line(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule is tried by itself, however little it weighs."""
    monkeypatch.setattr(scoring, "LEAST", 0)


@pytest.fixture
def chart() -> Patient:
    return PatientFactory.create(family="Quillfeather", given="Una")


@pytest.fixture
def clerk() -> User:
    return make_user(Role.RECORDS_CLERK, name="Cora Plumtree")


def give(model: type[Any], patient: Patient, **fields: Any) -> Any:
    """A row of the record, with the event that the database asks for."""
    with transaction.atomic():
        row = model.objects.create(patient=patient, **fields)
        record("patient.updated", by=service_account("test"), patient=patient.pk)
    return row


def watched() -> dict[tuple[str, Any, Any], dict[str, Any]]:
    """The hits of this week by rule, person and chart."""
    run_watch(week_on=timezone.localdate())
    return {
        (hit["rule"], alert.subject_id, alert.patient_id): {**hit, "score": alert.score}
        for alert in Alert.objects.all()
        for hit in alert.hits
    }


def points(code: str, user: User, patient: Patient | None) -> int:
    """The points this rule gave, 0 for none."""
    return int(watched().get((code, user.pk, patient.pk if patient else None), {"points": 0})["points"])


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("Cora Plumtree", {"plumtree"}),
        ("Dr. Ana Ruiz-Soto, RN", {"ruiz soto", "ruiz", "soto"}),
        ("RUIZ, Ana", {"ruiz"}),
        ("O'Brien, MD", {"obrien"}),
        ("Li Wu", {"wu"}),
        ("", set()),
        ("Dr.", set()),
        ("\u202e<script>alert(1)</script>", {"script alert 1 script", "alert", "script"}),
    ],
)
def test_family_name_of_a_colleague(name: str, keys: set[str]) -> None:
    assert family_keys(name) == keys


@pytest.mark.parametrize(
    ("family", "is_hit"),
    [("Plumtree", True), ("PLUMTREE", True), ("Plumtree-Soto", True), ("Plumtrees", False), ("Tree", False)],
)
def test_same_name(family: str, is_hit: bool, clerk: User) -> None:
    patient = PatientFactory.create(family=family)
    looked(clerk, patient)
    assert bool(points("same-name", clerk, patient)) is is_hit


def test_same_name_as_a_former_name(clerk: User, chart: Patient) -> None:
    key = names.key("Plumtree")
    give(PatientName, chart, use="maiden", family="Plumtree", given="Una", family_key=key, given_key="una")
    looked(clerk, chart)
    assert points("same-name", clerk, chart)


def test_same_name_after_a_user_was_renamed(clerk: User) -> None:
    """Her own chart knows the name she had."""
    own = PatientFactory.create(family="Plumtree")
    give(OwnEntry, own, user=clerk)
    User.objects.filter(pk=clerk.pk).update(name="Cora Newname")
    record("user.changed", by=clerk, about=clerk)
    patient = PatientFactory.create(family="Plumtree")
    looked(clerk, patient)
    assert points("same-name", clerk, patient)


def test_a_common_name_counts_less(clerk: User) -> None:
    patient = PatientFactory.create(family="Plumtree")
    looked(clerk, patient)
    rare = points("same-name", clerk, patient)
    PatientFactory.create_batch(20, family="Plumtree")
    assert 0 < points("same-name", clerk, patient) < rare


HOME = {"line": "12 Alder Street, Apt 3", "city": "Springfield", "postal_code": "62701"}


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ({**HOME, "line": "12 Alder St. Apartment 3"}, "lives at the same address"),
        ({**HOME, "postal_code": "62701-1234"}, "lives at the same address"),
        ({**HOME, "line": "14 ALDER ST"}, "lives in the same street"),
        ({**HOME, "line": "12 Alder Street, Apt 4"}, "lives in the same street"),
        ({**HOME, "postal_code": "62999"}, None),
        ({**HOME, "line": "12 Elder Street"}, None),
        ({**HOME, "line": "General Delivery"}, None),
    ],
)
def test_same_home(theirs: dict[str, str], words: str | None, clerk: User, chart: Patient) -> None:
    own = PatientFactory.create(family="Plumtree")
    give(OwnEntry, own, user=clerk)
    give(Address, own, **HOME)
    give(Address, chart, **theirs)
    looked(clerk, chart)
    hit = watched().get(("same-home", clerk.pk, chart.pk))
    assert (hit["words"] if hit else None) == words


def test_same_home_long_ago(clerk: User, chart: Patient) -> None:
    own = PatientFactory.create(family="Plumtree")
    give(OwnEntry, own, user=clerk)
    give(Address, own, **HOME)
    give(Address, chart, **HOME, until_on=timezone.localdate() - timedelta(days=1000))
    looked(clerk, chart)
    assert not points("same-home", clerk, chart)


@pytest.mark.parametrize(("value", "is_hit"), [("(217) 555-0143", True), ("217 555 0144", False)])
def test_same_telephone(value: str, is_hit: bool, clerk: User, chart: Patient) -> None:
    own = PatientFactory.create(family="Plumtree")
    give(OwnEntry, own, user=clerk)
    give(Telecom, own, system="phone", value="217-555-0143")
    give(Telecom, chart, system="mobile", value=value)
    looked(clerk, chart)
    assert bool(points("same-home", clerk, chart)) is is_hit


@pytest.mark.parametrize(("years", "is_hit"), [(9, True), (30, False)])
def test_child_of_the_name(years: int, is_hit: bool, clerk: User) -> None:
    born = timezone.localdate() - timedelta(days=365 * years)
    child = PatientFactory.create(family="Plumtree", birth_date=born)
    looked(clerk, child)
    assert bool(points("child", clerk, child)) is is_hit


def _works(user: User, unit: str) -> None:
    location = LocationFactory.create(name=unit, facility=FacilityFactory.create())
    with transaction.atomic():
        Workplace.objects.create(user=user, facility=location.facility, location=location)
        record("user.workplaces_set", by=user, about=user)


@pytest.mark.parametrize(("unit", "near"), [("4 West", True), ("5 East", False)])
def test_co_worker(unit: str, near: bool, clerk: User, chart: Patient) -> None:
    colleague = make_user(Role.CLINICIAN)
    give(OwnEntry, chart, user=colleague)
    _works(clerk, "4 West")
    _works(colleague, unit)
    looked(clerk, chart)
    hit = watched()["co-worker", clerk.pk, chart.pk]
    assert (hit["points"] == 45) is near


def test_co_worker_who_has_left(clerk: User, chart: Patient) -> None:
    colleague = make_user(Role.CLINICIAN)
    before = timezone.now() - timedelta(days=30)
    give(OwnEntry, chart, user=colleague, since=before, until=before + timedelta(days=1))
    looked(clerk, chart)
    assert not points("co-worker", clerk, chart)


def test_own_record(clerk: User, chart: Patient) -> None:
    give(OwnEntry, chart, user=clerk)
    looked(clerk, chart)
    other = make_user(Role.RECORDS_CLERK)
    looked(other, chart)
    assert points("own-record", clerk, chart) == 60
    assert not points("own-record", other, chart)


@pytest.mark.parametrize(
    ("kind", "code", "named"),
    [
        ("vip", "public-eye", None),
        ("legal", "restricted", None),
        ("employee", "restricted", None),
        ("family", "restricted", True),
        ("person", "restricted", True),
    ],
)
def test_restricted_charts(kind: str, code: str, named: bool | None, clerk: User, chart: Patient) -> None:
    other = make_user(Role.RECORDS_CLERK)
    give(ChartRestriction, chart, kind=kind, why="so", set_by=other, user=clerk if named else None)
    looked(clerk, chart)
    looked(other, chart)
    assert points(code, clerk, chart)
    assert bool(points(code, other, chart)) is not bool(named)


def test_a_lifted_restriction_is_none(clerk: User, chart: Patient) -> None:
    before = timezone.now() - timedelta(days=3)
    give(
        ChartRestriction, chart, kind="vip", why="so", set_by=clerk, since=before, until=before + timedelta(1)
    )
    looked(clerk, chart)
    assert not points("public-eye", clerk, chart)


@pytest.mark.parametrize(("days", "is_hit"), [(31, True), (30, False), (None, False)])
def test_deceased(days: int | None, is_hit: bool, clerk: User) -> None:
    died = timezone.localdate() - timedelta(days=days) if days else None
    patient = PatientFactory.create(deceased_on=died)
    looked(clerk, patient)
    assert bool(points("deceased", clerk, patient)) is is_hit


def test_decoy_and_its_end(clerk: User, chart: Patient, compliance: User) -> None:
    decoy = give(DecoyChart, chart, why="nobody's", marked_by=compliance)
    looked(clerk, chart)
    assert points("decoy", clerk, chart) == 100
    with transaction.atomic():
        DecoyChart.objects.update(until=F("since"))
        record("watch.decoy_ended", by=compliance, patient=chart.pk, about=decoy)
    assert not points("decoy", clerk, chart)


def test_no_relation_weighs_more_where_nothing_happened(clerk: User) -> None:
    quiet, busy = PatientFactory.create_batch(2)
    EncounterFactory.create(patient=busy)
    for patient in (quiet, busy):
        looked(clerk, patient)
    hits = watched()
    one, other = (hits["no-relation", clerk.pk, patient.pk] for patient in (quiet, busy))
    assert one["points"] > other["points"] > 0
    assert "nothing happened in this chart" in one["words"]


def test_what_is_explained_has_a_relation(chart: Patient) -> None:
    doctor = make_user(Role.CLINICIAN)
    EncounterFactory.create(patient=chart, attending=doctor)
    looked(doctor, chart)
    assert not points("no-relation", doctor, chart)


@pytest.mark.parametrize(("days", "is_hit"), [(2, True), (0, False), (-1, False)])
def test_after_the_last_day(days: int, is_hit: bool, clerk: User, chart: Patient) -> None:
    User.objects.filter(pk=clerk.pk).update(last_day=timezone.localdate() - timedelta(days=days))
    record("user.leaving", by=clerk, about=clerk)
    looked(clerk, chart)
    assert bool(points("employment", clerk, chart)) is is_hit


def test_a_night_that_began_on_the_last_day(chart: Patient) -> None:
    """What is explained within the hours of a shift is a fifth; the same unexplained is whole."""
    doctor, other = make_user(Role.CLINICIAN), make_user(Role.CLINICIAN)
    EncounterFactory.create(patient=chart, attending=doctor)
    for user in (doctor, other):
        off = timezone.now() - timedelta(hours=2)
        User.objects.filter(pk=user.pk).update(is_active=False, deactivated_at=off)
        record("user.deactivated", by=user, about=user)
        looked(user, chart)
    assert points("employment", doctor, chart) == 16
    assert points("employment", other, chart) == 80


def test_no_explanation_counts_for_a_decoy(chart: Patient, compliance: User) -> None:
    doctor = make_user(Role.CLINICIAN)
    EncounterFactory.create(patient=chart, attending=doctor)
    give(DecoyChart, chart, why="nobody's", marked_by=compliance)
    looked(doctor, chart)
    assert points("decoy", doctor, chart) == 100
    assert not Alert.objects.get().is_explained


def test_before_the_account_was_made(clerk: User, chart: Patient) -> None:
    looked(clerk, chart)
    User.objects.filter(pk=clerk.pk).update(created_at=timezone.now() + timedelta(hours=1))
    record("user.changed", by=clerk, about=clerk)
    assert points("employment", clerk, chart) == 80


def test_switched_off_and_at_it_still(clerk: User, chart: Patient) -> None:
    User.objects.filter(pk=clerk.pk).update(
        is_active=False, deactivated_at=timezone.now() - timedelta(hours=2)
    )
    record("user.deactivated", by=clerk, about=clerk)
    looked(clerk, chart)
    assert points("employment", clerk, chart) == 80


def _weeks(user: User, *, hour: int | None = None, many: int = 60, **numbers: int) -> None:
    """Four weeks in which she worked at this hour only (any but now's, when none is given)."""
    now = timezone.localtime().hour
    place = (now + 12) % 24 if hour is None else hour
    monday = Week.of(timezone.localdate()).week_on
    role = " ".join(user.role_names)
    values = {"accesses": many, "charts": 5, "taken": 0, "searches": 3, **numbers}
    with transaction.atomic():
        for back in range(1, 5):
            hours = [many if slot == place else 0 for slot in range(24)]
            StaffWeek.objects.create(
                user=user, week_on=monday - timedelta(days=7 * back), role=role, hours=hours, **values
            )
        record("watch.ran", by=service_account("watch"))


def test_odd_hours_of_her_own_and_of_colleagues(clerk: User, chart: Patient) -> None:
    colleagues = [make_user(Role.RECORDS_CLERK) for _ in range(9)]
    for user in [clerk, *colleagues]:
        _weeks(user, many=600)
    looked(clerk, chart)
    assert points("odd-hours", clerk, chart) == 20


def test_odd_hours_where_colleagues_do_work_count_half(clerk: User, chart: Patient) -> None:
    now = timezone.localtime().hour
    _weeks(clerk)
    for _ in range(9):
        _weeks(make_user(Role.RECORDS_CLERK), hour=now)
    looked(clerk, chart)
    assert points("odd-hours", clerk, chart) == 10


@pytest.mark.parametrize("apart", [0, 1, -1])
def test_an_hour_beside_ones_own_is_not_odd(apart: int, clerk: User, chart: Patient) -> None:
    _weeks(clerk, hour=(timezone.localtime().hour + apart) % 24)
    looked(clerk, chart)
    assert not points("odd-hours", clerk, chart)


def _many(user: User, number: int, event: str = "patient.viewed") -> None:
    for patient in PatientFactory.create_batch(number):
        looked(user, patient, event)


@pytest.mark.parametrize(
    ("charts", "usual", "is_hit"), [(30, 5, True), (24, 5, False), (30, 20, False), (30, 28, False)]
)
def test_volume(charts: int, usual: int, is_hit: bool, clerk: User) -> None:
    for user in [clerk, *(make_user(Role.RECORDS_CLERK) for _ in range(8))]:
        _weeks(user, charts=usual, hour=timezone.localtime().hour)
    _many(clerk, charts)
    assert bool(points("volume", clerk, None)) is is_hit


def test_volume_that_is_her_usual_one(clerk: User) -> None:
    """Her peers open few, she opens many every week."""
    for user in [make_user(Role.RECORDS_CLERK) for _ in range(8)]:
        _weeks(user, charts=5)
    _weeks(clerk, charts=30)
    _many(clerk, 30)
    assert not points("volume", clerk, None)


def test_where_the_week_stands_out_faint_charts_are_part_of_it(clerk: User) -> None:
    for user in [clerk, *(make_user(Role.RECORDS_CLERK) for _ in range(8))]:
        _weeks(user, hour=timezone.localtime().hour)
    _many(clerk, 30)
    hits = watched()
    assert set(hits) == {("volume", clerk.pk, None), ("no-relation", clerk.pk, None)}
    assert hits["no-relation", clerk.pk, None]["words"] == "with 30 charts that nothing explains"


@pytest.mark.parametrize(("charts", "score"), [(0, 10), (5, 16), (25, 38), (50, 38)])
def test_a_week_weighs_what_it_took_in(charts: int, score: int) -> None:
    """Whoever opened fifty charts that nothing explains stands no lower than for one of them."""
    who = uuid4()
    week = Found(who, None, [Hit("volume", "many", full=60, points=10)])
    faint = [
        Found(who, uuid4(), [Hit("no-relation", "none", full=28, points=28, is_faint=True)])
        for _ in range(charts)
    ]
    (shown,) = scoring._folded([*faint, week])
    assert shown.score == score


def test_a_chart_that_was_read_is_not_one_of_the_many(clerk: User, chart: Patient) -> None:
    """A backlog hides no chart whose papers were read one after the other."""
    for user in [clerk, *(make_user(Role.RECORDS_CLERK) for _ in range(8))]:
        _weeks(user, hour=timezone.localtime().hour)
    _many(clerk, 30)
    with transaction.atomic():
        for _ in range(4):
            paper = Document(pk=uuid4(), patient=chart)
            record("document.viewed", by=clerk, patient=chart.pk, about=paper, reason="records role")
    hits = watched()
    assert hits["no-relation", clerk.pk, chart.pk]["points"] > 30
    assert hits["no-relation", clerk.pk, None]["words"] == "with 30 charts that nothing explains"


def test_two_desks_hide_no_chart(clerk: User, chart: Patient) -> None:
    """A week that stands out by something other than many charts has nothing to do with this one."""
    for place in ["10.0.0.1", "10.0.9.9"] * 3:
        with use(Context(session=f"{place:>16}", ip=place)):
            looked(clerk, chart)
    assert set(watched()) == {("two-places", clerk.pk, None), ("no-relation", clerk.pk, chart.pk)}


@pytest.mark.parametrize(("number", "is_hit"), [(12, True), (9, False)])
def test_burst_of_prints(number: int, is_hit: bool, clerk: User) -> None:
    _weeks(clerk)
    _many(clerk, number, "document.printed")
    assert bool(points("taken-out", clerk, None)) is is_hit


def _searches(user: User, text: str, number: int, shown: list[Patient] | None = None) -> None:
    for _ in range(number):
        with transaction.atomic():
            record(
                "patient.searched",
                by=user,
                patients=[patient.pk for patient in shown or []],
                detail={"q": text, "shown": len(shown or [])},
            )


@pytest.mark.parametrize(
    ("text", "number", "is_hit"),
    [("a", 12, True), ("ab", 12, True), ("abc", 12, False), ("a", 9, False), ("quill", 30, True)],
)
def test_searching_without_opening(text: str, number: int, is_hit: bool, clerk: User) -> None:
    _weeks(clerk)
    _searches(clerk, text, number)
    assert bool(points("searching", clerk, None)) is is_hit


@pytest.mark.parametrize("text", ["q", "quill"])
def test_searching_and_opening(text: str, clerk: User, chart: Patient) -> None:
    _weeks(clerk)
    _searches(clerk, text, 30, [chart])
    looked(clerk, chart)
    assert not points("searching", clerk, None)


def _glass(user: User, patient: Patient, **fields: Any) -> GlassBreak:
    now = timezone.now()
    values = {"opened_at": now, "expires_at": now + timedelta(hours=1), "reason_code": "other", **fields}
    broken: GlassBreak = give(GlassBreak, patient, user=user, reason="to see", **values)
    return broken


def test_glass_without_follow_up(chart: Patient) -> None:
    doctor = make_user(Role.CLINICIAN)
    _glass(doctor, chart)
    looked(doctor, chart)
    hit = watched()["glass", doctor.pk, chart.pk]
    assert 0 < hit["points"] < 60  # what she said herself explains half of it


@pytest.mark.parametrize("what", ["stay", "entry", "drill"])
def test_glass_with_follow_up(what: str, chart: Patient) -> None:
    doctor = make_user(Role.CLINICIAN)
    _glass(doctor, chart, is_drill=what == "drill")
    looked(doctor, chart)
    if what == "stay":
        EncounterFactory.create(patient=chart, started_at=timezone.now() - timedelta(hours=2))
    elif what == "entry":
        looked(doctor, chart, "document.filed")
    assert not points("glass", doctor, chart)


@pytest.mark.parametrize(
    ("places", "is_hit"),
    [
        (["10.0.0.1", "10.0.9.9"] * 3, True),
        (["10.0.0.1"] * 3 + ["10.0.9.9"] * 3, False),
        (["10.0.0.1"] * 6, False),
    ],
)
def test_two_places_at_once(places: list[str], is_hit: bool, clerk: User, chart: Patient) -> None:
    for place in places:
        with use(Context(session=f"{place:>16}", ip=place)):
            looked(clerk, chart)
    assert bool(points("two-places", clerk, None)) is is_hit


def test_an_explained_hit_sinks_and_stays(compliance: User) -> None:
    """@MON-2: the same family name; the attending is explained, the unrelated clerk is not."""
    patient = PatientFactory.create(family="Plumtree")
    doctor = make_user(Role.CLINICIAN, name="Ada Plumtree")
    other = make_user(Role.RECORDS_CLERK, name="Bo Plumtree")
    EncounterFactory.create(patient=patient, attending=doctor)
    for user in (doctor, other):
        looked(user, patient)
    run_watch(week_on=timezone.localdate())
    explained, not_explained = (Alert.objects.get(subject=user) for user in (doctor, other))
    assert explained.is_explained
    assert not not_explained.is_explained
    assert 0 < explained.score < not_explained.score / 4
    assert explained.hits[0]["rule"] == "same-name"


def test_no_words_name_anybody(clerk: User) -> None:
    """Alerts stand on lists."""
    patient = PatientFactory.create(family="Plumtree", given="Zorblaxia")
    looked(clerk, patient)
    words = " ".join(hit["words"] for hit in watched().values())
    assert words
    assert not any(name in words.lower() for name in ("plumtree", "zorblaxia", "cora", patient.mrn))


def test_programs_and_jobs_are_not_watched(chart: Patient) -> None:
    service = service_account("test")
    program = make_user(Role.CLINICIAN, is_program=True, name="Una Quillfeather")
    for user in (service, program):
        looked(user, chart)
    assert not watched()


def test_every_statement_of_a_rule_names_its_columns_only() -> None:
    """A rule that asks the wrong table for a week with nobody in it fails here, not at night."""
    run_watch(week_on=timezone.localdate() - timedelta(days=70))
    assert len({rule.code for rule in rules.RULES}) == len(rules.RULES)


def test_no_table_is_left_behind(clerk: User, chart: Patient) -> None:
    looked(clerk, chart)
    run_watch(week_on=timezone.localdate())
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_class where relname like 'watch_%%' and relpersistence = 't'")
        assert cursor.fetchone()[0] == 0
