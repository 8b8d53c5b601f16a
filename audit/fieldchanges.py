"""Field differences: django-auditlog computes them, `audit.services.record` writes them with the verb's event.

Differences wait in the transaction itself, as on-commit callbacks of the connection, so that a rolled-back
savepoint takes its differences with it.
"""

import logging
from dataclasses import dataclass, field
from typing import Any

from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("chartroom.audit")


@dataclass
class Difference:
    """What one save or delete changed: `fields` is {name: [before, after]} as text."""

    model: str
    pk: str
    operation: str
    fields: dict[str, Any] = field(default_factory=dict)
    is_written: bool = False

    def __call__(self) -> None:
        """Runs after COMMIT: a difference that no event took with it is a fault of the verb."""
        if not self.is_written:
            logger.error("A change of %s was committed without its difference in the log.", self.model)


class FieldChangeManager(models.Manager["FieldChangeBase"]):
    """What django-auditlog calls instead of filling a table of its own."""

    def log_create(self, instance: models.Model, force_log: bool = False, **kwargs: Any) -> None:
        """Keep one object's field differences for the event of this transaction."""
        changes = kwargs.get("changes")
        if not changes:
            return
        operation = {0: "create", 1: "update", 2: "delete"}.get(int(kwargs.get("action", 1)), "update")
        own = {field.name for field in instance._meta.concrete_fields}  # not what points here from elsewhere
        kept = {
            name: pair
            for name, pair in changes.items()
            if name in own and (operation != "create" or pair[1] != "None")
        }
        if not kept:
            return
        transaction.on_commit(Difference(instance._meta.label_lower, str(instance.pk), operation, kept))

    def log_m2m_changes(
        self, changed_queryset: Any, instance: models.Model, operation: str, field_name: str, **kwargs: Any
    ) -> None:
        """The same for a many-to-many field: which rows were added or removed."""
        names = [str(row) for row in changed_queryset or []]
        if names:
            transaction.on_commit(
                Difference(instance._meta.label_lower, str(instance.pk), operation, {field_name: names})
            )


class FieldChangeBase(models.Model):
    """Only gives FieldChangeManager a type."""

    class Meta:
        abstract = True


def take(connection: BaseDatabaseWrapper) -> list[dict[str, Any]]:
    """The differences of this transaction that no event has taken yet, oldest first."""
    waiting = [entry[1] for entry in connection.run_on_commit if isinstance(entry[1], Difference)]
    taken = []
    for difference in waiting:
        if not difference.is_written:
            difference.is_written = True
            taken.append(
                {
                    "model": difference.model,
                    "id": difference.pk,
                    "operation": difference.operation,
                    "fields": difference.fields,
                }
            )
    return taken
