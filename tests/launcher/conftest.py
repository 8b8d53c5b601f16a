"""One Chartroom for the tests that only look; tests that hurt it start their own."""

from collections.abc import Iterator

import pytest

from tests.launcher.running import Running


@pytest.fixture(scope="package")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running, empty Chartroom."""
    running = Running(tmp_path_factory.mktemp("first") / "data", "--no-demo").start()
    yield running
    running.stop()


@pytest.fixture(scope="package")
def shaken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Chartroom for tests that hurt it, in a folder with a long name and spaces in it."""
    place = tmp_path_factory.mktemp("shaken") / "a data folder"
    place.mkdir()
    running = Running(place / ("of a hospital with a long name " * 4).strip(), "--no-demo")
    yield running
    if running.is_running:
        running.stop()


@pytest.fixture
def own(shaken: Running) -> Running:
    """The shaken Chartroom, running again."""
    return shaken if shaken.is_running else shaken.start()
