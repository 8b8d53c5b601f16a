"""Loading the demonstration hospital: resumable, with its progress on standard output and as a job on
screen.
"""

from __future__ import annotations

import multiprocessing
import os
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connections
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from common.jobs.models import Job, JobStatus
from common.jobs.services import Running, worker_name
from demo import charts, desk, openings, staff, week
from demo.people import PersonPlan, plan_people
from demo.tasks import KIND
from patients.models import Patient
from records.documents.models import Document
from records.release.models import RecordRequest

PROCESSES = 2
AHEAD = 12  # charts that may wait drawn while others are filed
Say = Callable[[str], None]


def is_somebody_elses() -> bool:
    """Whether the index holds people who are not of the demonstration."""
    return Patient.objects.exclude(identifiers__system=charts.LEGACY).exists()


class Progress:
    """Says how far it is, on standard output at each tenth and in a job that the system page shows."""

    def __init__(self, total: int, say: Say) -> None:
        self.total, self.say, self.said = total, say, -1
        lease_until = timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
        job = Job.objects.create(
            kind=KIND,
            status=JobStatus.RUNNING,
            created_by=User.objects.values_list("pk", flat=True).get(username="administrator"),
            total=total,
            attempts=1,
            worker=worker_name(),
            lease_token=uuid4(),
            lease_until=lease_until,
            published_at=timezone.now(),
        )
        self.running = Running(job)

    def at(self, done: int, text: str) -> None:
        """`done` of the whole, and what is being done."""
        self.running.progress(min(done, self.total), self.total, text)
        tenth = done * 10 // self.total
        if tenth > self.said:
            self.said = tenth
            self.say(f"{text} ({min(done * 100 // self.total, 100)} %)")

    def finished(self, status: JobStatus, text: str) -> None:
        self._close(self.running.id, status, text)

    @staticmethod
    def _close(job_id: UUID, status: JobStatus, text: str) -> None:
        job = Job.objects.get(pk=job_id)
        job.status, job.finished_at = status, timezone.now()
        job.lease_token = job.lease_until = None
        if status == JobStatus.DONE:
            job.text, job.done = text, job.total
        else:
            job.error = text
        job.save()


def load(*, patients: int, documents: int, seed: int, today: date, say: Say) -> None:
    """Make what is not there yet of so many people and documents, then requests and looks. Raises NotHere."""
    staff.check_is_wanted()
    staff.make_accounts()
    staff.make_places()
    staff.make_managers()
    people = {username: staff.person(username) for username, _, _ in staff.ACCOUNTS}
    plans = plan_people(seed=seed, today=today, patients=patients, documents=documents)
    progress = Progress(patients + documents + 10 * len(desk.STORIES), say)
    try:
        made = _register(plans, people["clerk"], progress)
        _file(made, people["clerk"], progress)
        _tell(made, people["roi"], progress, seed=seed, today=today)
        if not _has_looks(people["supervisor"]):
            week.look_around(made, people=people, rng=random.Random(f"{seed} week"))
        openings.decide(made, people=people)  # after the looks: some charts ask for a reason from now on
    except BaseException:
        progress.finished(JobStatus.FAILED, "Loading the demonstration was interrupted.")
        raise
    progress.finished(JobStatus.DONE, "The demonstration hospital is loaded.")


def _register(plans: list[PersonPlan], clerk: User, progress: Progress) -> list[charts.Chart]:
    attendings = {user.username: user for user in User.objects.prefetch_related("groups")}
    places = charts.all_places()
    made = []
    for number, plan in enumerate(plans, 1):
        made.append(charts.find_or_register(plan, by=clerk, attendings=attendings, places=places))
        if number % 10 == 0 or number == len(plans):
            progress.at(number, f"Registering patient {number} of {len(plans)}")
    return made


def _file(made: list[charts.Chart], clerk: User, progress: Progress) -> None:
    """Draw in other processes, file here, in the order of the plan."""
    have = set(
        Document.objects.filter(patient__in=[chart.patient.pk for chart in made]).values_list(
            "patient", flat=True
        )
    )
    todo = [chart for chart in made if chart.plan.documents and chart.patient.pk not in have]
    total = sum(len(chart.plan.documents) for chart in made)
    done = total - sum(len(chart.plan.documents) for chart in todo)
    connections.close_all()  # the other processes must not inherit a connection
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=os.nice, initargs=(5,)) as pool:
        waiting = [(chart, charts.start_drawing(chart, pool)) for chart in todo[:AHEAD]]
        following = iter(todo[AHEAD:])
        while waiting:
            chart, drawing = waiting.pop(0)
            charts.file_drawn(chart, drawing.result(), by=clerk)
            done += len(chart.plan.documents)
            progress.at(len(made) + done, f"Filing document {done} of {total}")
            upcoming = next(following, None)
            if upcoming is not None:
                waiting.append((upcoming, charts.start_drawing(upcoming, pool)))


def _tell(made: list[charts.Chart], roi: User, progress: Progress, *, seed: int, today: date) -> None:
    """One request a chart; a chart that has one already was reached before the load was interrupted."""
    before = progress.total - 10 * len(desk.STORIES)
    for number, (story, chart) in enumerate(zip(desk.STORIES, desk.candidates(made), strict=False)):
        progress.at(before + 10 * number, f"Answering request {number + 1} of {len(desk.STORIES)}")
        if not RecordRequest.objects.filter(patient=chart.patient).exists():
            desk.tell(story, chart, by=roi, rng=random.Random(f"{seed} request {number}"), today=today)


def _has_looks(supervisor: User) -> bool:
    return Event.objects.filter(actor_id=supervisor.pk, event="patient.searched").exists()
