"""Which tests stay together in one process of the test run."""

from typing import Any

from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/journeys", "tests/launcher")


class Together(LoadScopeScheduling):
    """Each test by itself, but the folders that share a running Chartroom as a whole, and those first.

    In place of xdist's own `loadgroup`, whose marks pytest 9.2 no longer lets it write into a test's name.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


def make_scheduler(config: Any, log: Any) -> Together | None:
    """Ours where `--dist loadgroup` asks for groups."""
    return Together(config, log) if config.getvalue("dist") == "loadgroup" else None
