"""Small questions tests ask often."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from audit.models import Event


def events(name: str, *, about: models.Model | None = None, **filters: Any) -> list[Event]:
    """The events of this name in the log (about this row), oldest first."""
    found = Event.objects.filter(event=name, **filters)
    if about is not None:
        found = found.filter(object_type=about._meta.label_lower, object_id=str(about.pk))
    return list(found.order_by("at", "id"))


@contextmanager
def at_most_queries(most: int) -> Iterator[None]:
    """No more than `most` questions to the database. What only begins or ends a transaction is none."""
    with CaptureQueriesContext(connection) as captured:
        yield
    control = ("SAVEPOINT", "RELEASE SAVEPOINT", "BEGIN", "COMMIT")
    asked = [query["sql"] for query in captured.captured_queries if not query["sql"].startswith(control)]
    assert len(asked) <= most, f"{len(asked)} queries:\n" + "\n".join(sql[:160] for sql in asked)
