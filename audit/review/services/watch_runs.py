"""The watch itself: one week of the log, looked at by every rule, the alerts stored.

Everything is worked out in temporary tables first; what is kept is written in one short transaction, so a run that is
killed leaves nothing, and two runs of one week end as one.
"""

from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import service_account
from audit.explaining import missing_words
from audit.review.models import Alert, AlertState, WatchRun
from audit.review.watch import baselines, registry, scoring
from audit.review.watch.gathering import Week, gathered
from audit.services import record
from common.notices.models import Tone
from common.notices.services import notify

RIGHT = "review.work_alerts"
NO_MORE = "nothing stands out any more"


def run_watch(*, week_on: date) -> WatchRun:
    """Look at the week of this day; returns the run. Safe to repeat: alerts that nobody has decided are brought up to
    date, decided ones stay as they are, none is made twice.

    Source: 45 CFR 164.308(a)(1)(ii)(D); MON-1, MON-2.
    """
    week = Week.of(week_on)
    started_at = timezone.now()
    in_force = registry.settings_in_force()
    parameters = week.as_parameters()
    with gathered(week) as counted:
        thresholds = baselines.learn(parameters)
        found = scoring.judge(in_force, parameters)
        run = WatchRun(
            week_on=week.week_on,
            started_at=started_at,
            accesses=counted.accesses,
            explained=counted.explained,
            missing=list(counted.missing),
            rules={one.rule.code: one.as_data() for one in in_force},
            thresholds=thresholds,
        )
        return _store(run, found, parameters)


def run_lately() -> list[WatchRun]:
    """This week so far, and the one before: what is entered late explains what stood out at first."""
    today = timezone.localdate()
    return [run_watch(week_on=today - timedelta(days=7)), run_watch(week_on=today)]


@transaction.atomic
def _store(run: WatchRun, found: list[scoring.Found], parameters: dict[str, Any]) -> WatchRun:
    by = service_account("watch")
    with connection.cursor() as cursor:  # one run of a week stores at a time
        cursor.execute("select pg_advisory_xact_lock(hashtext('watch'), %s)", [run.week_on.toordinal()])
    there = {
        (alert.subject_id, alert.patient_id): alert
        for alert in Alert.objects.of_week(run.week_on).select_for_update().order_by("pk")
    }
    made, changed = [], []
    for one in found:
        alert = there.pop((one.actor_id, one.patient_id), None)
        if alert is None:
            made.append(_filled(Alert(subject_id=one.actor_id, week_on=run.week_on), one, run))
        elif alert.state == AlertState.NEW:
            changed.append(_filled(alert, one, run))
    for alert in there.values():
        if alert.state == AlertState.NEW and alert.score:
            alert.score, alert.is_explained = 0, True
            alert.hits = [{"rule": "", "points": 0, "words": NO_MORE}]
            alert.missing = run.missing
            changed.append(alert)
    Alert.objects.bulk_create(made, batch_size=500)
    for alert in changed:
        alert.updated_at = timezone.now()
    fields = ["score", "is_explained", "hits", "event_ids", "accesses", "missing", "updated_at"]
    Alert.objects.bulk_update(changed, fields, batch_size=500)
    baselines.keep(parameters)
    stored = _stored(run, Alert.objects.of_week(run.week_on).count())
    record(
        "watch.ran",
        by=by,
        patients={alert.patient_id for alert in [*made, *changed] if alert.patient_id},
        about=stored,
        reason=f"week of {run.week_on:%d %b %Y}",
        detail={
            "accesses": run.accesses,
            "explained": run.explained,
            "made": len(made),
            "changed": len(changed),
            "explanations_missing": run.missing,
        },
    )
    _tell(run, [alert.subject_id for alert in made if alert.score >= scoring.LOUD])
    return stored


def _filled(alert: Alert, one: scoring.Found, run: WatchRun) -> Alert:
    alert.missing = run.missing
    alert.patient_id = one.patient_id
    alert.score, alert.is_explained = one.score, one.is_explained
    alert.hits, alert.event_ids = one.hits_as_data(), one.event_ids
    alert.accesses = one.accesses or len(alert.event_ids)
    return alert


def _stored(run: WatchRun, alerts: int) -> WatchRun:
    values = {
        "started_at": run.started_at,
        "finished_at": timezone.now(),
        "accesses": run.accesses,
        "explained": run.explained,
        "missing": run.missing,
        "alerts": alerts,
        "rules": run.rules,
        "thresholds": run.thresholds,
    }
    stored, _ = WatchRun.objects.update_or_create(week_on=run.week_on, defaults=values)
    return stored


def _tell(run: WatchRun, subjects: list[UUID]) -> None:
    """Say to everybody who works alerts that there are new ones of weight; nobody is told of her own."""
    for officer in User.objects.holding(RIGHT):
        number = sum(subject != officer.pk for subject in subjects)
        if not number:
            continue
        words = "1 new alert" if number == 1 else f"{number} new alerts"
        text = f"The watch has {words} of weight in the week of {run.week_on:%d %b %Y}."
        if run.missing:
            text = f"{text} {missing_words(run.missing)}"
        url = f"{reverse('review:watch')}?week={run.week_on}"
        notify([officer.pk], kind="watch.alerts", tone=Tone.DUE, text=text, url=url)
        if settings.EMAIL_HOST and officer.email:
            from accounts.tasks import mail

            transaction.on_commit(partial(mail.delay, officer.email, "Chartroom: the watch", text))
