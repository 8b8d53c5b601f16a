"""What a load balancer and Prometheus ask."""

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from common.jobs.models import Heartbeat
from common.jobs.services import WORKER

pytestmark = pytest.mark.django_db


def test_alive_needs_no_sign_in(client: Client) -> None:
    assert client.get("/healthz").content == b"ok\n"


def test_ready_names_the_part_that_does_not_answer(client: Client) -> None:
    Heartbeat.objects.all().delete()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["worker"] is False
    assert answer.json()["database"] is True
    assert answer["Retry-After"]


def test_ready_says_yes_when_all_parts_answer(client: Client) -> None:
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"seen_at": timezone.now()})
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json()


def test_ready_says_no_when_the_broker_is_away(client: Client, settings: LazySettings) -> None:
    Heartbeat.objects.update_or_create(name=WORKER, defaults={"seen_at": timezone.now()})
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["broker"] is False


def test_metrics_tell_numbers_to_this_machine_only(client: Client) -> None:
    answer = client.get("/metrics", REMOTE_ADDR="127.0.0.1")
    text = answer.content.decode()
    assert 'chartroom_part_up{part="database"} 1' in text
    assert 'chartroom_jobs{status="queued"}' in text
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 404


def test_metrics_do_not_believe_a_forged_address(client: Client) -> None:
    answer = client.get("/metrics", REMOTE_ADDR="10.0.0.9", headers={"X-Forwarded-For": "127.0.0.1"})
    assert answer.status_code == 404
