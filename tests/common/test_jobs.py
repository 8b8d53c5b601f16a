"""Invariant 7: every job runs to its end exactly once as far as anyone can see."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connections, transaction
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.roles import Role
from common.ids import uuid7
from common.jobs import handlers, services
from common.jobs.handlers import JobFailed, LeaseLost
from common.jobs.models import Heartbeat, Job, JobStatus
from common.jobs.services import Running
from tests.factories import make_user
from tests.threads import together

Work = Callable[[Running], None]


class Bell:
    """Stands where the broker is: notes who was rung for; `is_down` makes it answer like a dead one."""

    def __init__(self) -> None:
        self.rung: list[str] = []
        self.is_down = False

    def send_task(self, name: str, args: list[str], **options: Any) -> None:
        """What celery's app offers."""
        if self.is_down:
            raise OperationalError("connection refused")
        assert name == "jobs.run"
        self.rung.append(args[0])


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Bell:
    made = Bell()
    monkeypatch.setattr(services, "current_app", made)
    return made


@pytest.fixture
def kind() -> Iterator[Callable[[Work], str]]:
    """Registers a handler under a name of its own, for one test."""
    names: list[str] = []

    def register(work: Work) -> str:
        name = f"test.{uuid7().hex}"
        handlers.handler(name)(work)
        names.append(name)
        return name

    yield register
    for name in names:
        handlers._handlers.pop(name)


def queued(kind_name: str, **args: Any) -> Job:
    with transaction.atomic():
        return services.enqueue(kind_name, by_id=None, args=args)


def lapse(job: Job) -> None:
    """As if the worker that holds it had died a while ago."""
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


Kind = Callable[[Work], str]


@pytest.mark.committed
def test_it_is_rung_for_after_the_commit_and_runs_once(committed: None, bell: Bell, kind: Kind) -> None:
    ran: list[dict[str, Any]] = []
    name = kind(lambda running: ran.append(running.args))
    with transaction.atomic():
        job = services.enqueue(name, by_id=None, args={"page": 3})
        assert bell.rung == []
    assert bell.rung == [str(job.pk)]
    for _ in range(3):  # the doorbell may ring any number of times
        services.run(job.pk)
    job.refresh_from_db()
    assert ran == [{"page": 3}]
    assert (job.status, job.attempts, job.fraction) == (JobStatus.DONE, 1, 1.0)
    assert job.finished_at is not None
    assert job.lease_token is None


@pytest.mark.committed
def test_a_job_of_a_rolled_back_verb_never_was(committed: None, bell: Bell, kind: Kind) -> None:
    name = kind(lambda running: None)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        services.enqueue(name, by_id=None, args={})
        raise ZeroDivisionError
    assert bell.rung == []
    assert not Job.objects.filter(kind=name).exists()


@pytest.mark.committed
def test_of_two_workers_one_takes_it(committed: None, bell: Bell, kind: Kind) -> None:
    ran: list[int] = []
    is_done = threading.Event()

    def work(running: Running) -> None:
        ran.append(running.attempts)
        is_done.wait(10)  # until the other one has tried and gone away

    job = queued(kind(work))

    def worker(number: int) -> bool:
        services.run(job.pk)
        is_done.set()
        return True

    assert together(worker) == [True, True]
    job.refresh_from_db()
    assert ran == [1]
    assert (job.status, job.attempts) == (JobStatus.DONE, 1)


@pytest.mark.committed
def test_a_worker_that_hears_the_bell_at_once_waits_for_whoever_rings(
    committed: None, bell: Bell, kind: Kind
) -> None:
    """`publish` notes in the row that it has rung; its COMMIT takes longer than the message."""
    ran: list[int] = []
    job = queued(kind(lambda running: ran.append(1)))

    def hear() -> None:
        try:
            services.run(job.pk)
        finally:
            connections.close_all()

    thread = threading.Thread(target=hear)
    with transaction.atomic():
        Job.objects.filter(pk=job.pk).update(published_at=timezone.now())
        thread.start()
        thread.join(0.5)
        assert ran == []
    thread.join(10)
    assert ran == [1]
    job.refresh_from_db()
    assert job.status == JobStatus.DONE


@pytest.mark.committed
def test_the_broker_is_down_the_row_waits_and_says_so(committed: None, bell: Bell, kind: Kind) -> None:
    bell.is_down = True
    job = queued(kind(lambda running: None))
    job.refresh_from_db()
    assert (job.status, job.published_at) == (JobStatus.QUEUED, None)
    assert "the work queue does not answer" in job.progress_text
    assert services.sweep() == 0
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(seconds=5))
    bell.is_down = False
    services.sweep()
    assert str(job.pk) in bell.rung
    job.refresh_from_db()
    assert job.progress_text == "Waiting for its turn."


