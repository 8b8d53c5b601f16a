"""The state of the system, and the page of a job."""

import pytest
from django.utils import timezone

from audit.queries import PartitionState
from common.jobs import services as jobs
from common.jobs.models import Heartbeat, Job, JobStatus
from config import health


@pytest.fixture
def job(clerk):
    return jobs.enqueue("documents.read", by_id=clerk.pk, args={})


def test_an_administrator_sees_each_part_and_work_in_trouble(administrator, browse, job, monkeypatch):
    Job.objects.filter(pk=job.pk).update(status=JobStatus.FAILED, error="A sentence that says why.")
    monkeypatch.setattr(health, "_broker", lambda: False)
    answer = browse(administrator).get("/system/")
    page = answer.content.decode()
    assert answer.context["is_ready"] is False
    assert "Work queue" in [name for name, _, is_well in answer.context["parts"] if not is_well]
    assert "Needs attention" in page
    assert "A sentence that says why." in page
    assert str(job.pk) in page


def test_a_system_where_all_answers_says_so(administrator, browse, monkeypatch):
    Heartbeat.objects.create(name=jobs.WORKER, seen_at=timezone.now())
    monkeypatch.setattr(
        health, "parts", lambda: dict.fromkeys(["database", "broker", "storage", "worker"], True)
    )
    page = browse(administrator).get("/system/").content.decode()
    assert "All is well" in page
    assert "Needs attention" not in page


def test_a_log_without_months_ahead_is_told(administrator, browse, monkeypatch):
    monkeypatch.setattr("config.system.partition_state", lambda: PartitionState(months_ahead=1, elsewhere=0))
    answer = browse(administrator).get("/system/")
    assert answer.context["is_ready"] is False
    assert "ready for 1 coming months only" in answer.content.decode()


def test_a_job_asks_again_while_it_runs_and_stops_when_it_is_done(clerk, browse, job):
    client = browse(clerk)
    line = client.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true"})
    assert f'hx-get="/jobs/{job.pk}/"' in line.content.decode()
    assert "X-Background" in line.content.decode()
    assert "HX-Trigger" not in line
    Job.objects.filter(pk=job.pk).update(
        status=JobStatus.RUNNING,
        done=3,
        total=5,
        text="Reading page 3 of 5",
        lease_until=timezone.now(),
        lease_token=job.pk,
    )
    running = client.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert 'value="60"' in running
    assert "Reading page 3 of 5" in running
    Job.objects.filter(pk=job.pk).update(status=JobStatus.DONE, lease_until=None, lease_token=None)
    done = client.get(f"/jobs/{job.pk}/", headers={"HX-Request": "true"})
    assert "hx-get" not in done.content.decode()
    assert done["HX-Trigger"] == "job-done"


def test_a_job_has_a_page_for_whoever_follows_the_link(clerk, browse, job):
    page = browse(clerk).get(f"/jobs/{job.pk}/").content.decode()
    assert "<main" in page
    assert "Waiting" in page


def test_nobody_follows_somebody_elses_job_but_an_administrator(clinician, administrator, browse, job):
    assert browse(clinician).get(f"/jobs/{job.pk}/").status_code == 404
    assert browse(administrator).get(f"/jobs/{job.pk}/").status_code == 200
