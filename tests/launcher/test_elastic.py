"""How many web processes there are: one more when each is busy, one fewer after a long quiet."""

import signal
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from config.embedded import elastic
from config.embedded.children import Child


@dataclass
class _Process:
    pid: int = 4_000_000  # above any that can exist
    signals: list[int] = field(default_factory=list)

    def poll(self) -> int | None:
        return None

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


@pytest.fixture
def web() -> Child:
    child = Child("Web", [], {}, Path("/"), None)
    child.process = _Process()  # type: ignore[assignment]
    return child


def _signals(web: Child) -> list[int]:
    return web.process.signals  # type: ignore[union-attr, attr-defined, no-any-return]


def test_one_more_for_each_busy_look_and_never_more_than_the_most(web: Child) -> None:
    watch = elastic.Elastic(web, most=3)
    for second in range(6):
        watch.decide(0.9, float(second))
    assert _signals(web) == [signal.SIGTTIN, signal.SIGTTIN]
    assert watch.wanted == 3


def test_one_fewer_after_each_long_quiet_and_never_none(web: Child) -> None:
    watch = elastic.Elastic(web, most=3)
    watch.decide(0.9, 0.0)
    watch.decide(0.9, 1.0)
    for second in range(2, 1000):
        watch.decide(0.0, float(second))
    assert _signals(web) == [signal.SIGTTIN, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTTOU]
    assert watch.wanted == 1


def test_a_little_work_keeps_what_there_is(web: Child) -> None:
    watch = elastic.Elastic(web, most=2)
    watch.decide(0.9, 0.0)
    for second in range(1, 1000):
        watch.decide(0.3, float(second))
    assert _signals(web) == [signal.SIGTTIN]


def test_a_web_that_was_started_again_has_one_process(web: Child) -> None:
    watch = elastic.Elastic(web, most=2)
    watch.look()
    watch.decide(0.9, 0.0)
    assert watch.wanted == 2
    web.process = _Process(pid=4_000_001)  # type: ignore[assignment]
    watch.looked_at = 0.0
    watch.look()
    assert watch.wanted == 1


def test_a_number_that_the_operator_gave_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHARTROOM_WEB_WORKERS", raising=False)
    assert not elastic.fixed_by_operator()
    monkeypatch.setenv("CHARTROOM_WEB_WORKERS", "2")
    assert elastic.fixed_by_operator()
