"""The link of an invitation goes by mail where there is mail; the page shows it all the same, and a failure is told."""

import re
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import LazySettings
from django.test import Client

from accounts import services
from accounts.models import User
from accounts.services.mailing import KIND
from common.jobs import services as jobs
from common.jobs.models import Job, JobStatus
from common.notices.models import Notice
from tests.support import events

NEW = {"username": "nora", "name": "Nora Example", "email": "nora@example.org", "roles": ["records_clerk"]}
SEND = "accounts.services.mailing.send_mail"


@pytest.fixture
def with_mail(settings: LazySettings) -> LazySettings:
    settings.EMAIL_HOST = "mail.example.org"
    return settings


def work() -> Job:
    job = Job.objects.get(kind=KIND, status=JobStatus.QUEUED)
    jobs.run(job.pk)
    job.refresh_from_db()
    return job


def invite(client: Client, **more: Any) -> tuple[User, str]:
    """Invited on the page; and what the page after it says."""
    page = client.post("/users/new/", {**NEW, **more}, follow=True).content.decode()
    return User.objects.get(username="nora"), page


def link_in(text: str) -> str:
    found = re.search(r"http://testserver(/welcome/[\w-]+/)", text)
    assert found
    return found[1]


def test_the_link_is_mailed_and_shown(
    with_mail: Any, administrator: User, browse: Any, mailoutbox: list[Any]
) -> None:
    client = browse(administrator)
    person, page = invite(client)
    assert "On its way" in page
    assert work().status == JobStatus.DONE
    [mail] = mailoutbox
    assert mail.to == ["nora@example.org"]
    assert link_in(mail.body) == link_in(page)
    assert "nora" in Client().get(link_in(mail.body)).content.decode()
    assert "Mailed" in client.get(person.get_absolute_url()).content.decode()
    [event] = events("user.link_mailed", about=person)
    assert event.actor_id == administrator.pk
    assert event.channel == "job"


def test_the_link_lies_nowhere_in_clear(with_mail: Any, administrator: User, browse: Any) -> None:
    _, page = invite(browse(administrator))
    assert link_in(page).split("/")[2] not in str(list(Job.objects.values()))


@pytest.mark.parametrize(("host", "email"), [("", "nora@example.org"), ("mail.example.org", "")])
def test_without_mail_or_an_address_the_page_is_the_only_way(
    host: str, email: str, settings: LazySettings, administrator: User, browse: Any
) -> None:
    settings.EMAIL_HOST = host
    _, page = invite(browse(administrator), email=email)
    assert "Hand this link over now" in page
    assert not Job.objects.filter(kind=KIND).exists()


def test_an_address_that_is_refused_is_told_once_and_the_invitation_stays(
    with_mail: Any, administrator: User, browse: Any
) -> None:
    client = browse(administrator)
    person, page = invite(client)
    with patch(SEND, side_effect=SMTPRecipientsRefused({"nora@example.org": (550, b"no such user")})):
        job = work()
    assert job.status == JobStatus.FAILED
    assert "refuses the address nora@example.org" in client.get(person.get_absolute_url()).content.decode()
    told = Notice.objects.get(kind="user.link_not_mailed")
    assert told.recipient_id == administrator.pk
    assert events("user.link_not_mailed", about=person)[0].outcome == "failed"
    assert services.invited(link_in(page).split("/")[2]) == person


def test_a_server_that_is_away_is_tried_again_and_then_given_up(
    with_mail: Any, administrator: User, browse: Any, mailoutbox: list[Any]
) -> None:
    client = browse(administrator)
    person, page = invite(client)
    for _ in range(with_mail.JOB_ATTEMPTS - 1):
        with patch(SEND, side_effect=SMTPServerDisconnected("gone")):
            assert work().status == JobStatus.QUEUED
    assert not Notice.objects.filter(kind="user.link_not_mailed").exists()
    with patch(SEND, side_effect=OSError("gone")):
        assert work().status == JobStatus.FAILED
    assert "does not answer" in client.get(person.get_absolute_url()).content.decode()
    assert services.invited(link_in(page).split("/")[2]) == person
    assert "On its way" in client.post(f"/users/{person.pk}/link/new/", follow=True).content.decode()
    assert work().status == JobStatus.DONE
    assert len(mailoutbox) == 1


def test_a_link_that_has_ended_meanwhile_is_not_mailed(
    with_mail: Any, administrator: User, browse: Any, mailoutbox: list[Any]
) -> None:
    client = browse(administrator)
    person, _ = invite(client)
    services.stop_user(by=administrator, user_id=person.pk, reason="a mistake")
    assert work().status == JobStatus.DONE
    assert not mailoutbox
    assert not events("user.link_mailed")


def test_a_job_that_runs_again_after_sending_does_not_send_again(
    with_mail: Any, administrator: User, browse: Any, mailoutbox: list[Any]
) -> None:
    """A worker killed between the mail and its event."""
    person, _ = invite(browse(administrator))
    with patch("accounts.services.mailing.record", side_effect=RuntimeError("killed")):
        assert work().status == JobStatus.QUEUED
    assert work().status == JobStatus.DONE
    assert len(mailoutbox) == 1
    assert events("user.link_mailed", about=person)
