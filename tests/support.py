"""Small questions tests ask often."""

from typing import Any

from django.db import models

from audit.models import Event


def events(name: str, *, about: models.Model | None = None, **filters: Any) -> list[Event]:
    """The events of this name in the log (about this row), oldest first."""
    found = Event.objects.filter(event=name, **filters)
    if about is not None:
        found = found.filter(object_type=about._meta.label_lower, object_id=str(about.pk))
    return list(found.order_by("at", "id"))
