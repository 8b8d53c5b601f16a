"""A run: repeated, two at once, killed half way, empty; and whom it tells."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.review import services
from audit.review.models import Alert, StaffWeek, WatchRun
from audit.review.services import watch_runs
from audit.review.watch import registry, scoring
from common.errors import Denied, NotFound, RuleBroken
from common.notices.queries import notices_of
from patients.models import Patient
from tests.audit.watch.making import looked
from tests.factories import EncounterFactory, PatientFactory, make_user
from tests.support import events
from tests.threads import together


@pytest.fixture
def chart(db: None) -> Patient:
    return PatientFactory.create(family="Plumtree", given="Una")


@pytest.fixture
def clerk(db: None) -> User:
    return make_user(Role.RECORDS_CLERK, name="Cora Plumtree")


def run() -> WatchRun:
    return services.run_watch(week_on=timezone.localdate())


def test_a_run_makes_alerts_and_says_so(clerk: User, chart: Patient) -> None:
    looked(clerk, chart)
    done = run()
    [alert] = Alert.objects.all()
    assert (alert.subject, alert.patient) == (clerk, chart)
    assert alert.score >= scoring.LOUD
    assert (done.accesses, done.explained, done.alerts) == (1, 0, 1)
    [event] = events("watch.ran", about=done)
    assert event.patient_ids == [chart.pk]
    assert StaffWeek.objects.get(user=clerk).charts == 1


def test_an_empty_house(db: None) -> None:
    done = run()
    assert (done.accesses, done.alerts) == (0, 0)
    assert events("watch.ran")


def test_a_week_is_the_week_of_any_of_its_days(db: None) -> None:
    first = services.run_watch(week_on=date(2026, 3, 29))  # a Sunday, when the clocks change in Europe
    assert first.week_on == date(2026, 3, 23)
    assert services.run_watch(week_on=date(2026, 3, 23)).pk == first.pk
    assert WatchRun.objects.count() == 1


def test_a_second_run_makes_no_second_alert(clerk: User, chart: Patient, compliance: User) -> None:
    looked(clerk, chart)
    run()
    before = Alert.objects.get()
    looked(clerk, chart)
    run()
    after = Alert.objects.get()
    assert after.pk == before.pk
    assert after.accesses == before.accesses + 1
    assert len(notices_of(compliance.pk)) == 1


def test_a_decided_alert_stays_as_it_was_decided(clerk: User, chart: Patient, compliance: User) -> None:
    looked(clerk, chart)
    run()
    services.set_aside_alert(by=compliance, alert_id=Alert.objects.get().pk, note="asked")
    before = Alert.objects.values().get()
    looked(clerk, chart)
    run()
    assert Alert.objects.values().get() == before


def test_what_is_entered_late_lets_an_alert_sink(chart: Patient) -> None:
    """MON-2: never hidden."""
    doctor = make_user(Role.CLINICIAN, name="Ada Plumtree")
    looked(doctor, chart)
    run()
    before = Alert.objects.get()
    EncounterFactory.create(patient=chart, attending=doctor)
    run()
    after = Alert.objects.get()
    assert not before.is_explained
    assert after.is_explained
    assert after.score < before.score / 4


def test_where_nothing_stands_out_any_more_the_alert_stays_with_no_points(
    clerk: User, chart: Patient, compliance: User
) -> None:
    looked(clerk, chart)
    run()
    for setting in registry.settings_in_force():
        services.set_watch_rule(
            by=compliance, code=setting.rule.code, is_on=False, weight=0, parameters=setting.parameters
        )
    run()
    alert = Alert.objects.get()
    assert alert.score == 0
    assert alert.hits[0]["words"] == watch_runs.NO_MORE


def test_killed_half_way_it_leaves_nothing(
    clerk: User, chart: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked(clerk, chart)

    def killed(*args: Any, **kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch_runs, "record", killed)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert not Alert.objects.exists()
    assert not WatchRun.objects.exists()
    assert not StaffWeek.objects.exists()
    monkeypatch.undo()
    run()
    assert Alert.objects.count() == 1


def test_a_user_who_was_renamed_and_switched_off_is_watched_all_the_same(clerk: User, chart: Patient) -> None:
    looked(clerk, chart)
    User.objects.filter(pk=clerk.pk).update(name="Cora Plumtree-Newname", is_active=False)
    run()
    assert Alert.objects.get().subject == clerk


@pytest.mark.parametrize(
    "name", ["\u202egnp.exe", "<script>alert(1)</script>", "=cmd()", "Ro'bert \"; drop", "  "]
)
def test_hostile_names_of_colleagues(name: str, chart: Patient) -> None:
    user = make_user(Role.RECORDS_CLERK, name=name)
    looked(user, chart)
    run()
    assert StaffWeek.objects.get().user == user


def test_officers_are_told_once_and_nobody_of_her_own(chart: Patient) -> None:
    officer = make_user(Role.COMPLIANCE_OFFICER, name="Ada Plumtree")
    other = make_user(Role.COMPLIANCE_OFFICER)
    away = make_user(Role.COMPLIANCE_OFFICER, is_active=False)
    looked(officer, chart)
    run()
    assert not notices_of(officer.pk)
    assert not notices_of(away.pk)
    [notice] = notices_of(other.pk)
    assert "1 new alert" in notice.text
    assert "Plumtree" not in notice.text


@override_settings(EMAIL_HOST="mail.invalid")
def test_officers_are_told_by_mail(
    clerk: User, chart: Patient, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accounts import tasks

    monkeypatch.setattr(tasks.mail, "delay", tasks.mail)
    make_user(Role.COMPLIANCE_OFFICER, email="officer@hospital.invalid")
    make_user(Role.COMPLIANCE_OFFICER)
    looked(clerk, chart)
    with django_capture_on_commit_callbacks(execute=True):
        run()
    [letter] = mail.outbox
    assert letter.to == ["officer@hospital.invalid"]
    assert "Plumtree" not in letter.body


def test_the_nightly_task_looks_at_this_week_and_the_one_before(clerk: User, chart: Patient) -> None:
    from audit.review.tasks import watch

    looked(clerk, chart)
    watch()
    monday = timezone.localdate() - timedelta(days=timezone.localdate().weekday())
    days = WatchRun.objects.order_by("week_on").values_list("week_on", flat=True)
    assert list(days) == [monday - timedelta(days=7), monday]


def test_a_run_keeps_what_it_worked_with(clerk: User, chart: Patient, compliance: User) -> None:
    services.set_watch_rule(by=compliance, code="same-name", is_on=True, weight=7, parameters={"rare": 9})
    looked(clerk, chart)
    done = run()
    assert done.rules["same-name"] == {"is_on": True, "weight": 7, "parameters": {"rare": 9.0}}
    assert done.thresholds["records_clerk"]["charts"]["people"] == 1
    hits = {hit["rule"]: hit["points"] for hit in Alert.objects.get().hits}
    assert hits["same-name"] == 7


def test_a_changed_rule_is_an_event_with_before_and_after(compliance: User) -> None:
    change = {"code": "deceased", "is_on": True, "weight": 40}
    services.set_watch_rule(by=compliance, **change, parameters={"days": 30})
    assert not events("watch.rule_changed")  # it is so already
    services.set_watch_rule(by=compliance, **change, parameters={"days": 90})
    services.set_watch_rule(by=compliance, **{**change, "is_on": False}, parameters={"days": 90})
    first, second = events("watch.rule_changed")
    assert first.action == "config-change"
    assert first.detail is not None
    assert second.detail is not None
    assert (first.detail["before"]["parameters"], first.detail["after"]["parameters"]) == (
        {"days": 30},
        {"days": 90.0},
    )
    assert second.detail["before"] == first.detail["after"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"weight": 101}, "weight"),
        ({"weight": -1}, "weight"),
        ({"parameters": {"days": -1}}, "parameters"),
        ({"parameters": {"days": "30; drop table"}}, "parameters"),
        ({"parameters": {"days": True}}, "parameters"),
        ({"parameters": {"days": float("nan")}}, "parameters"),
        ({"parameters": {"hours": 3}}, "parameters"),
    ],
)
def test_a_rule_keeps_its_bounds(change: dict[str, Any], code: str, compliance: User) -> None:
    given = {"code": "deceased", "is_on": True, "weight": 40, "parameters": {"days": 30}, **change}
    with pytest.raises(RuleBroken) as refused:
        services.set_watch_rule(by=compliance, **given)
    assert refused.value.code == code
    assert not events("watch.rule_changed")


def test_rules_are_the_compliance_offices(clerk: User, compliance: User) -> None:
    with pytest.raises(Denied):
        services.set_watch_rule(by=clerk, code="deceased", is_on=False, weight=0, parameters={})
    with pytest.raises(Denied):
        services.show_watch_rules(by=clerk)
    with pytest.raises(NotFound):
        services.set_watch_rule(by=compliance, code="no-such", is_on=False, weight=0, parameters={})


def test_decoys_are_marked_and_ended_by_the_compliance_office(
    clerk: User, chart: Patient, compliance: User
) -> None:
    for verb in (
        lambda by: services.mark_decoy(by=by, patient_id=chart.pk, why="nobody's"),
        lambda by: services.list_decoys(by=by),
    ):
        with pytest.raises(Denied):
            verb(clerk)
    decoy = services.mark_decoy(by=compliance, patient_id=chart.pk, why="nobody's")
    assert events("watch.decoy_marked", about=decoy)[0].patient_id == chart.pk
    with pytest.raises(Denied):
        services.end_decoy(by=clerk, decoy_id=decoy.pk)
    services.end_decoy(by=compliance, decoy_id=decoy.pk)
    [(row, patient)] = services.list_decoys(by=compliance)
    assert row.until is not None
    assert patient == chart
    services.mark_decoy(by=compliance, patient_id=chart.pk, why="again")


@pytest.mark.committed
def test_two_runs_at_once_end_as_one(committed: None) -> None:
    user = make_user(Role.RECORDS_CLERK, name="Cora Plumtreetwo")
    patient = PatientFactory.create(family="Plumtreetwo")
    looked(user, patient)
    done = together(lambda number: run())
    assert [fault for fault in done if isinstance(fault, Exception)] == []
    assert len({one.pk for one in done}) == 1
    assert Alert.objects.filter(subject=user).count() == 1


@pytest.mark.committed
def test_a_run_holds_no_transaction_while_it_works(committed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the sealing of the log would wait for it."""
    seen = []
    judge = scoring.judge

    def watching(*args: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("select pg_current_xact_id_if_assigned()::text")
            seen.append((connection.in_atomic_block, cursor.fetchone()[0]))
        return judge(*args)

    monkeypatch.setattr(scoring, "judge", watching)
    run()
    assert seen == [(False, None)]