@pytest.mark.committed
def test_the_sweeper_rings_for_what_was_rung_long_ago_only(committed: None, bell: Bell, kind: Kind) -> None:
    job = queued(kind(lambda running: None))
    bell.rung.clear()
    services.sweep()
    assert str(job.pk) not in bell.rung
    long_ago = timezone.now() - timedelta(seconds=4 * settings.JOB_SWEEP_SECONDS)
    Job.objects.filter(pk=job.pk).update(published_at=long_ago)
    services.sweep()
    assert bell.rung.count(str(job.pk)) == 1
    assert Heartbeat.objects.get(name=services.WORKER).is_fresh


@pytest.mark.committed
def test_a_job_under_lease_is_nobody_elses(committed: None, bell: Bell, kind: Kind) -> None:
    job = queued(kind(lambda running: None))
    first = services.claim(job.pk)
    assert first is not None
    assert services.claim(job.pk) is None
    bell.rung.clear()
    services.sweep()
    assert str(job.pk) not in bell.rung


@pytest.mark.committed
def test_a_dead_workers_job_is_taken_over_and_ends_once(committed: None, bell: Bell, kind: Kind) -> None:
    steps: list[str] = []

    def work(running: Running) -> None:
        running.step("first", lambda: steps.append("first"))
        if running.attempts == 1:
            raise SystemExit  # as a killed worker leaves it: no word about the end
        running.step("second", lambda: steps.append("second"))

    job = queued(kind(work))
    with pytest.raises(SystemExit):
        services.run(job.pk)
    job.refresh_from_db()
    assert job.status == JobStatus.RUNNING
    services.run(job.pk)
    job.refresh_from_db()
    assert job.attempts == 1  # its lease still holds
    lapse(job)
    bell.rung.clear()
    services.sweep()
    assert str(job.pk) in bell.rung
    services.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.DONE, 2)
    assert steps == ["first", "second"]  # what was done before the kill is not done again


@pytest.mark.committed
def test_who_lost_the_lease_writes_nothing(committed: None, bell: Bell, kind: Kind) -> None:
    job = queued(kind(lambda running: None))
    slow = services.claim(job.pk)
    assert slow is not None
    lapse(job)
    fast = services.claim(job.pk)
    assert fast is not None
    with pytest.raises(LeaseLost):
        slow.progress(1, 2, "Late")
    with pytest.raises(LeaseLost), transaction.atomic():
        slow.fence()
    with pytest.raises(LeaseLost):
        slow.step("late", lambda: 1)
    assert not slow.renew()
    job.refresh_from_db()
    assert (job.text, job.steps, job.lease_token) == ("", {}, fast.token)
    fast.progress(1, 2, "Reading page 1 of 2")
    with transaction.atomic():
        fast.fence()
    job.refresh_from_db()
    assert (job.percent, job.progress_text) == (50, "Reading page 1 of 2")


@pytest.mark.committed
def test_a_slow_one_that_was_taken_over_does_not_end_the_job(committed: None, bell: Bell, kind: Kind) -> None:
    def work(running: Running) -> None:
        if running.attempts == 1:
            lapse(Job.objects.get(pk=running.id))
            assert services.claim(running.id) is not None  # somebody else has it now

    job = queued(kind(work))
    services.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.RUNNING, 2)


@pytest.mark.committed
def test_the_fence_holds_a_taker_off_until_the_result_is_written(
    committed: None, bell: Bell, kind: Kind
) -> None:
    job = queued(kind(lambda running: None))
    mine = services.claim(job.pk)
    assert mine is not None
    with transaction.atomic():
        mine.fence()
        others: list[Any] = []

        def take() -> None:
            try:
                others.append(services.claim(job.pk))
            finally:
                connections.close_all()

        thread = threading.Thread(target=take)
        thread.start()
        thread.join(10)
        assert others == [None]


@pytest.mark.committed
def test_a_fault_is_tried_again_and_then_given_up(committed: None, bell: Bell, kind: Kind) -> None:
    def work(running: Running) -> None:
        raise RuntimeError("Ada Lovelace's page is torn")

    job = queued(kind(work))
    for attempt in range(1, settings.JOB_ATTEMPTS + 1):
        services.run(job.pk)
        job.refresh_from_db()
        assert job.attempts == attempt
    assert job.status == JobStatus.FAILED
    assert "Lovelace" not in job.error  # what a fault says may hold anything
    assert str(job.pk) in job.error
    services.run(job.pk)
    job.refresh_from_db()
    assert job.attempts == settings.JOB_ATTEMPTS
    assert Job.objects.in_trouble().filter(pk=job.pk).exists()


