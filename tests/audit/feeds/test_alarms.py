"""What is wrong with the log itself reaches a person: a notice a day, the pages, readyz and the metrics."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from audit.models import CheckpointDelivery, FeedDelivery
from audit.queries import PartitionState
from audit.review.feeds import alarms
from common.notices.models import Notice

PLACE = "https://repository.example/fhir"
pytestmark = pytest.mark.django_db


@pytest.fixture
def months(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Pretend that so many months are ready and so many events lie outside."""

    def pretend(ahead: int, elsewhere: int) -> None:
        for module in ("audit.review.feeds.alarms", "config.health", "config.metrics", "config.system"):
            monkeypatch.setattr(f"{module}.partition_state", lambda: PartitionState(ahead, elsewhere))

    return pretend


def _told(user: User) -> list[str]:
    return list(
        Notice.objects.filter(recipient=user).order_by("created_at", "pk").values_list("text", flat=True)
    )


@pytest.mark.parametrize(
    ("ahead", "elsewhere", "words"), [(1, 0, "1 coming months only"), (13, 2, "2 events")]
)
def test_months_that_run_out_reach_the_administrator_once_a_day(
    ahead: int,
    elsewhere: int,
    words: str,
    months: Callable[..., None],
    administrator: User,
    clerk: User,
    client: Client,
) -> None:
    months(ahead, elsewhere)
    alarms.tell()
    alarms.tell()
    [text] = _told(administrator)
    assert words in text
    assert _told(clerk) == []
    assert client.get("/readyz").json()["log"] is False
    text = client.get("/metrics", REMOTE_ADDR="127.0.0.1").content.decode()
    assert f"chartroom_log_months_ahead {ahead}\n" in text
    assert f"chartroom_log_events_elsewhere {elsewhere}\n" in text
    Notice.objects.update(created_at=timezone.now() - timedelta(days=2))
    alarms.tell()
    assert len(_told(administrator)) == 2


def test_nothing_is_told_when_all_is_well(administrator: User, client: Client) -> None:
    assert alarms.tell() == 0
    assert client.get("/readyz").json()["log"] is True


def test_a_place_that_is_away_for_long_reaches_both_offices(
    administrator: User,
    compliance: User,
    settings: LazySettings,
    browse: Callable[[User], Client],
) -> None:
    settings.FEEDS = [PLACE]
    settings.CHECKPOINTS = ["/mnt/elsewhere"]
    since = timezone.now() - timedelta(minutes=2)
    row = FeedDelivery.objects.create(
        destination=PLACE, error="The server answered 500.", failing_since=since
    )
    CheckpointDelivery.objects.create(
        destination="/mnt/elsewhere", error="gone", failing_since=since - timedelta(minutes=20)
    )
    alarms.tell()
    assert [PLACE in text for text in _told(administrator)] == [False]  # two minutes are no trouble yet
    row.failing_since = since - timedelta(minutes=20)
    row.save()
    alarms.tell()
    for user in (administrator, compliance):
        assert any(PLACE in text and "500" in text for text in _told(user))
        assert any("/mnt/elsewhere" in text for text in _told(user))
    page = browse(compliance).get("/log/proof/").content.decode()
    assert "Told to other systems" in page
    assert "Not reached</span>" in page
    assert "The server answered 500." in page
    page = browse(administrator).get("/system/").content.decode()
    assert f"{PLACE}: The server answered 500." in page
    assert "Something needs attention" in page
    text = browse(administrator).get("/metrics", REMOTE_ADDR="127.0.0.1").content.decode()
    assert 'chartroom_feed_failing_seconds{feed="1"} 1' in text


def test_a_place_that_is_no_longer_configured_troubles_nobody(
    administrator: User, settings: LazySettings
) -> None:
    FeedDelivery.objects.create(
        destination=PLACE, error="x", failing_since=timezone.now() - timedelta(days=1)
    )
    assert alarms.tell() == 0
