"""Loading the demonstration: whole, once, again after a kill, and never where it does not belong."""

import io
import random
from datetime import date
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from accounts.models import ReviewItem, User
from audit.models import Event
from common.jobs.models import Job, JobStatus
from demo import bulk, charts, desk, loading, staff
from demo.people import plan_people
from patients.models import Patient
from records.documents import files
from records.documents.models import Document, Page
from records.release.models import Disclosure, RecordRequest
from tests.factories import PatientFactory

DAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def demonstration(settings: Any) -> None:
    settings.DEMO = True


def load_charts(patients: int, documents: int) -> list[charts.Chart]:
    """Register and file in this process: the pool's processes are for speed only."""
    staff.make_accounts()
    staff.make_places()
    clerk = staff.person("clerk")
    attendings = {user.username: user for user in User.objects.prefetch_related("groups")}
    made = []
    for plan in plan_people(seed=7, today=DAY, patients=patients, documents=documents):
        chart = charts.find_or_register(plan, by=clerk, attendings=attendings, places=charts.all_places())
        if not chart.patient.documents.exists():
            pool: Any = InThisProcess()
            charts.file_drawn(chart, charts.start_drawing(chart, pool), by=clerk)
        made.append(chart)
    return made


class InThisProcess:
    """Stands for the pool: does the work when it is submitted."""

    def submit(self, work: Any, *args: Any) -> Any:
        return work(*args)


@pytest.mark.django_db
def test_accounts_sign_in_with_the_public_password_and_are_made_once() -> None:
    call_command("seed_demo", "--accounts-only", stdout=io.StringIO())
    said = io.StringIO()
    call_command("seed_demo", "--accounts-only", stdout=said)
    assert said.getvalue().startswith("0 ")
    for username, _, role in staff.ACCOUNTS:
        user = authenticate(None, username=username, password="chartroom-demo")
        assert isinstance(user, User)
        assert user.role_names == [role]


@pytest.mark.django_db
def test_everybody_has_a_manager_who_is_asked_about_them() -> None:
    staff.make_accounts()
    staff.make_places()
    staff.make_managers()
    staff.make_managers()
    people = User.objects.people().filter(is_active=True)
    assert not people.filter(manager=None).exists()
    asked = ReviewItem.objects.values_list("person", flat=True)
    assert sorted(asked) == sorted(people.values_list("pk", flat=True))


@pytest.mark.django_db
@pytest.mark.parametrize("command", ["seed_demo", "seed_bench"])
def test_nothing_is_made_where_the_demonstration_is_off(command: str) -> None:
    with override_settings(DEMO=False), pytest.raises(CommandError, match="demonstration is off"):
        call_command(command)
    assert not User.objects.filter(username="clerk").exists()


@pytest.mark.django_db
def test_if_empty_leaves_other_patients_alone() -> None:
    PatientFactory.create()
    said = io.StringIO()
    call_command("seed_demo", "--if-empty", stdout=said)
    assert "already" in said.getvalue()
    assert Patient.objects.count() == 1


@pytest.mark.django_db
def test_documents_come_with_pages_text_and_events() -> None:
    made = load_charts(patients=6, documents=18)
    assert Document.objects.count() == 18
    for page in Page.objects.select_related("of__document"):
        assert page.text
        assert page.words
        assert files.read_blob(page.view_id or "")[:4] == b"RIFF"
    filed = Event.objects.filter(event="document.filed", patient_id__in=[chart.patient.pk for chart in made])
    assert filed.count() == 18
    scan = Document.objects.filter(title__startswith="Coverage").first()
    assert scan is None or "supplied" in {page.source for page in Page.objects.filter(of=scan.current)}


@pytest.mark.django_db
def test_loading_again_goes_on_where_it_stopped() -> None:
    first = load_charts(patients=4, documents=9)
    again = load_charts(patients=4, documents=9)
    assert [chart.patient.pk for chart in first] == [chart.patient.pk for chart in again]
    assert (Patient.objects.count(), Document.objects.count()) == (4, 9)


@pytest.mark.django_db
def test_each_story_reaches_its_stage() -> None:
    made = [chart for chart in load_charts(patients=14, documents=50) if chart.plan.documents]
    stories = {story.stage: story for story in desk.STORIES}
    reached = {}
    for (stage, story), chart in zip(stories.items(), made, strict=False):
        row = desk.tell(
            story, chart, by=staff.person("roi"), rng=random.Random(stage), today=timezone.localdate()
        )
        row.refresh_from_db()
        reached[stage] = row.status
    assert reached == {
        "logged": "received",
        "cleared": "received",
        "chosen": "received",
        "ready": "ready",
        "downloaded": "delivered",
        "mailed": "delivered",
        "canceled": "canceled",
    }
    assert sorted(Disclosure.objects.values_list("how", flat=True)) == ["download", "mail"]
    assert RecordRequest.objects.get(status="ready").releases.get(status="ready").pages > 1


@pytest.mark.django_db
def test_a_worker_does_not_take_up_a_killed_load() -> None:
    staff.make_accounts()
    progress = loading.Progress(100, lambda text: None)
    progress.at(40, "Filing document 4 of 10")
    job = Job.objects.get(pk=progress.running.id)
    assert (job.percent, job.progress_text) == (40, "Filing document 4 of 10")
    progress.finished(JobStatus.DONE, "The demonstration hospital is loaded.")
    job.refresh_from_db()
    assert (job.status, job.percent, job.lease_token) == ("done", 100, None)


@pytest.mark.django_db
def test_bench_data_are_whole_charts() -> None:
    bulk.load(patients=12, documents=40, seed=1, today=DAY, say=lambda text: None)
    assert (Patient.objects.count(), Document.objects.count()) == (12, 40)
    assert max(patient.documents.count() for patient in Patient.objects.all()) >= 30
    assert Page.objects.exclude(text="").count() >= 40
    bulk.load(patients=3, documents=0, seed=1, today=DAY, say=lambda text: None)
    assert Patient.objects.count() == 15