@pytest.mark.committed
def test_workers_that_die_again_and_again_end_in_failed(committed: None, bell: Bell, kind: Kind) -> None:
    job = queued(kind(lambda running: None))
    for _ in range(settings.JOB_ATTEMPTS):
        assert services.claim(job.pk) is not None
        lapse(job)
    assert services.claim(job.pk) is None
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED
    assert job.progress_text == "Gave up after several attempts."


@pytest.mark.committed
def test_what_cannot_be_done_fails_at_once_with_its_sentence(committed: None, bell: Bell, kind: Kind) -> None:
    def work(running: Running) -> None:
        raise JobFailed("The file is encrypted. Ask for one that is not.")

    job = queued(kind(work))
    unknown = queued("test.nobody-knows-this")
    services.run(job.pk)
    services.run(unknown.pk)
    job.refresh_from_db()
    unknown.refresh_from_db()
    assert (job.status, job.attempts) == (JobStatus.FAILED, 1)
    assert job.progress_text == "The file is encrypted. Ask for one that is not."
    assert "Nobody here knows" in unknown.progress_text


@pytest.mark.committed
def test_a_new_worker_takes_over_what_a_dead_one_on_its_host_held(
    committed: None, bell: Bell, kind: Kind
) -> None:
    held = {name: queued(kind(lambda running: None)) for name in ("dead", "alive", "elsewhere")}
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    host = socket.gethostname()
    workers = {"dead": f"{host}:{child}", "alive": f"{host}:1", "elsewhere": f"other-host:{child}"}
    for name, job in held.items():
        assert services.claim(job.pk) is not None
        Job.objects.filter(pk=job.pk).update(worker=workers[name])
    bell.rung.clear()
    services.release_orphans()
    status = {name: Job.objects.get(pk=job.pk).status for name, job in held.items()}
    assert status == {"dead": "queued", "alive": "running", "elsewhere": "running"}
    assert str(held["dead"].pk) in bell.rung


@pytest.mark.committed
def test_the_lease_is_renewed_while_the_handler_works(
    committed: None, bell: Bell, kind: Kind, settings: Any
) -> None:
    settings.JOB_LEASE_SECONDS = 0.3
    seen = threading.Event()
    ends: list[Any] = []

    def work(running: Running) -> None:
        start = Job.objects.get(pk=running.id).lease_until
        for _ in range(100):
            end = Job.objects.get(pk=running.id).lease_until
            if end != start:
                ends.append(end)
                return
            seen.wait(0.05)

    job = queued(kind(work))
    services.run(job.pk)
    assert ends
    assert Job.objects.get(pk=job.pk).status == JobStatus.DONE


def test_the_database_knows_no_running_job_without_a_lease(db: None) -> None:
    job = Job.objects.create(kind="test.x")
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(status=JobStatus.RUNNING)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now())


def test_a_job_is_its_owners_and_the_administrators(db: None) -> None:
    owner, other, admin = (
        make_user(Role.RECORDS_CLERK),
        make_user(Role.RECORDS_SUPERVISOR),
        make_user(Role.ADMINISTRATOR),
    )
    job = Job.objects.create(kind="test.x", created_by=owner.pk, done=1, total=4, text="Page 1 of 4")
    answers = {}
    for user in (owner, other, admin):
        client = Client()
        client.force_login(user)
        answers[user.pk] = client.get(f"/api/v1/jobs/{job.pk}/")
        assert client.get(f"/api/v1/jobs/{uuid7()}/").status_code == 404
        assert client.get("/api/v1/jobs/no-id/").status_code == 404
    assert [answer.status_code for answer in answers.values()] == [200, 404, 200]
    body = answers[owner.pk].json()
    assert (body["kind"], body["status"], body["progress"], body["attempts"]) == ("test.x", "queued", 0.25, 0)


def test_the_newest_job_about_a_row(db: None) -> None:
    owner = make_user(Role.RECORDS_CLERK)
    first = services.enqueue("test.a", by_id=owner.pk, args={}, about=owner)
    second = services.enqueue("test.b", by_id=owner.pk, args={}, about=owner)
    assert services.latest_about(owner) == second
    assert services.latest_about(owner, "test.a") == first
    assert services.latest_about(make_user(Role.RECORDS_CLERK)) is None
