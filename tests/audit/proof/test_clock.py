"""The clock's steps are events, its ordinary gait is not."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.models import Event
from audit.proof import clock

START = datetime(2026, 3, 8, 6, 59, 50, tzinfo=UTC)


class _Time:
    """A database clock and a machine's ticks, moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.ticks = START, 1000.0
        monkeypatch.setattr(clock, "_seen", None)
        monkeypatch.setattr(clock, "_database_clock", lambda: self.at)
        monkeypatch.setattr("audit.proof.clock.time.clock_gettime", lambda _: self.ticks)

    def pass_by(self, seconds: float, *, set_by: float = 0) -> None:
        self.ticks += seconds
        self.at += timedelta(seconds=seconds + set_by)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch, db: None) -> _Time:
    monkeypatch.setattr("audit.proof.clock.epochs.last", lambda: None)
    return _Time(monkeypatch)


def _steps() -> list[Event]:
    return list(Event.objects.filter(event="clock.stepped").order_by("id"))


@pytest.mark.parametrize("seconds", [0.0, 15.0, 3600.0, 86_400.0])
def test_time_that_passes_is_no_step_whatever_summer_time_does(time: _Time, seconds: float) -> None:
    """Instants know no summer time, and a leap second is far below a step."""
    clock.look()
    time.pass_by(seconds, set_by=-1.0)
    assert clock.look() is None
    assert not _steps()


@pytest.mark.parametrize(
    ("set_by", "words"), [(-90.0, "set back by 90 s"), (3600.0, "set forward by 3600 s")]
)
def test_a_step_is_an_event_once(time: _Time, set_by: float, words: str) -> None:
    clock.look()
    time.pass_by(15, set_by=set_by)
    assert clock.look() == timedelta(seconds=set_by)
    time.pass_by(15)
    assert clock.look() is None
    (event,) = _steps()
    assert event.reason == words
    assert event.action == "config-change"
    assert event.detail is not None
    assert event.detail["seconds"] == set_by


def test_a_clock_behind_the_newest_seal_at_the_start_is_an_event(
    time: _Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Newest:
        sealed_at = START + timedelta(minutes=10)

    monkeypatch.setattr("audit.proof.clock.epochs.last", Newest)
    assert clock.look() == timedelta(minutes=-10)
    assert len(_steps()) == 1
