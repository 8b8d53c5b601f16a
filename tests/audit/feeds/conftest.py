"""Events of every kind, none of them in a database."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from audit.models import Event
from common.ids import uuid7

Make = Callable[..., Event]


@pytest.fixture
def make() -> Make:
    """A plain event; what is given changes it."""

    def made(name: str = "patient.viewed", action: str = "view", **more: Any) -> Event:
        patient = uuid7()
        values = {
            "id": 4711,
            "at": datetime(2026, 5, 3, 9, 8, 7, 654321, tzinfo=UTC),
            "event": name,
            "action": action,
            "actor_id": uuid7(),
            "actor": "clerk",
            "roles": ["records_clerk"],
            "session": "0123456789abcdef",
            "patient_id": patient,
            "patient_ids": None,
            "object_type": "patients.patient",
            "object_id": str(patient),
            "purpose": "TREAT",
            "reason": "why she might",
            "outcome": "success",
            "channel": "web",
            "ip": "192.0.2.7",
            "request_id": "r-00000001",
            "detail": None,
        }
        return Event(**{**values, **more})

    return made
