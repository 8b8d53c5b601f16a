"""Addresses of static files, computed once each: every page names a dozen and a half of them."""

from functools import lru_cache

from django.contrib.staticfiles.storage import StaticFilesStorage


class RememberingStaticFilesStorage(StaticFilesStorage):
    """The plain storage of an embedded instance; its addresses do not change while it runs."""

    @lru_cache(maxsize=500)  # noqa: B019  (one storage lives as long as the process)
    def url(self, name: str | None) -> str:
        """The address of one static file."""
        return super().url(name)
