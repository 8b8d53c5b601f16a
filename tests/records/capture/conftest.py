"""The same charts and documents as the room below uses."""

from tests.records.documents.conftest import filed, patient

__all__ = ["filed", "patient"]
